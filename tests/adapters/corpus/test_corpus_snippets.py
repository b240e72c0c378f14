from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.corpus.snippets import SNIPPET, snippet
from agent.adapters.corpus.stored_pages import packed, unpacked
from agent.domain.evidence import Page

FILLER = "Nothing of interest is said in this sentence here. " * 40


def test_the_stretch_with_most_of_the_words_is_shown() -> None:
    text = f"{FILLER}A pump is a pump.\n{FILLER}Heat pumps heated nine houses.\n{FILLER}"
    shown = snippet(text, "How do heat pumps heat houses?")
    assert shown.startswith("Heat pumps heated nine houses.")
    assert len(shown) <= SNIPPET


def test_a_word_is_found_in_all_its_forms_and_not_within_others() -> None:
    text = f"{FILLER}Reheating is rehearsed.\n{FILLER}Batteries were measured."
    assert "Batteries were measured." in snippet(text, "measuring a battery")
    assert snippet(text, "heat").startswith("Nothing")


def test_chinese_is_found_by_its_pairs() -> None:
    filler = "这里没有什么值得一提。" * 60
    text = f"{filler}热量很多。{filler}热泵比炉子省电得多。{filler}"
    assert snippet(text, "热泵省电吗").startswith("热泵比炉子省电得多。")


def test_a_text_that_says_nothing_of_it_shows_its_beginning() -> None:
    assert snippet(f"First. {FILLER}", "zeppelin").startswith("First. Nothing")
    assert snippet(f"First. {FILLER}", "the").startswith("First. Nothing")
    assert snippet("Short.\n\nText.", "the") == "Short. Text."


def test_a_short_word_with_y_matches_itself_alone() -> None:
    assert "Axis y is up." in snippet(f"{FILLER}Axis y is up.", "y")


@given(st.text(), st.text())
def test_a_snippet_is_a_stretch_of_the_text_of_bounded_length(text: str, query: str) -> None:
    shown = snippet(text * 20, query)
    assert len(shown) <= SNIPPET
    assert "\n" not in shown


@given(
    st.builds(Page, st.text(), st.text(), st.text(), st.tuples(st.text()), st.none() | st.dates())
)
def test_every_page_comes_back_as_it_was(page: Page) -> None:
    assert unpacked(packed(page)) == page
