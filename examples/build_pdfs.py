"""Makes the PDFs of the demo world from its texts; only needed again when a text changes.

    python -m pip install reportlab
    python examples/build_pdfs.py

The same texts give the same bytes, so that a rebuilt file differs only where its text does.
"""

from __future__ import annotations

import html
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate

if TYPE_CHECKING:
    from collections.abc import Iterator

WORLD = Path(__file__).parent / "world"
STYLES = getSampleStyleSheet()


def build(text: Path) -> None:
    """Write the PDF of one text, if it has one."""
    _, front, body = text.read_text(encoding="utf-8").split("+++\n", 2)
    about = tomllib.loads(front)
    name = about.get("pdf") or (f"{about['id']}.pdf" if about["kind"] == "paper" else "")
    if name:
        target = str(WORLD / "pdf" / name)
        SimpleDocTemplate(target, title=about["title"], invariant=1).build([*flow(about, body)])


def flow(about: dict[str, Any], body: str) -> Iterator[Paragraph]:
    """Set title, authors, abstract and text, one below the other."""
    yield paragraph("Title", about["title"])
    yield paragraph("Italic", ", ".join(about.get("authors", [about.get("author")])))
    yield paragraph("Italic", str(about.get("published", about.get("date"))))
    if "abstract" in about:
        yield paragraph("Heading2", "Abstract")
        yield paragraph("BodyText", about["abstract"])
    for block in body.strip().split("\n\n"):
        yield paragraph("Heading2" if block.startswith("## ") else "BodyText", block)


def paragraph(style: str, words: str) -> Paragraph:
    """Set a few words in one of the sample styles."""
    return Paragraph(html.escape(words.removeprefix("## ").strip()), STYLES[style])


if __name__ == "__main__":
    for text in sorted([*WORLD.glob("pages/*.md"), *WORLD.glob("papers/*.md")]):
        build(text)
