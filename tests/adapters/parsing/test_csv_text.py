from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.parsing import csv_text
from agent.adapters.parsing.extraction import extract
from agent.domain.text import clean
from agent.errors import PageUnreadable

URL = "https://example.org/data/my%20table.csv"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"name,cost\r\nA,1\r\n", "name | cost\nA | 1"),
        (b"name;cost\nA;1,5\nB;2,5\n", "name | cost\nA | 1,5\nB | 2,5"),
        (b"name\tcost\nA, B\t1\n", "name | cost\nA, B | 1"),
        (b'"a ""b""","line\nbreak"\n1,2\n', 'a "b" | line break\n1 | 2'),
        (b"only\none\n", "only\none"),
        ("名,价\n一,二\n".encode("gb18030"), "名 | 价\n一 | 二"),
    ],
)
def test_a_table_has_one_row_a_line_and_bars_between_its_cells(body: bytes, text: str) -> None:
    page = extract(body, "text/csv", URL)
    assert (page.title, page.text) == ("my table.csv", text)


def test_a_table_without_end_is_read_to_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_text, "MOST_ROWS", 3)
    assert extract(b"a,b\n" * 9, "text/csv", URL).text.count("\n") == 2


def test_a_cell_without_end_is_unreadable() -> None:
    with pytest.raises(PageUnreadable, match="a broken table"):
        extract(b'a,"' + b"x" * 200_000, "text/csv", URL)


@given(st.text("ab,;\t|\"'\n\r \x00中", max_size=60))
def test_any_text_is_a_clean_table(text: str) -> None:
    page = csv_text.read_csv(text, URL)
    assert page.text == clean(page.text)
