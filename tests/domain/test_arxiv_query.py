from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.arxiv_query import is_valid, mended, plain_words, submitted


@pytest.mark.parametrize(
    "query",
    [
        "all:electron",
        'ti:"prompt caching" OR abs:"prefix caching"',
        '(ti:rag OR abs:"long context") AND cat:cs.CL',
        "au:del_maestro ANDNOT ti:checkerboard",
        "all:llm AND submittedDate:[202301010000 TO 202412312359]",
    ],
)
def test_queries_in_arxivs_syntax_are_left_alone(query: str) -> None:
    assert is_valid(query)
    assert mended(query) == query


@pytest.mark.parametrize(
    ("query", "mend"),
    [
        ("long context models", "all:long AND all:context AND all:models"),
        ('"long context" (rag', 'all:"long context" AND all:rag'),
        ('ti:"half a quote', "all:half AND all:a AND all:quote"),
        ("all:x and all:y", "all:x AND all:y"),
        ("AND OR", ""),
        ("all:x)(", "all:x"),
    ],
)
def test_anything_else_is_mended_into_a_search_for_its_words(query: str, mend: str) -> None:
    assert not is_valid(query)
    assert mended(query) == mend


@given(st.text(max_size=60) | st.text(alphabet='all:ti"() ANDOR', max_size=30))
def test_a_mended_query_is_empty_or_valid(query: str) -> None:
    assert mended(query) == "" or is_valid(mended(query))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ('ti:"prompt caching" OR abs:"prefix caching"', "prompt caching prefix"),
        ("(ti:rag OR all:rag) AND cat:cs.CL", "rag"),
        ("au:del_maestro ANDNOT ti:checkerboard", "del maestro"),
        ("all:a ANDNOT (ti:b OR (ti:c AND ti:d)) AND all:e", "a e"),
        ("all:llm AND submittedDate:[202301010000 TO 202412312359]", "llm"),
        ("cat:cs.CL AND id:2401.12345", ""),
        ("long-context models", "long-context models"),
        ("(all:x", "x"),
        ("", ""),
    ],
)
def test_plain_words_are_those_a_query_looks_for(query: str, words: str) -> None:
    assert plain_words(query) == words


@given(st.text(max_size=60) | st.text(alphabet='all:ti"() ANDORT', max_size=40))
def test_plain_words_are_without_syntax(query: str) -> None:
    assert not set('"():[]') & set(plain_words(query))


def test_days_become_a_range_of_submission_and_the_query_stays_valid() -> None:
    query = "all:a OR all:b"
    first, last = date(2024, 1, 2), date(2025, 3, 4)
    assert submitted(query, None, None) == query
    for since, until, bounds in (
        (first, last, "202401020000 TO 202503042359"),
        (first, None, "202401020000 TO 299912312359"),
        (None, last, "199101010000 TO 202503042359"),
    ):
        narrowed = submitted(query, since, until)
        assert narrowed == f"({query}) AND submittedDate:[{bounds}]"
        assert is_valid(narrowed)
