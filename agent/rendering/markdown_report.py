"""Writes the report as Markdown that reads well raw: footnotes for quotes, nothing foreign live."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from agent.domain.look import PLAIN
from agent.rendering.clean_text import clean
from agent.rendering.layout import lay_out
from agent.rendering.words import words_for
from agent.templating import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.domain.look import Look
    from agent.domain.report import Report
    from agent.rendering.words import Words

_INLINE: Final = re.compile(
    r"[\\`*_\[\]|~#$]"  # code, emphasis, links, tables, headings, formulas
    r"|!(?=\[)"  # images
    r"|&(?=#?\w+;)"  # entities
    r"|%(?=%)|=(?==)"  # comments and highlights of Obsidian
    r"|(?<=[a-z]):(?=//|[^\s/]*@)"  # addresses that some readers turn into links unasked:
    r"|(?<=www)\."  # links are made from sources that were read, and only by us
    r"|^[-+=:]",  # lists, rules, underlined headings, definitions
    re.IGNORECASE,
)
_HEADINGS_BEFORE: Final = ("changes", "summary", "findings", "contents")
_NUMBERED: Final = re.compile(r"^(\d+)([.)])")
_ANGLES: Final = str.maketrans({"<": "&lt;", ">": "&gt;"})


def escaped(text: str) -> str:
    """Return a foreign text as one line of Markdown that shows exactly that text."""
    marked = _INLINE.sub(r"\\\g<0>", clean(text))
    return _NUMBERED.sub(r"\1\\\2", marked).translate(_ANGLES)


def as_markdown(report: Report, look: Look = PLAIN) -> str:
    """Return report.md."""
    words = words_for(report.brief.language)
    layout = lay_out(report, words, escaped, look)
    page = fill(
        "5-render/report.md.j2",
        look.templates,
        layout=layout,
        words=words.plain,
        anchors=tuple(_anchors(report, words)),
    )
    return page.strip() + "\n"


def _anchors(report: Report, words: Words) -> Iterator[str]:
    """Yield the addresses that GitHub gives the headings of the sections."""
    before = [report.brief.restated, *(words.say(key) for key in _HEADINGS_BEFORE)]
    taken = Counter(map(_slug, before))
    for section in report.sections:
        slug = _slug(section.title)
        yield f"#{slug}-{taken[slug]}" if taken[slug] else f"#{slug}"
        taken[slug] += 1


def _slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", clean(heading).lower()).replace(" ", "-")
