"""Tells what format a document is in: by what it begins with, its content type, its address."""

from __future__ import annotations

import re
from typing import Final, Literal
from urllib.parse import urlsplit

from agent.errors import PageUnreadable

Format = Literal["html", "pdf", "docx", "csv", "plain"]

TYPES: Final[dict[str, Format]] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
    "application/csv": "csv",
    "text/markdown": "plain",
    "text/x-markdown": "plain",
}
EXTENSIONS: Final[dict[str, Format]] = {
    "html": "html",
    "htm": "html",
    "xhtml": "html",
    "pdf": "pdf",
    "docx": "docx",
    "csv": "csv",
    "tsv": "csv",
    "txt": "plain",
    "md": "plain",
    "markdown": "plain",
}
SAY_NOTHING: Final = ("", "text/plain", "application/octet-stream", "binary/octet-stream")
"""Content types that servers give to what they do not know; plain text may be Markdown or CSV."""
XML: Final = ("application/xml", "text/xml")

_EXTENSION: Final = re.compile(r"\.(\w{1,8})$")
_HTML: Final = re.compile(
    rb"\s*(<\?xml[^>]*>\s*)?(<!--.{0,500}?-->\s*)*<(!doctype\s+html|html\b)",
    re.IGNORECASE | re.DOTALL,
)
_FEED: Final = re.compile(
    rb"\s*(<\?xml[^>]*>\s*)?(<!--.{0,500}?-->\s*|<\?[^>]*>\s*)*<(rss|feed|rdf:RDF)\b"
)
_JSON: Final = re.compile(rb"""\s*(\{\s*("|\})|\[\s*[\[{"\]])""")
_NO_TEXT: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def format_of(body: bytes, content_type: str, url: str) -> Format:
    """Return the format of a document; raise PageUnreadable if it is none that is read."""
    mime = content_type.partition(";")[0].strip().lower()
    start = body[:4096].removeprefix(b"\xef\xbb\xbf")
    if start[:1024].lstrip().startswith(b"%PDF-"):
        return "pdf"
    if start.startswith(b"PK\x03\x04"):
        return _zipped(body, mime, url)
    if mime in TYPES:
        return _unless_feed(TYPES[mime], start, url)
    if mime in XML and _HTML.match(start):
        return "html"
    if mime not in SAY_NOTHING:
        raise PageUnreadable(f"{url} is {mime}, which is not read")
    return _unless_feed(EXTENSIONS.get(_extension(url)) or _guess(start, mime, url), start, url)


def _zipped(body: bytes, mime: str, url: str) -> Format:
    """Return the format of a zip archive, of which a .docx is one."""
    if b"word/document.xml" in body:
        return "docx"
    name = "a zip archive" if mime in SAY_NOTHING else mime
    raise PageUnreadable(f"{url} is {name}, which is not read")


def _unless_feed(found: Format, start: bytes, url: str) -> Format:
    if found in {"html", "plain"} and _FEED.match(start):
        raise PageUnreadable(f"{url} is a news feed, which is not read", mend="name its web page")
    return found


def _guess(start: bytes, mime: str, url: str) -> Format:
    """Return the format that a document looks like, where nobody says what it is."""
    extension = _extension(url)
    if _JSON.match(start) and (mime != "text/plain" or extension in {"json", "jsonl", "geojson"}):
        raise PageUnreadable(f"{url} is JSON, which is not read")
    if start.lstrip().startswith(b"<") and (mime != "text/plain" or extension == "xml"):
        if mime and not _HTML.match(start):
            raise PageUnreadable(f"{url} is XML, which is not read")
        return "html"
    if mime not in {"", "text/plain"} and _NO_TEXT.search(start):
        raise PageUnreadable(f"{url} is {mime}, which is not read")
    return "plain"


def _extension(url: str) -> str:
    try:
        found = _EXTENSION.search(urlsplit(url).path)
    except ValueError:  # no address, as of a page that has none
        return ""
    return found[1].lower() if found else ""
