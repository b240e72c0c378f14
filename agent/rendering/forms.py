"""The forms a report can take, by the name of the format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.rendering.bibliography.bibtex import as_bibtex
from agent.rendering.bibliography.csl_json import as_csl_json
from agent.rendering.bibliography.ris import as_ris
from agent.rendering.exports.json_ld import as_json_ld
from agent.rendering.exports.one_page import as_brief
from agent.rendering.exports.plain_text import as_plain_text
from agent.rendering.extras import extra
from agent.rendering.html_report import as_html
from agent.rendering.json_report import as_json
from agent.rendering.markdown_report import as_markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.domain.look import Look
    from agent.domain.report import Report

    Make = Callable[[Report, Look], str | bytes]


@dataclass(frozen=True, slots=True)
class Form:
    """One file that a report can become; ``styled`` if it has references in a citation style.

    ``load`` raises ExtraMissing if what makes the file is not installed.
    """

    file: str
    load: Callable[[], Make]
    styled: bool = False


def _plain(make: Callable[[Report], str | bytes]) -> Callable[[], Make]:
    return lambda: lambda report, _: make(report)


def _docx() -> Make:
    with extra("docx"):
        from agent.rendering.exports.word import as_docx  # noqa: PLC0415 - an extra
    return as_docx


def _pdf() -> Make:
    with extra("pdf"):
        from agent.rendering.exports.paper import as_pdf  # noqa: PLC0415 - an extra
    return as_pdf


FORMS: Final[Mapping[str, Form]] = {
    "md": Form("report.md", lambda: as_markdown, styled=True),
    "html": Form("report.html", lambda: as_html, styled=True),
    "json": Form("report.json", _plain(as_json)),
    "bib": Form("references.bib", _plain(as_bibtex)),
    "ris": Form("references.ris", _plain(as_ris)),
    "csl": Form("references.csl.json", _plain(as_csl_json)),
    "jsonld": Form("report.jsonld", _plain(as_json_ld)),
    "txt": Form("report.txt", lambda: as_plain_text, styled=True),
    "brief": Form("brief.md", lambda: as_brief, styled=True),
    "docx": Form("report.docx", _docx, styled=True),
    "pdf": Form("report.pdf", _pdf, styled=True),
}
