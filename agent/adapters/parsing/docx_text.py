"""Reads the text of a Word document: paragraphs, lists, and tables as rows."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Final

from agent.domain.evidence import Page
from agent.domain.text import clean, one_line
from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES: Final = 50_000_000
"""Of one part unpacked: a book of 1,000 pages has 10 MB of markup."""
LONGEST_TITLE: Final = 200

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_TWICE: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
"""What older programs are shown of what has been said already."""
_NOT_SHOWN: Final = (_TWICE, f"{_W}moveFrom", f"{_W}tabs")
_LISTS: Final = ("ListBullet", "ListNumber")
_SIGNS: Final = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_BROKEN: Final = (  # what a damaged archive, or one that is locked or packed otherwise, raises
    zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError,
)  # fmt: skip


def read_docx(body: bytes, url: str) -> Page:
    """Return the text of a Word document; raise PageUnreadable if it is broken or endless."""
    from lxml import etree  # type: ignore[import-untyped]  # noqa: PLC0415 - at the first of them

    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            document = _tree(archive, "word/document.xml", url)
            about = _tree(archive, "docProps/core.xml", url)
    except (*_BROKEN, etree.LxmlError) as error:
        message = f"{url} is a broken or locked .docx: {type(error).__name__}"
        raise PageUnreadable(message) from error
    if document is None:
        raise PageUnreadable(f"{url} is a .docx without a document")
    text = clean("\n".join(_blocks(document)))
    title = _stated(about, "title") or one_line(text.partition("\n")[0])
    authors = (one_line(name) for name in _stated(about, "creator").split(";"))
    return Page(url, title[:LONGEST_TITLE], text, tuple(name for name in authors if name))


def _tree(archive: zipfile.ZipFile, name: str, url: str) -> Any:  # noqa: ANN401 - lxml has no types
    """Return the root of a part, None if there is none; no entity in it is ever looked up."""
    from lxml import etree  # noqa: PLC0415 - as above

    if name not in archive.NameToInfo:
        return None
    with archive.open(name) as part:
        xml = part.read(MOST_BYTES + 1)
    if len(xml) > MOST_BYTES:
        raise PageUnreadable(f"{url} has more than {MOST_BYTES:,} bytes unpacked")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    return etree.fromstring(xml, parser)


def _blocks(within: Any) -> Iterator[str]:  # noqa: ANN401 - an element
    """Yield paragraphs and rows of tables in their order."""
    waiting = [iter(within)]
    while waiting:
        for element in waiting[-1]:
            if element.tag == f"{_W}p":
                yield _marker(element) + _words(element)
            elif element.tag == f"{_W}tr":
                yield " | ".join(_cells(element))
            elif element.tag != _TWICE:
                waiting.append(iter(element))
                break
        else:
            waiting.pop()


def _cells(row: Any) -> Iterator[str]:  # noqa: ANN401 - an element
    """Yield the cells of a row; a table within a cell is part of its text."""
    for cell in row.iter(f"{_W}tc"):
        if next(cell.iterancestors(f"{_W}tr")) is row:
            yield one_line(" ".join(map(_words, cell.iter(f"{_W}p"))))


def _words(paragraph: Any) -> str:  # noqa: ANN401 - an element
    """Return the text of a paragraph without what was deleted, moved away, or is shown twice."""
    shown = (
        _SIGNS.get(element.tag) or element.text or ""
        for element in paragraph.iter(f"{_W}t", *_SIGNS)
        if next(element.iterancestors(f"{_W}p")) is paragraph
        and next(element.iterancestors(*_NOT_SHOWN), None) is None
    )
    return "".join(shown).strip()


def _marker(paragraph: Any) -> str:  # noqa: ANN401 - an element
    """Return what stands before an item of a list."""
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    is_listed = style is not None and style.get(f"{_W}val", "").startswith(_LISTS)
    is_item = is_listed or paragraph.find(f"{_W}pPr/{_W}numPr") is not None
    return "- " if is_item else ""


def _stated(about: Any, name: str) -> str:  # noqa: ANN401 - an element
    """Return what the document says of itself."""
    return one_line(about.findtext(f"{_DC}{name}") or "") if about is not None else ""
