from __future__ import annotations

import pytest

from agent.adapters.parsing.formats import format_of
from agent.errors import PageUnreadable

ATOM = b'<?xml version="1.0"?>\n<!-- made by hand -->\n<feed xmlns="http://www.w3.org/2005/Atom">'
XHTML = b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0">'
STREAM = "application/octet-stream"


@pytest.mark.parametrize(
    ("body", "content_type", "url", "found"),
    [
        (b"x", "text/html; charset=utf-8", "https://a.org/x.pdf", "html"),
        (b"\n%PDF-1.7", "text/html", "https://a.org", "pdf"),
        (b"PK\x03\x04 word/document.xml", STREAM, "https://a.org/x", "docx"),
        (b"a,b", "text/plain", "https://a.org/x.CSV?raw=1", "csv"),
        (b"a\tb", "text/tab-separated-values", "https://a.org", "csv"),
        (b"# a", "text/plain", "https://a.org/README.md", "plain"),
        (b"# a", STREAM, "https://a.org/README.md", "plain"),
        (b"words", STREAM, "https://a.org/words", "plain"),
        (b"<p>a", "", "https://a.org", "html"),
        (b"<!-- a -->\n<!DOCTYPE HTML>", STREAM, "https://a.org/x", "html"),
        (XHTML, "application/xml", "https://a.org", "html"),
        (b'{"a": 1} is JSON', "text/plain", "https://a.org/about-json", "plain"),
        (b"words", "", "http://[", "plain"),
    ],
)
def test_a_format_is_told_by_content_type_or_else_by_address_and_content(
    body: bytes, content_type: str, url: str, found: str
) -> None:
    assert format_of(body, content_type, url) == found


@pytest.mark.parametrize(
    ("body", "content_type", "url", "said"),
    [
        (ATOM, "application/atom+xml", "u", "application/atom[+]xml, which is not read"),
        (ATOM, "application/xml", "u", "application/xml, which is not read"),
        (ATOM, "text/html", "u", "a news feed, which is not read - name its web page"),
        (b'\xef\xbb\xbf<rss version="2.0">', "", "u", "a news feed"),
        (b'{"a": 1}', "application/json", "u", "application/json, which"),
        (b' [{"a": 1}]', STREAM, "u", "is JSON"),
        (b'{"a": 1}', "text/plain", "https://a.org/x.json", "is JSON"),
        (b"<data/>", STREAM, "u", "is XML"),
        (b"PK\x03\x04 xl/workbook.xml", STREAM, "u", "a zip archive"),
        (b"\x7fELF\x00\x01", STREAM, "u", "application/octet-stream"),
    ],
)
def test_what_is_not_read_is_named(body: bytes, content_type: str, url: str, said: str) -> None:
    with pytest.raises(PageUnreadable, match=said):
        format_of(body, content_type, url)
