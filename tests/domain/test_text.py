from hypothesis import given
from hypothesis import strategies as st

from agent.domain.text import clean, one_line

ANY_TEXT = st.text(st.characters(codec=None) | st.sampled_from("\r\n\t \x85\u2028\ud83d\ufeff"))


@given(ANY_TEXT)
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(ANY_TEXT)
def test_a_clean_text_can_be_stored_as_utf_8(text: str) -> None:
    assert clean(text).encode().decode() == clean(text)


@given(ANY_TEXT)
def test_a_clean_text_has_one_kind_of_line_end_and_nothing_at_its_end(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.splitlines() == (cleaned.split("\n") if cleaned else [])
    assert all(line == line.rstrip() for line in cleaned.split("\n"))
    assert "\n\n\n\n" not in cleaned


@given(st.text("abc 中文。\n", max_size=40))
def test_words_that_can_be_seen_are_never_lost(text: str) -> None:
    assert clean(text).split() == text.split()


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    assert clean("a\ud800b") == "a\ufffdb"


def test_orders_in_invisible_characters_are_dropped() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    assert clean(f"plain{hidden} wo\u200brds\u202e\x00") == "plain words"


def test_a_title_is_one_line() -> None:
    assert one_line(" A\r\n  title\t of\u2028lines ") == "A title of lines"
