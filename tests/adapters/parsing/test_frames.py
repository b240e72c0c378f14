from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.parsing import frames
from agent.domain.evidence import Page, Publication
from agent.domain.text import clean, one_line

WORDS = st.text(max_size=20).map(one_line)
PAGE = Page("u", "A title", "Some text.", page_starts=(0, 5))


def unpack(frame: bytes) -> Page:
    start = frames.LENGTHS.size
    head, body = frames.lengths(frame[:start])
    assert len(frame) == start + head + body
    return frames.unpacked_page(
        frames.unpacked_head(frame[start : start + head]), frame[start + head :], "u"
    )


@given(
    st.builds(
        Page,
        url=st.just("u"),
        title=WORDS,
        text=st.text(max_size=60).map(clean),
        authors=st.lists(WORDS, max_size=3).map(tuple),
        published=st.none() | st.dates(),
        site=WORDS,
        canonical_url=WORDS,
        publication=st.builds(
            Publication, doi=WORDS, arxiv_id=WORDS, pmid=WORDS, venue=WORDS, licence=WORDS
        ),
    )
)
def test_a_page_arrives_as_it_was_sent(page: Page) -> None:
    assert unpack(frames.packed_page(page)) == page


def test_offsets_of_pages_arrive() -> None:
    assert unpack(frames.packed_page(PAGE)) == PAGE


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": 7},
        {"title": None},
        {"authors": "Ann", "site": []},
        {"authors": [["Ann"]]},
        {"published": "yesterday"},
        {"published": 20_240_302},
        {"page_starts": [5, 0]},
        {"page_starts": [0, 11]},
        {"page_starts": [-1]},
        {"page_starts": [True]},
        {"page_starts": "01"},
    ],
)
def test_a_worker_that_lies_sends_a_broken_frame_and_no_page(wrong: dict[str, Any]) -> None:
    frame = frames.packed_page(PAGE)
    head = json.loads(frame[frames.LENGTHS.size : frame.index(b"}") + 1]) | wrong
    with pytest.raises(frames.FrameBroken):
        frames.unpacked_page(head, b"Some text.", "u")


@pytest.mark.parametrize("body", [b"\xff", b"a\x00b", "a\u202eb".encode(), b" not stripped"])
def test_a_text_that_was_not_cleaned_is_no_page(body: bytes) -> None:
    head = json.loads(frames.packed_page(PAGE)[frames.LENGTHS.size :].partition(b"Some text")[0])
    with pytest.raises(frames.FrameBroken):
        frames.unpacked_page(head | {"page_starts": []}, body, "u")


def test_a_title_cannot_smuggle_a_lone_surrogate() -> None:
    head = json.loads(frames.packed_page(PAGE)[frames.LENGTHS.size :].partition(b"Some text")[0])
    page = frames.unpacked_page(head | {"title": "a\ud800b"}, b"Some text.", "u")
    assert page.title == "a\ufffdb"
    assert page.published is None
    dated = frames.unpacked_page(head | {"published": "2024-03-02"}, b"Some text.", "u")
    assert dated.published == date(2024, 3, 2)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"[" * 100_000, b'"\xff"', b"7"])
def test_a_head_that_is_no_object_is_a_broken_frame(text: bytes) -> None:
    with pytest.raises(frames.FrameBroken):
        frames.unpacked_head(text)


def test_a_frame_without_measure_is_not_waited_for() -> None:
    with pytest.raises(frames.FrameBroken):
        frames.lengths(frames.LENGTHS.pack(10, frames.LONGEST + 1))
