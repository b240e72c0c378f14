"""What python-docx lacks: footnotes, links, bookmarks, fonts for Chinese, and the same bytes twice.

Element names and their order are those of ECMA-376 (Office Open XML), part 1.
"""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Final

import docx
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.parts.story import StoryPart
from docx.shared import Pt, RGBColor
from docx.text.paragraph import Paragraph
from docx.text.run import Run

if TYPE_CHECKING:
    from docx.document import Document
    from docx.oxml.xmlchemy import BaseOxmlElement

HYPERLINK: Final = "Hyperlink"
FOOTNOTE_TEXT: Final = "Footnote Text"
FOOTNOTE_REFERENCE: Final = "Footnote Reference"

EAST_ASIAN_FONT: Final = "SimSun"
"""On every Windows and with every Office; others know it as a name for their own Song face."""

_SEPARATORS: Final = ("separator", "continuationSeparator")
"""The lines above footnotes; the format asks for both, before any footnote."""

_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The first moment a ZIP archive can name."""


def styled_document() -> Document:
    """Return an empty document, with the styles that its template lacks and without the others."""
    document = docx.Document()
    for style in list(document.styles):
        if style.type is WD_STYLE_TYPE.TABLE and style.name != "Normal Table":
            style.delete()  # there are a hundred, and each is looked at whenever one is named
    link = document.styles.add_style(HYPERLINK, WD_STYLE_TYPE.CHARACTER, builtin=True)
    link.font.color.rgb = RGBColor(0x1F, 0x5C, 0x7A)
    link.font.underline = True
    mark = document.styles.add_style(FOOTNOTE_REFERENCE, WD_STYLE_TYPE.CHARACTER, builtin=True)
    mark.font.superscript = True
    note = document.styles.add_style(FOOTNOTE_TEXT, WD_STYLE_TYPE.PARAGRAPH, builtin=True)
    note.font.size = Pt(9)
    _speak_chinese(document)
    return document


class Footnotes:
    """The footnotes of one document; Word numbers them in the order of their references."""

    def __init__(self, document: Document) -> None:
        package = document.part.package
        if package is None:
            message = "a document that was just made has a package"
            raise AssertionError(message)
        declared = "".join(f'<w:footnote w:id="{id_}"/>' for id_, _ in enumerate(_SEPARATORS))
        lines = "".join(
            f'<w:footnote w:id="{id_}" w:type="{line}"><w:p><w:r><w:{line}/></w:r></w:p>'
            "</w:footnote>"
            for id_, line in enumerate(_SEPARATORS)
        )
        self._root = parse_xml(f"<w:footnotes {nsdecls('w', 'r')}>{lines}</w:footnotes>")
        self._part = StoryPart(
            PackURI("/word/footnotes.xml"), CONTENT_TYPE.WML_FOOTNOTES, self._root, package
        )
        document.part.relate_to(self._part, RELATIONSHIP_TYPE.FOOTNOTES)
        after = document.settings.element.find(qn("w:compat"))
        after.addprevious(parse_xml(f"<w:footnotePr {nsdecls('w')}>{declared}</w:footnotePr>"))

    def add(self, paragraph: Paragraph) -> Paragraph:
        """Put a reference at the end of a paragraph; return the footnote's own, to be filled."""
        id_ = {qn("w:id"): str(len(self._root))}
        _append(
            paragraph.add_run(style=FOOTNOTE_REFERENCE), OxmlElement("w:footnoteReference", id_)
        )
        footnote = OxmlElement("w:footnote", id_)
        self._root.append(footnote)
        footnote.append(OxmlElement("w:p"))
        note = Paragraph(footnote[0], self._part)
        note.style = FOOTNOTE_TEXT
        _append(note.add_run(style=FOOTNOTE_REFERENCE), OxmlElement("w:footnoteRef"))
        return note


def add_link(paragraph: Paragraph, text: str, url: str) -> None:
    """Append a text that opens an address."""
    id_ = paragraph.part.relate_to(url, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    _linked(paragraph, text, {qn("r:id"): id_})


def add_reference(paragraph: Paragraph, text: str, bookmark: str) -> None:
    """Append a text that leads to a bookmark in the document."""
    _linked(paragraph, text, {qn("w:anchor"): bookmark})


def add_bookmark(paragraph: Paragraph, name: str, number: int) -> None:
    """Append a place that can be led to; ``number`` is its own in the document."""
    id_ = {qn("w:id"): str(number)}
    _append(paragraph, OxmlElement("w:bookmarkStart", {**id_, qn("w:name"): name}))
    _append(paragraph, OxmlElement("w:bookmarkEnd", id_))


def packed(document: Document) -> bytes:
    """Return the document as a file: the same bytes whenever it is written."""
    saved, timeless = BytesIO(), BytesIO()
    document.save(saved)
    with zipfile.ZipFile(saved) as read, zipfile.ZipFile(timeless, "w") as written:
        for name in read.namelist():
            entry = zipfile.ZipInfo(name, _EARLIEST)
            written.writestr(entry, read.read(name), zipfile.ZIP_DEFLATED)
    return timeless.getvalue()


def _linked(paragraph: Paragraph, text: str, where: dict[str, str]) -> None:
    link = OxmlElement("w:hyperlink", where)
    link.append(OxmlElement("w:r"))
    _append(paragraph, link)
    run = Run(link[0], paragraph)
    run.style = HYPERLINK
    run.text = text


def _append(to: Run | Paragraph, element: BaseOxmlElement) -> None:
    to._element.append(element)  # noqa: SLF001 - python-docx's way to its XML


def _speak_chinese(document: Document) -> None:
    """Name a font for Chinese wherever the template leaves it to a theme made for Japanese."""
    for fonts in document.styles.element.iter(qn("w:rFonts")):
        fonts.attrib.pop(qn("w:eastAsiaTheme"), None)
        fonts.set(qn("w:eastAsia"), EAST_ASIAN_FONT)
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia"), "zh-CN")
    for language in document.settings.element.iter(qn("w:themeFontLang")):
        language.set(qn("w:eastAsia"), "zh-CN")
