"""Writes the report as Markdown that reads well raw: footnotes for quotes, nothing foreign live."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agent.rendering.clean_text import clean
from agent.rendering.layout import lay_out
from agent.rendering.words import words_for
from agent.templating import fill

if TYPE_CHECKING:
    from agent.domain.report import Report

_INLINE: Final = re.compile(
    r"[\\`*_\[\]|~#$]"  # code, emphasis, links, tables, headings, formulas
    r"|!(?=\[)"  # images
    r"|&(?=#?\w+;)"  # entities
    r"|(?<=[a-z]):(?=//|[^\s/]*@)"  # addresses that some readers turn into links unasked:
    r"|(?<=www)\."  # links are made from sources that were read, and only by us
    r"|^[-+=:]",  # lists, rules, underlined headings, definitions
    re.IGNORECASE,
)
_NUMBERED: Final = re.compile(r"^(\d+)([.)])")
_ANGLES: Final = str.maketrans({"<": "&lt;", ">": "&gt;"})


def escaped(text: str) -> str:
    """Return a foreign text as one line of Markdown that shows exactly that text."""
    marked = _INLINE.sub(r"\\\g<0>", clean(text))
    return _NUMBERED.sub(r"\1\\\2", marked).translate(_ANGLES)


def as_markdown(report: Report) -> str:
    """Return report.md."""
    layout = lay_out(report, words_for(report.brief.language), escaped)
    return fill("5-render/report.md.j2", layout=layout, words=layout.words.plain).strip() + "\n"
