"""Fills templates strictly: a missing value is an error. The only home of Jinja."""

from __future__ import annotations

from functools import cache
from typing import Final

import jinja2

from agent import resources
from agent.domain.prompt import Prompt
from agent.errors import TemplateBroken

LINE_END: Final = "¶"
"""Stands for a line end of a source within a prompt; finding a quote folds it away."""


def one_line(text: object) -> str:
    """Fold all white space to single spaces, so that a text cannot begin a line of a prompt."""
    return " ".join(str(text).split())


def passage_line(text: object) -> str:
    """Fold a passage to one line, with a pilcrow where it had a line end."""
    return f" {LINE_END} ".join(one_line(line) for line in str(text).split("\n") if line.strip())


@cache
def environment() -> jinja2.Environment:
    """Return the environment for ``templates/``: strict, markup escaped, no loaders but ours."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.folder("templates")),
        undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(("html", "html.j2", "svg.j2", "xml.j2")),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["one_line"] = one_line
    made.filters["passage_line"] = passage_line
    return made


def fill(name: str, **values: object) -> str:
    """Render one template file; raise TemplateBroken if it is missing or asks for more."""
    try:
        return environment().get_template(name).render(values)
    except jinja2.TemplateError as error:
        raise TemplateBroken(f"template {name}: {error}") from error


def prompt(name: str, **values: object) -> Prompt:
    """Render the ``system`` and ``user`` blocks of one prompt template."""
    try:
        template = environment().get_template(f"{name}.md.j2")
        context = template.new_context(values)
        parts = {part: "".join(template.blocks[part](context)) for part in ("system", "user")}
    except (jinja2.TemplateError, KeyError) as error:
        raise TemplateBroken(f"prompt template {name}: {error!r}") from error
    return Prompt(parts["system"].strip(), parts["user"].strip())
