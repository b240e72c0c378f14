"""Writes the report as one HTML page that needs no network and runs no script but its own.

Nothing is rendered from foreign Markdown or HTML: all of it is text, which Jinja escapes.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING

from agent.domain.look import PLAIN
from agent.rendering.clean_text import clean
from agent.rendering.layout import lay_out
from agent.rendering.words import words_for
from agent.templating import fill

if TYPE_CHECKING:
    from pathlib import Path

    from agent.domain.look import Look
    from agent.domain.report import Report


def as_html(report: Report, look: Look = PLAIN) -> str:
    """Return report.html; its policy allows this style sheet, this script, and nothing else."""
    layout = lay_out(report, words_for(report.brief.language), clean, look)
    return fill(
        "5-render/report.html.j2",
        look.templates,
        layout=layout,
        words=layout.words.plain,
        style=_digest("5-render/report.css", look.templates),
        script=_digest("5-render/report.js", look.templates),
    )


def _digest(template: str, own: Path | None) -> str:
    """Return what a policy allows a text by that stands in the page itself."""
    return f"sha256-{b64encode(hashlib.sha256(fill(template, own).encode()).digest()).decode()}"
