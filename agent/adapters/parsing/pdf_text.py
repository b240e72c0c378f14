"""Reads the text of a PDF and mends what its layout did: wrapped lines, hyphens, page numbers."""

from __future__ import annotations

import re
from contextlib import closing
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from agent.domain.evidence import Page
from agent.domain.text import clean, one_line
from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_PAGES: Final = 1_000
LONGEST_TITLE: Final = 200
FULL: Final = 0.95
"""A line of at least this much of the usual width may run on though a sentence ends with it. On
the demo's PDFs 131 of 139 paragraphs come out whole, at 0.9 125, at 0.8 102; a needless end does
no harm behind a sentence."""
SHORT: Final = 0.6
"""A line shorter than this before one that begins anew is a heading, or the end of an item. From
0.4 to 0.8 the same paragraphs come out whole."""

_PDFIUM: Final = Lock()
"""PDFium is not made for threads."""

_CJK: Final = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_HYPHENATED: Final = re.compile("([\\w-]{1,40})[\x02\ufffe](?:\r?\n)?(\\w+)")  # PDFium's marks
_COMPOUND: Final = re.compile(r"\b\w{1,40}-\w{1,40}")
_ENDS_SENTENCE: Final = re.compile(
    r"""(?<!\bal)(?<!\b[eE]q)(?<!\b[fF]ig)(?<!\b[sS]ec)(?<!\bcf)(?<!\bvs)(?<!\.g)(?<!i\.e)"""
    r"""[.!?:;。！？：；]["'”’)\]」』）]*$"""
)
_BEGINS_ANEW: Final = re.compile(rf"[A-Z0-9À-ÞΑ-ЯA-Z{_CJK}•●▪–—*(\[]|-\s")
_ITEM: Final = re.compile(r"[•●▪*]\s|-\s|\(?\d{1,2}[.)]\s|\[\d+\]\s")
_INK: Final = re.compile(r"[^\s-]")
_PAGE_NUMBER: Final = re.compile(r"[-–— ]*(page )?\d{1,4}( (of|/) \d{1,4})?[-–— ]*", re.IGNORECASE)
_WIDE: Final = re.compile(rf"[{_CJK}]")
_CJK_END: Final = re.compile(rf"[{_CJK}]$")
_NO_TITLE: Final = re.compile(
    r"(untitled.*|microsoft .*|.*\.(docx?|dvi|tex|pdf|indd|qxd))?", re.IGNORECASE
)
_NO_AUTHOR: Final = re.compile(r"\(?(anonymous|unknown|unspecified|user|admin.*)\)?", re.IGNORECASE)


def read_pdf(body: bytes, url: str) -> Page:
    """Return the text of a PDF; raise PageUnreadable if it is broken, locked or endless."""
    import pypdfium2  # noqa: PLC0415 - loads a native library, only where it is used

    try:
        with _PDFIUM, closing(pypdfium2.PdfDocument(body)) as document:
            if len(document) > MOST_PAGES:
                raise PageUnreadable(f"{url} has {len(document):,} pages, too many to read")
            about = document.get_metadata_dict()
            raw = [_raw_text(document, number) for number in range(len(document))]
    except pypdfium2.PdfiumError as error:
        raise PageUnreadable(f"{url} is a PDF that cannot be opened: {error}") from error
    pages = [_without_number(page) for page in raw]
    text = clean(reflowed(pages))
    stated = one_line(about.get("Title", ""))
    title = text.partition("\n")[0] if _NO_TITLE.fullmatch(stated) else stated
    return Page(
        url=url,
        title=title[:LONGEST_TITLE],
        text=text,
        authors=tuple(_authors(about.get("Author", ""))),
        page_starts=starts(pages, text),
    )


def reflowed(pages: Sequence[str]) -> str:
    """Join the lines of pages to paragraphs; a paragraph may run over a page's end."""
    lines = [line.strip() for line in _dehyphenated("\n".join(pages)).split("\n")]
    width = _usual_width(lines)
    joined = lines[:1]
    for line, following in pairwise(lines):
        joined += [_joint(line, following, width), following]
    return "".join(joined)


def starts(pages: Sequence[str], text: str) -> tuple[int, ...]:
    """Return the offsets at which pages begin in the text that was made of them.

    Reflowing and cleaning change white space and hyphens, and what is not seen; the ink stays as
    it is and where it is, so a page begins before as much ink as it and those behind it have. A
    page without any begins where the next one does.
    """
    places = [match.start() for match in _INK.finditer(text)]
    found, start, left = [], len(text), len(places)
    for page in map(clean, reversed(pages)):
        if first := _INK.search(page):
            left -= len(_INK.findall(page))
            start, lead = places[left], page[: first.start()]
            start -= len(lead) if text.endswith(lead, 0, start) else 0
        found.append(start)
    return tuple(reversed(found))


def _raw_text(document: Any, number: int) -> str:  # noqa: ANN401 - the package ships no types
    with closing(document[number]) as page, closing(page.get_textpage()) as text:
        return str(text.get_text_bounded())


def _without_number(page: str) -> str:
    """Leave out the page number, which stands in a page's first or last line."""
    lines = page.splitlines()
    if lines and _PAGE_NUMBER.fullmatch(lines[-1].strip()):
        lines = lines[:-1]
    has_number = lines and _PAGE_NUMBER.fullmatch(lines[0].strip())
    return "\n".join(lines[1:] if has_number else lines)


def _dehyphenated(text: str) -> str:
    """Put words together that a line's end divided; keep hyphens that belong to the word."""
    compounds = frozenset(_COMPOUND.findall(text))

    def whole(match: re.Match[str]) -> str:
        left, right = match[1], match[2]
        belongs = "-" in left or not right[0].islower() or f"{left}-{right}" in compounds
        return f"{left}-{right}" if belongs else left + right

    return _HYPHENATED.sub(whole, text)


def _usual_width(lines: Sequence[str]) -> int:
    """Return the width nine in ten lines keep to."""
    widths = sorted(_width(line) for line in lines if line)
    return widths[len(widths) * 9 // 10] if widths else 0


def _width(line: str) -> int:
    """Return how wide a line is in print, in Latin letters; a Chinese character is two."""
    return len(line) + len(_WIDE.findall(line))


def _joint(line: str, following: str, width: int) -> str:
    """Return what comes between two lines: a line end, a space, or in Chinese nothing."""
    is_end = (
        not line
        or not following
        or _ITEM.match(following)
        or (_width(line) < FULL * width and _ENDS_SENTENCE.search(line))
        or (_width(line) < SHORT * width and _BEGINS_ANEW.match(following))
    )
    if is_end:
        return "\n"
    return "" if _CJK_END.search(line) and _WIDE.match(following) else " "


def _authors(stated: str) -> Iterator[str]:
    """Yield the names in a PDF's own statement of its authors."""
    for name in re.split(r"[;,]| and ", one_line(stated)):
        if name.strip() and not _NO_AUTHOR.fullmatch(name.strip()):
            yield name.strip()
