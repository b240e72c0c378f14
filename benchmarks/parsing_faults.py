"""Parses spoiled documents in the worker pool: `python benchmarks/parsing_faults.py --inputs N`.

Small HTML, PDF, docx, Atom, JSON and CSV originals are mutated (bits flipped, cut, doubled, spliced
with another, nested), from a seed, and parsed side by side. Whatever a document does, the caller
may only see a page of clean text or PageUnreadable, and in time. Prints one JSON object:
``other_errors``, ``overdue`` and ``unclean`` have to be 0; ``killed`` counts documents that a
worker was killed for, ``crashed`` those that a worker died of, and ``processes_left`` our children
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import time
import zipfile
from collections import Counter
from typing import TYPE_CHECKING, Final

from agent.adapters.parsing.workers import SECONDS, Parser
from agent.domain.text import clean
from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INPUTS, SEED, GRACE_SECONDS = 5_000, 20_260, 2.0
WORDS = "Long inputs cost more time than a search does, 中文 and «quotes», in every test made. "
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"

HTML: Final = f"""<!doctype html><html><head><title>Title</title><meta charset="utf-8">
<meta name="author" content="Ann Lee"><meta name="citation_doi" content="10.1000/x">
<link rel="canonical" href="/b"><script type="application/ld+json">{{"@type": "Article",
"author": {{"name": "Ann Lee"}}, "datePublished": "2024-03-02"}}</script></head><body><article>
<h1>Title</h1><p>{WORDS * 3}</p><ul><li>one<li>two</ul><table><tr><th>a<td>1</table>
<p><time datetime="2024-03-02">then</time> {WORDS * 2}</p></article></body></html>""".encode()
ATOM: Final = (
    b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry><title>A</title>'
    b"<summary>Words</summary></entry></feed>"
)
JSON: Final = json.dumps(
    {"items": [{"title": WORDS, "n": 1.5e9, "tags": ["a", None]}] * 3}
).encode()
CSV: Final = b'name;"cost; USD"\nfirst;"1,2\n3"\n"say ""so""";4\n' * 5


def pdf() -> bytes:
    """Return a PDF of two pages."""
    shown = b"BT /F1 12 Tf 14 TL 20 700 Td (A study of it) Tj T* (goes on and ends.) Tj ET"
    page = b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R /Resources << /Font << /F1 6 0 R >> >> >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 /MediaBox [0 0 600 800] >>",
        page,
        page,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    written = b"".join(b"%d 0 obj\n%s\nendobj\n" % each for each in enumerate(objects, 1))
    return b"%PDF-1.4\n" + written + b"trailer << /Root 1 0 R /Size 7 >>\n%%EOF"


def docx(*, packing: int = zipfile.ZIP_STORED) -> bytes:
    """Return a Word document, stored as it is so that a mutation reaches its markup."""
    body = f"<w:p><w:r><w:t>{WORDS}</w:t></w:r></w:p>"
    table = f"<w:tbl><w:tr><w:tc>{body}</w:tc><w:tc>{body}</w:tc></w:tr></w:tbl>"
    xml = f'<w:document xmlns:w="{W}"><w:body>{body * 3}{table}</w:body></w:document>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        archive.writestr("word/document.xml", xml)
    return file.getvalue()


ORIGINALS: Final = (
    (HTML, "text/html"),
    (HTML, ""),
    (pdf(), "application/pdf"),
    (docx(), DOCX),
    (docx(packing=zipfile.ZIP_DEFLATED), DOCX),
    (ATOM, "application/octet-stream"),
    (ATOM, "text/html"),
    (JSON, "text/plain"),
    (CSV, "text/csv"),
)


def flip(body: bytearray, chance: random.Random) -> bytes:
    """Change up to 20 bytes."""
    for _ in range(chance.randint(1, 20)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    return bytes(body)


def cut(body: bytearray, chance: random.Random) -> bytes:
    """Leave out a stretch."""
    start = chance.randrange(len(body))
    del body[start : start + chance.randint(1, len(body))]
    return bytes(body)


def double(body: bytearray, chance: random.Random) -> bytes:
    """Repeat a stretch, up to 300 times."""
    start = chance.randrange(len(body))
    part = body[start : start + chance.randint(1, 200)]
    return bytes(body[:start] + part * chance.randint(2, 300) + body[start:])


def splice(body: bytearray, chance: random.Random) -> bytes:
    """Go on with another document."""
    other = chance.choice(ORIGINALS)[0]
    return bytes(body[: chance.randrange(len(body))] + other[chance.randrange(len(other)) :])


def nest(body: bytearray, chance: random.Random) -> bytes:
    """Open something many times and never close it."""
    opened = (
        b"<div>",
        b"<b><p>",
        b"<table><tr><td>",
        b"<ul><li>",
        b"[",
        b'{"a":',
        b"<w:tbl>",
        b"<<",
    )
    start = chance.randrange(len(body))
    return bytes(body[:start] + chance.choice(opened) * chance.randint(10, 5_000) + body[start:])


MUTATIONS: Final[tuple[Callable[[bytearray, random.Random], bytes], ...]] = (
    flip, cut, double, splice, nest,
)  # fmt: skip


def spoiled(count: int, seed: int) -> Iterator[tuple[bytes, str]]:
    """Yield mutated documents and their content types; the same seed yields the same."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret hangs on it
    for number in range(count):
        body, content_type = ORIGINALS[number % len(ORIGINALS)]
        for _ in range(chance.randint(1, 3)):
            body = chance.choice(MUTATIONS)(bytearray(body or b"x"), chance)
        yield body, content_type


async def outcome(parser: Parser, body: bytes, content_type: str, number: int) -> str:
    """Return in one word what became of a document."""
    started = time.monotonic()
    try:
        page = await parser.parse(body, content_type, "", f"https://example.org/{number}")
    except PageUnreadable as error:
        said = str(error)
        if "could not be parsed in" in said:
            late = time.monotonic() - started > SECONDS + GRACE_SECONDS
            return "overdue" if late else "killed"
        return "crashed" if "crash" in said else "unreadable"
    except Exception as error:  # noqa: BLE001 - to count them is what this is for
        print(f"{number}: {error!r}")
        return "other_errors"
    shown = (page.text, page.title, page.site, page.canonical_url, *page.authors)
    return "read" if all(text == clean(text) for text in shown) else "unclean"


async def measured(inputs: int, seed: int = SEED) -> dict[str, int]:
    """Parse spoiled documents; return how often what came of it."""
    found = Counter(dict.fromkeys(("other_errors", "overdue", "unclean", "killed", "crashed"), 0))
    waiting = enumerate(spoiled(inputs, seed))
    parser = Parser()

    async def work() -> None:
        for number, (body, content_type) in waiting:
            found[await outcome(parser, body, content_type, number)] += 1

    try:
        await parser.warm(parser.workers)
        await asyncio.gather(*(work() for _ in range(parser.workers)))
    finally:
        await parser.aclose()
    return {"inputs": inputs, **found}


def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--inputs", type=int, default=INPUTS)
    options.add_argument("--seed", type=int, default=SEED)
    asked = options.parse_args()
    started = time.monotonic()
    result = asyncio.run(measured(asked.inputs, asked.seed))
    print(json.dumps({**result, "seconds": round(time.monotonic() - started, 1)}))


if __name__ == "__main__":
    main()
