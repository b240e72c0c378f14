"""Turns a finished report into texts by file name; others write them to disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import InvalidSettings
from agent.rendering.bibliography.bibtex import as_bibtex
from agent.rendering.html_report import as_html
from agent.rendering.json_report import as_json
from agent.rendering.markdown_report import as_markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.domain.report import Report

FORMATS: Final = ("md", "html", "json", "bib")

_FILES: Final[dict[str, tuple[str, Callable[[Report], str]]]] = {
    "md": ("report.md", as_markdown),
    "html": ("report.html", as_html),
    "json": ("report.json", as_json),
    "bib": ("references.bib", as_bibtex),
}


def render(report: Report, formats: Sequence[str] = FORMATS) -> dict[str, str]:
    """Return the files of a report by name; the same report gives the same bytes.

    Raises InvalidSettings if a format is not one of ``FORMATS``.
    """
    unknown = [name for name in formats if name not in _FILES]
    if unknown:
        raise InvalidSettings(
            f"unknown report format: {', '.join(unknown)}",
            mend=f"choose from {', '.join(FORMATS)}",
        )
    chosen = (_FILES[name] for name in dict.fromkeys(formats))
    return {name: make(report) for name, make in chosen}
