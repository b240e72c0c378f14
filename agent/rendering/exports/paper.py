"""The only home of WeasyPrint: prints the page of the report as PDF, and fetches nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from agent.domain.look import PLAIN
from agent.errors import ExtraMissing
from agent.rendering.html_report import as_html
from agent.templating import fill

try:
    import weasyprint
except OSError as unloaded:
    raise ExtraMissing(
        f"WeasyPrint does not find Pango ({unloaded})",
        mend="install it, on Debian with: apt-get install libpango-1.0-0 libpangoft2-1.0-0"
        " libharfbuzz-subset0",
    ) from unloaded

if TYPE_CHECKING:
    from agent.domain.look import Look
    from agent.domain.report import Report


def as_pdf(report: Report, look: Look = PLAIN) -> bytes:
    """Return report.pdf, tagged so that screen readers can read it."""
    page = weasyprint.HTML(string=as_html(report, look), url_fetcher=refuse)
    sheet = weasyprint.CSS(string=fill("5-render/pdf.css", look.templates), url_fetcher=refuse)
    written: bytes = page.write_pdf(stylesheets=[sheet], pdf_variant="pdf/ua-1")
    return written


def refuse(url: str, *_: object, **__: object) -> NoReturn:
    """Be called by WeasyPrint for every address on the page, and let it read none."""
    message = f"a report is whole in itself: {url} is not read"
    raise ValueError(message)
