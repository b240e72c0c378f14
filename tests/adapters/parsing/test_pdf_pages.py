from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.parsing.extraction import extract
from agent.adapters.parsing.pdf_text import _without_number, reflowed, starts
from agent.domain.text import clean

EXAMPLES = Path(__file__).parents[3] / "examples" / "world" / "pdf"


def begun(pages: list[str]) -> list[str]:
    """Return what stands where each page begins, up to where the next one does."""
    without = [_without_number(page) for page in pages]
    text = clean(reflowed(without))
    places = [*starts(without, text), len(text)]
    return [text[start:end].strip() for start, end in pairwise(places)]


@pytest.mark.parametrize(
    ("pages", "parts"),
    [
        (["One.", "Two.", "Three."], ["One.", "Two.", "Three."]),
        (["7\nit goes on over", "- 8 -\nthe page's end"], ["it goes on over", "the page's end"]),
        (["a study of twelve sys\x02", "tems shows"], ["a study of twelve sys", "tems shows"]),
        (["long-term plans, a long\x02", "term plan"], ["long-term plans, a long-", "term plan"]),
        (["Things:", "- one\n- two"], ["Things:", "- one\n- two"]),
        (["well-", "-- a dash"], ["well-", "-- a dash"]),
        (["(one)", "(two)", "• three"], ["(one)", "(two)", "• three"]),
        (["One.", "", " \n", "Two."], ["One.", "", "", "Two."]),
        (["", "One.", ""], ["", "One.", ""]),
        (["\u200bOne.\x00", "\ufeff\ud800Two."], ["One.", "\ufffdTwo."]),
        (["检索与长上下文，需要", "分别测量。"], ["检索与长上下文，需要", "分别测量。"]),
        ([], []),
    ],
)  # fmt: skip
def test_a_page_begins_where_its_first_words_stand(pages: list[str], parts: list[str]) -> None:
    assert begun(pages) == parts


@given(st.lists(st.text("ab C.中。•(\n\u200b", max_size=30), max_size=5))
def test_the_parts_between_the_starts_hold_the_ink_of_their_pages(pages: list[str]) -> None:
    def ink(text: str) -> str:
        return "".join(clean(text).split())

    assert [ink(part) for part in begun(pages)] == [ink(_without_number(page)) for page in pages]


@given(st.lists(st.text("ab -.\n\x02中1", max_size=30), max_size=5))
def test_starts_never_fall_and_never_leave_the_text(pages: list[str]) -> None:
    text = clean(reflowed(pages))
    places = starts(pages, text)
    assert len(places) == len(pages)
    assert list(places) == sorted(places)
    assert all(0 <= place <= len(text) for place in places)


def test_pages_of_a_pdf_are_told_from_one_another(write_pdf: Callable[..., bytes]) -> None:
    body = write_pdf(["The first page ends.", "1"], [], ["The third one begins.", "3"])
    page = extract(body, "application/pdf", "u")
    first, second, third = page.page_starts
    assert (first, second) == (0, third)
    assert page.text[third:] == "The third one begins."


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.pdf")), ids=lambda path: path.stem)
def test_every_page_of_the_demo_papers_begins_with_its_own_words(path: Path) -> None:
    import pypdfium2

    page = extract(path.read_bytes(), "application/pdf", "u")
    document = pypdfium2.PdfDocument(path.read_bytes())
    raw = [_without_number(one.get_textpage().get_text_bounded()) for one in document]
    document.close()
    assert len(page.page_starts) == len(raw)
    for start, text in zip(page.page_starts, raw, strict=True):
        words = clean(text).split()[:3]
        assert page.text[start:].split()[:3] == words
