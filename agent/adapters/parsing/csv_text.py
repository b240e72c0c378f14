"""Reads tables that are text: one row a line, its cells apart by bars."""

from __future__ import annotations

import csv
import io
from itertools import islice
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from agent.domain.evidence import Page
from agent.domain.text import clean, one_line
from agent.errors import PageUnreadable

MOST_ROWS: Final = 20_000
"""The rest of a larger table is left out: what is cited stands near its beginning."""
DELIMITERS: Final = ",;\t|"
SAMPLE: Final = 20
"""Rows by which the delimiter is found."""
LONGEST_TITLE: Final = 200


def read_csv(text: str, url: str) -> Page:
    """Return the rows of a table; raise PageUnreadable if a cell has no end."""
    text = clean(text)
    try:
        rows = list(islice(csv.reader(io.StringIO(text), delimiter=delimiter(text)), MOST_ROWS))
    except csv.Error as error:
        raise PageUnreadable(f"{url} is a broken table: {error}") from error
    lines = (" | ".join(one_line(cell) for cell in row) for row in rows)
    return Page(url, _title(url), clean("\n".join(lines)))


def delimiter(text: str) -> str:
    """Return what parts most of the first rows into the same number of cells, the most of them."""
    return max(DELIMITERS, key=lambda sign: _agreement(text, sign))


def _agreement(text: str, sign: str) -> tuple[int, int]:
    """Return how many of the first rows have the usual number of cells, and that number."""
    try:
        rows = list(islice(csv.reader(io.StringIO(text), delimiter=sign), SAMPLE))
    except csv.Error:
        return 0, 0
    sizes = [len(row) for row in rows if row]
    usual = max(set(sizes), key=sizes.count, default=0)
    return (sizes.count(usual), usual) if usual > 1 else (0, 0)


def _title(url: str) -> str:
    """Return the file's name: a table has no title of its own."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return one_line(unquote(PurePosixPath(path).name))[:LONGEST_TITLE]
