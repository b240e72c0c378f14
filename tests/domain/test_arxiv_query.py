import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.arxiv_query import is_valid, mended


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
