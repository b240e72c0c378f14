"""Fills templates strictly: a missing value is an error. The only home of Jinja."""

from __future__ import annotations

import traceback
from functools import cache
from typing import TYPE_CHECKING, Final

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agent import resources
from agent.domain.prompt import Prompt
from agent.errors import TemplateBroken

if TYPE_CHECKING:
    from pathlib import Path

REPORTS: Final = "5-render"
"""The folder of the templates that a user may have own ones in the place of."""

OURS: Final = "ours"
"""What a user's template calls that folder, to extend or include what it replaces."""

LINE_END: Final = "¶"
"""Stands for a line end of a source within a prompt; finding a quote folds it away."""


def one_line(text: object) -> str:
    """Fold all white space to single spaces, so that a text cannot begin a line of a prompt."""
    return " ".join(str(text).split())


def passage_line(text: object) -> str:
    """Fold a passage to one line, with a pilcrow where it had a line end."""
    return f" {LINE_END} ".join(one_line(line) for line in str(text).split("\n") if line.strip())


@cache
def environment(own: Path | None = None) -> jinja2.Environment:
    """Return the environment for ``templates/``: strict, with markup escaped.

    ``own`` is a folder whose templates stand in the place of those for reports. They may come from
    anyone, so all of it is in Jinja's sandbox: a template can ruin a report, but do nothing else.
    """
    made = ImmutableSandboxedEnvironment(
        loader=_loader(resources.folder("templates"), own),
        undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(("html", "html.j2", "svg.j2", "xml.j2")),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["one_line"] = one_line
    made.filters["passage_line"] = passage_line
    return made


def _loader(ours: Path, own: Path | None) -> jinja2.BaseLoader:
    if own is None:
        return jinja2.FileSystemLoader(ours)
    prefixes = {
        REPORTS: jinja2.ChoiceLoader(
            [jinja2.FileSystemLoader(own), jinja2.FileSystemLoader(ours / REPORTS)]
        ),
        OURS: jinja2.FileSystemLoader(ours / REPORTS),
    }
    return jinja2.PrefixLoader(prefixes)


def fill(name: str, own: Path | None = None, /, **values: object) -> str:
    """Render one template file; raise TemplateBroken if it is missing or asks for more."""
    try:
        return environment(own).get_template(name).render(values)
    except jinja2.TemplateError as error:
        raise TemplateBroken(f"{_place(error, own) or f'template {name}'}: {error}") from error


def compiled(name: str, own: Path) -> None:
    """Raise TemplateBroken if a template of a user's cannot be read as one."""
    try:
        environment(own).get_template(name)
    except jinja2.TemplateError as error:
        raise TemplateBroken(f"{_place(error, own) or f'template {name}'}: {error}") from error


def _place(error: jinja2.TemplateError, own: Path | None) -> str:
    """Return the file and line of a user's template that an error comes from, if it does."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    places = (
        f"{it.filename}:{it.lineno}" for it in reversed(frames) if it.filename.endswith(".j2")
    )
    return next(places, "") if own else ""


def prompt(name: str, **values: object) -> Prompt:
    """Render the ``system`` and ``user`` blocks of one prompt template."""
    try:
        template = environment().get_template(f"{name}.md.j2")
        context = template.new_context(values)
        parts = {part: "".join(template.blocks[part](context)) for part in ("system", "user")}
    except (jinja2.TemplateError, KeyError) as error:
        raise TemplateBroken(f"prompt template {name}: {error!r}") from error
    return Prompt(parts["system"].strip(), parts["user"].strip())
