"""DOCX and PDF, opened by others than who wrote them."""

from __future__ import annotations

import builtins
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import docx
import pytest
from docx.oxml import parse_xml

from agent.domain.look import Look
from agent.domain.report import Citation, Claim, Report, Section
from agent.errors import DeepResearchError, ExtraMissing
from agent.rendering import FORMATS, files, require
from agent.rendering.bibliography.styles import formatted
from agent.rendering.exports.paper import refuse
from agent.rendering.links import at_quote

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def word(report: Report, style: Any = "numeric") -> ZipFile:
    return ZipFile(BytesIO(files(report, ["docx"], Look(style))["report.docx"]))


def part(package: ZipFile, name: str) -> Any:
    return parse_xml(package.read(name))


def text_of(element: Any) -> str:
    return "".join(node.text or "" for node in element.iter(f"{W}t"))


@pytest.mark.parametrize("name", ["english", "chinese"])
@pytest.mark.parametrize("style", ["numeric", "author-year", "apa"])
def test_a_reader_of_docx_finds_every_claim_and_every_reference(
    name: str, style: Any, samples: dict[str, Report]
) -> None:
    report = samples[name]
    document = docx.Document(BytesIO(files(report, ["docx"], Look(style))["report.docx"]))
    paragraphs = [paragraph.text for paragraph in document.paragraphs]
    headings = [p.text for p in document.paragraphs if p.style and p.style.name == "Heading 1"]
    assert document.core_properties.title == report.brief.restated == paragraphs[0]
    assert [section.title for section in report.sections] == [
        heading for heading in headings if heading in {s.title for s in report.sections}
    ]
    for claim in report.claims:
        assert any(paragraph.startswith(claim.sentence) for paragraph in paragraphs)
    for reference in formatted(report.cited, style, report.brief.language):
        assert any(reference in paragraph for paragraph in paragraphs)


def test_every_citation_is_a_footnote_with_its_quote(english: Report) -> None:
    package = word(english)
    body, notes = part(package, "word/document.xml"), part(package, "word/footnotes.xml")
    called = [int(e.get(f"{W}id")) for e in body.iter(f"{W}footnoteReference")]
    by_id = {int(e.get(f"{W}id")): text_of(e) for e in notes.iter(f"{W}footnote")}
    quotes = [c.quote for claim in english.claims for c in claim.citations]
    assert called == list(range(2, 2 + len(quotes)))
    for id_, quote in zip(called, quotes, strict=True):
        assert quote in by_id[id_]
    assert by_id.keys() == {0, 1, *called}


def test_every_link_inside_a_docx_leads_to_a_bookmark(english: Report) -> None:
    package = word(english)
    body, notes = part(package, "word/document.xml"), part(package, "word/footnotes.xml")
    places = [e.get(f"{W}name") for e in body.iter(f"{W}bookmarkStart")]
    links = [e.get(f"{W}anchor") for root in (body, notes) for e in root.iter(f"{W}hyperlink")]
    assert len(places) == len(set(places)) == len(english.cited)
    assert {link for link in links if link} == set(places)


def test_a_footnote_links_to_the_words_in_the_source(english: Report) -> None:
    told = word(english).read("word/_rels/footnotes.xml.rels").decode()
    citation = english.claims[0].citations[0]
    address = at_quote(english.cited[0], citation.quote, citation.start)
    assert address is not None
    assert address.replace("&", "&amp;") in told


def test_chinese_has_a_chinese_font_in_every_style_of_a_docx(chinese: Report) -> None:
    styles = part(word(chinese), "word/styles.xml")
    fonts = list(styles.iter(f"{W}rFonts"))
    assert fonts
    assert {font.get(f"{W}eastAsia") for font in fonts} == {"SimSun"}
    assert not [font for font in fonts if font.get(f"{W}eastAsiaTheme")]


def test_a_docx_is_the_same_bytes_whenever_it_is_written(english: Report) -> None:
    package = word(english)
    assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert files(english, ["docx"]) == files(english, ["docx"])


HOSTILE = "]]><w:p/>\x00\x0b\u202e & \"'</w:t>"


@pytest.mark.parametrize("form", ["docx", "pdf"])
def test_hostile_characters_break_no_document(english: Report, form: str) -> None:
    claim = Claim("c1", f"x{HOSTILE}", "held", (Citation("S3", "S3.1", HOSTILE, 0, 9),))
    report = replace(
        english,
        brief=replace(english.brief, restated=HOSTILE * 40, language=HOSTILE),
        sections=(Section(HOSTILE, ("q1",), (claim,)),),
        summary=(),
        disagreements=(),
        sources=tuple(replace(s, title=HOSTILE, authors=(HOSTILE,)) for s in english.sources),
    )
    (data,) = files(report, [form]).values()
    assert data.startswith(b"PK" if form == "docx" else b"%PDF")


# --- PDF, looked at with Poppler ----------------------------------------------------------------


def pdf(report: Report, folder: Path) -> Path:
    path = folder / "report.pdf"
    path.write_bytes(files(report, ["pdf"])["report.pdf"])
    return path


def poppler(*words: str | Path) -> str:
    done = subprocess.run(list(map(str, words)), check=True, capture_output=True)  # noqa: S603 - Poppler's tools, on our own file
    return done.stdout.decode()


def unbroken(text: str) -> str:
    """Take out what lines are broken at: white space, and hyphens, ours or the printer's."""
    return re.sub(r"[\s\u00ad\u2010-]", "", text)


def test_pages_of_a_pdf_show_every_reference(english: Report, tmp_path: Path) -> None:
    path = pdf(english, tmp_path)
    said = unbroken(poppler("pdftotext", path, "-"))
    for source in english.cited:
        assert unbroken(source.title) in said
    for claim in english.claims:
        assert unbroken(claim.sentence) in said
    assert "Tagged:          yes" in poppler("pdfinfo", path)
    poppler("pdftoppm", "-r", "30", "-gray", path, tmp_path / "page")
    pages = sorted(tmp_path.glob("page-*.pgm"))
    assert len(pages) >= 3
    assert all(len(set(page.read_bytes()[-50_000:])) > 8 for page in pages)


def test_a_pdf_has_the_glyphs_of_a_chinese_report(chinese: Report, tmp_path: Path) -> None:
    path = pdf(chinese, tmp_path)
    said = unbroken(poppler("pdftotext", path, "-"))
    for claim in chinese.claims:
        assert unbroken(claim.sentence) in said
    fonts = poppler("pdffonts", path)
    assert re.search(r"WenQuanYi|Noto\S*CJK|Song|Hei", fonts)


def test_a_pdf_is_the_same_bytes_whenever_it_is_written(empty: Report) -> None:
    assert files(empty, ["pdf"]) == files(empty, ["pdf"])


def test_nothing_is_fetched_for_a_pdf() -> None:
    with pytest.raises(ValueError, match=r"https://evil\.example/ is not read"):
        refuse("https://evil.example/")


# --- what is not installed ----------------------------------------------------------------------


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, type[Exception]], None]:
    """Makes the import of a package fail, as if it or its libraries were not there."""

    def make(package: str, error: type[Exception]) -> None:
        for name in list(sys.modules):
            if name.partition(".")[0] == package or name.startswith("agent.rendering.exports."):
                monkeypatch.delitem(sys.modules, name)
        real = builtins.__import__

        def importing(name: str, *more: Any, **named: Any) -> Any:
            if name.partition(".")[0] == package:
                raise error("cannot load library")
            return real(name, *more, **named)

        monkeypatch.setattr(builtins, "__import__", importing)

    return make


@pytest.mark.parametrize(
    ("form", "package", "error", "mend"),
    [
        ("docx", "docx", ImportError, r"pip install 'deep-research-agent\[docx\]'"),
        ("pdf", "weasyprint", ImportError, r"pip install 'deep-research-agent\[pdf\]'"),
        ("pdf", "weasyprint", OSError, "apt-get install libpango"),
    ],
)
def test_a_format_whose_extra_is_missing_says_which(
    without: Callable[[str, type[Exception]], None],
    form: str,
    package: str,
    error: type[Exception],
    mend: str,
) -> None:
    without(package, error)
    with pytest.raises(ExtraMissing, match=mend):
        require(["md", form])
    require(FORMATS)


def test_a_format_nobody_knows_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(DeepResearchError, match=r"odt - choose from md, html, .*docx, pdf"):
        require(["odt"])
