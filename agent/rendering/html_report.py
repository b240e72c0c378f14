"""Writes the report as one HTML page that needs no network and no script; Jinja escapes it."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING

from agent.rendering.clean_text import clean
from agent.rendering.layout import lay_out
from agent.rendering.words import words_for
from agent.templating import fill

if TYPE_CHECKING:
    from agent.domain.report import Report


def as_html(report: Report) -> str:
    """Return report.html; its policy allows this one style sheet and nothing else."""
    layout = lay_out(report, words_for(report.brief.language), clean)
    digest = hashlib.sha256(fill("5-render/report.css").encode()).digest()
    return fill(
        "5-render/report.html.j2",
        layout=layout,
        words=layout.words.plain,
        style=f"sha256-{b64encode(digest).decode()}",
    )
