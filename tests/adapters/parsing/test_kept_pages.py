import os
import time
from pathlib import Path

import pytest

from agent.adapters.parsing.kept import KEPT_SECONDS, KeptPages
from agent.domain.evidence import Page
from agent.errors import PageUnreadable

URL = "https://a.example/"


class Counting:
    """A parser that counts."""

    def __init__(self, page: Page | PageUnreadable) -> None:
        self.page = page
        self.asked = 0

    async def parse(self, body: bytes, content_type: str, encoding: str, url: str) -> Page:
        self.asked += 1
        if isinstance(self.page, PageUnreadable):
            raise self.page
        return self.page


PAGE = Page(URL, "Title", "Text — 文字.", ("Jo",), site="A", page_starts=(0, 3))


async def test_the_same_bytes_are_parsed_once_by_whomever(tmp_path: Path) -> None:
    parser = Counting(PAGE)
    for _ in range(2):
        kept = KeptPages(parser, tmp_path)
        assert await kept.parse(b"body", "text/html", "", URL) == PAGE
    assert parser.asked == 1
    for other in ((b"other", "text/html", ""), (b"body", "text/plain", ""), (b"body", "", "gzip")):
        await kept.parse(*other, URL)
    assert parser.asked == 4


async def test_what_cannot_be_parsed_is_tried_again(tmp_path: Path) -> None:
    parser = Counting(PageUnreadable("no"))
    kept = KeptPages(parser, tmp_path)
    for _ in range(2):
        with pytest.raises(PageUnreadable):
            await kept.parse(b"body", "", "", URL)
    assert parser.asked == 2


@pytest.mark.parametrize("spoiled", [b"", b"\0" * 7, b"\0\0\0\2\0\0\0\0{}", b"x" * 500])
async def test_what_was_spoiled_is_made_again(tmp_path: Path, spoiled: bytes) -> None:
    parser = Counting(PAGE)
    kept = KeptPages(parser, tmp_path)
    await kept.parse(b"body", "", "", URL)
    (path,) = tmp_path.iterdir()
    path.write_bytes(spoiled)
    assert await kept.parse(b"body", "", "", URL) == PAGE
    assert parser.asked == 2


async def test_what_is_old_goes_and_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path,
) -> None:
    old = tmp_path / "old"
    old.touch()
    long_ago = time.time() - KEPT_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    parser = Counting(PAGE)
    await KeptPages(parser, tmp_path).parse(b"body", "", "", URL)
    assert not old.exists()
    (tmp_path / "file").touch()
    nowhere = KeptPages(parser, tmp_path / "file" / "x")
    assert await nowhere.parse(b"body", "", "", URL) == PAGE
