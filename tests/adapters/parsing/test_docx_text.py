from __future__ import annotations

import io
import zipfile

import pytest

from agent.adapters.parsing import docx_text
from agent.adapters.parsing.extraction import extract
from agent.errors import PageUnreadable

TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)
CORE = """<c:coreProperties xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:c="http://schemas.openxmlformats.org/package/2006/metadata/core-properties">
<dc:title>A study</dc:title><dc:creator>Ann Lee; Bob Ray</dc:creator></c:coreProperties>"""


def docx(body: str, core: str = "", before: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        document = f"<w:document {NAMESPACES}><w:body>{body}</w:body></w:document>"
        archive.writestr("word/document.xml", before + document)
        if core:
            archive.writestr("docProps/core.xml", core)
    return file.getvalue()


def p(*runs: str, style: str = "", properties: str = "") -> str:
    if style:
        properties += f'<w:pStyle w:val="{style}"/>'
    words = "".join(f'<w:r><w:t xml:space="preserve">{run}</w:t></w:r>' for run in runs)
    return f"<w:p><w:pPr>{properties}</w:pPr>{words}</w:p>"


def row(*cells: str) -> str:
    return f"<w:tr>{''.join(f'<w:tc>{cell}</w:tc>' for cell in cells)}</w:tr>"


def text_of(body: str) -> str:
    return extract(docx(body), TYPE, "u").text


def test_a_document_gives_its_text_and_what_it_states_of_itself() -> None:
    page = extract(docx(p("Intro", style="Heading1") + p("One ", "para."), CORE), TYPE, "u")
    assert (page.title, page.authors) == ("A study", ("Ann Lee", "Bob Ray"))
    assert page.text == "Intro\nOne para."


def test_without_a_title_the_first_line_is_one() -> None:
    assert extract(docx(p("First") + p("Second")), TYPE, "u").title == "First"


def test_items_of_lists_are_marked() -> None:
    numbered = p("two", properties="<w:numPr/>")
    assert text_of(p("one", style="ListBullet") + numbered + p("three")) == "- one\n- two\nthree"


def test_a_table_has_one_row_a_line_and_bars_between_its_cells() -> None:
    inner = f"<w:tbl>{row(p('x'), p('y'))}</w:tbl>"
    table = f"<w:tbl>{row(p('Model'), p('Cost'))}{row(p('A') + p('B'), p('1') + inner)}</w:tbl>"
    assert text_of(p("before") + table + p("after")) == "before\nModel | Cost\nA B | 1 x y\nafter"


def test_tabs_and_breaks_are_kept_and_what_was_deleted_is_not() -> None:
    run = "<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/></w:r>"
    tabs = "<w:pPr><w:tabs><w:tab/></w:tabs></w:pPr>"
    gone = "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
    moved = "<w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom>"
    assert text_of(f"<w:p>{tabs}{run}{gone}{moved}</w:p>") == "a\tb\nc-"


def test_what_older_programs_are_shown_is_not_read_twice() -> None:
    inner = f"<mc:AlternateContent><mc:Choice>{p('once')}</mc:Choice>"
    assert text_of(f"{inner}<mc:Fallback>{p('once')}</mc:Fallback></mc:AlternateContent>") == "once"


def test_content_controls_and_links_are_part_of_the_text() -> None:
    link = "<w:p><w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink></w:p>"
    assert text_of(f"<w:sdt><w:sdtContent>{p('held')}</w:sdtContent></w:sdt>{link}") == "held\nlink"


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docx_text, "MOST_BYTES", 100_000)
    body = docx(p("x" * 200_000))
    assert len(body) < 2_000
    with pytest.raises(PageUnreadable, match="more than 100,000 bytes unpacked"):
        extract(body, TYPE, "u")


@pytest.mark.parametrize(
    "entity",
    [
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY b "bbbbbbbbbb"><!ENTITY a "&b;&b;&b;&b;&b;">',
    ],
)
def test_no_entity_is_ever_looked_up(entity: str) -> None:
    body = docx(p("in the &a; text"), before=f"<!DOCTYPE x [{entity}]>")
    try:
        text = extract(body, TYPE, "u").text
    except PageUnreadable:
        return
    assert "root:" not in text
    assert "bb" not in text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (docx(p("words"))[:-30], r"broken or locked .docx: BadZipFile"),
        (docx("<w:p>"), r"broken or locked .docx: XMLSyntaxError"),
        (docx(""), "no text"),
    ],
)
def test_a_broken_document_is_unreadable(body: bytes, said: str) -> None:
    with pytest.raises(PageUnreadable, match=said):
        extract(body, TYPE, "u")
