"""Turns a finished report into files by name; others write them to disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.domain.look import PLAIN
from agent.errors import InvalidSettings
from agent.rendering.bibliography.styles import formatted
from agent.rendering.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.domain.look import Look
    from agent.domain.report import Report

FORMATS: Final = ("md", "html", "json", "bib")
"""The formats that are written unless others are asked for; ``FORMS`` has all there are."""


def files(report: Report, formats: Sequence[str] = FORMATS, look: Look = PLAIN) -> dict[str, bytes]:
    """Return the files of a report by name; the same report gives the same bytes.

    Raises InvalidSettings and ExtraMissing as ``require`` does, and TemplateBroken.
    """
    made = _made(report, formats, look)
    return {name: data.encode() if isinstance(data, str) else data for name, data in made.items()}


def render(report: Report, formats: Sequence[str] = FORMATS) -> dict[str, str]:
    """Return those files that are texts, as texts."""
    made = _made(report, formats, PLAIN)
    return {name: data for name, data in made.items() if isinstance(data, str)}


def require(formats: Sequence[str], look: Look = PLAIN) -> None:
    """Refuse, before there is a report, what it could not be written in.

    Raises InvalidSettings if a format is not known or a folder of templates is none, ExtraMissing
    if a format or the citation style needs an extra.
    """
    unknown = [name for name in formats if name not in FORMS]
    if unknown:
        raise InvalidSettings(
            f"unknown report format: {', '.join(unknown)}", mend=f"choose from {', '.join(FORMS)}"
        )
    for name in formats:
        FORMS[name].load()
    formatted((), look.style, "en")
    if look.templates is not None:
        from agent.rendering import house  # noqa: PLC0415 - few have templates of their own

        house.require(look.templates)


def _made(report: Report, formats: Sequence[str], look: Look) -> dict[str, str | bytes]:
    require(formats, look)
    forms = (FORMS[name] for name in dict.fromkeys(formats))
    return {form.file: form.load()(report, look) for form in forms}
