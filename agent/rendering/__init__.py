"""Turns a finished report into files by name; others write them to disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import InvalidSettings
from agent.rendering.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.domain.report import Report
    from agent.rendering.bibliography.styles import CitationStyle

FORMATS: Final = ("md", "html", "json", "bib")
"""The formats that are written unless others are asked for; ``FORMS`` has all there are."""


def files(
    report: Report, formats: Sequence[str] = FORMATS, style: CitationStyle = "numeric"
) -> dict[str, bytes]:
    """Return the files of a report by name; the same report gives the same bytes.

    Raises InvalidSettings and ExtraMissing as ``require`` does.
    """
    made = _made(report, formats, style)
    return {name: data.encode() if isinstance(data, str) else data for name, data in made.items()}


def render(report: Report, formats: Sequence[str] = FORMATS) -> dict[str, str]:
    """Return those files that are texts, as texts."""
    made = _made(report, formats, "numeric")
    return {name: data for name, data in made.items() if isinstance(data, str)}


def require(formats: Sequence[str]) -> None:
    """Raise InvalidSettings if a format is not known, ExtraMissing if it needs an extra."""
    unknown = [name for name in formats if name not in FORMS]
    if unknown:
        raise InvalidSettings(
            f"unknown report format: {', '.join(unknown)}", mend=f"choose from {', '.join(FORMS)}"
        )
    for name in formats:
        FORMS[name].load()


def _made(report: Report, formats: Sequence[str], style: CitationStyle) -> dict[str, str | bytes]:
    require(formats)
    forms = (FORMS[name] for name in dict.fromkeys(formats))
    return {form.file: form.load()(report, style) for form in forms}
