import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.quotes import SHORTEST_QUOTE, find_near, find_quote, word_count

words = st.lists(st.sampled_from(["alpha", "beta", "Größe", "窗口", "x1", "naïve"]), min_size=4)


@given(words, st.text(max_size=60), st.text(max_size=60))
def test_a_quote_that_stands_there_is_found_where_it_stands(
    quoted: list[str], before: str, after: str
) -> None:
    quote = " ".join(quoted)
    text = f"{before}\n{quote}\n{after}"
    found = find_quote(quote, text)
    assert found is not None
    assert text[slice(*found)].split() == quoted or quote in text[: found[1]]


@given(st.text(max_size=40), st.text(max_size=200))
def test_what_is_found_has_words_and_is_never_the_empty_string(quote: str, text: str) -> None:
    found = find_quote(quote, text)
    if found is not None:
        assert word_count(quote) >= SHORTEST_QUOTE
        assert text[slice(*found)].strip()


@pytest.mark.parametrize("empty", ["", "  ", "“”", "...", "the", "of the", "\u200b"])
def test_a_quote_of_next_to_nothing_proves_nothing(empty: str) -> None:
    assert find_quote(empty, f"{empty} something of the kind {empty}") is None


@pytest.mark.parametrize(
    ("quote", "text", "there"),
    [
        ("the cat sat down", "Then the cat\n   sat  down.", "the cat\n   sat  down"),
        ('"the cat\'s tail" is long', "“the cat’s tail” is long", "“the cat’s tail” is long"),
        ("a so-called fix is here", "a so‑called ﬁx is here", "a so‑called ﬁx is here"),
        ("ＧＰＴ 在长上下文中", "使用GPT在长上下文中的表现", "GPT在长上下文中"),
        ("the café was open late", "the cafe\u0301 was open late", "the cafe\u0301 was open late"),
        ("长上下文窗口很贵。", "我们说长上 下文\n窗口很贵。", "长上 下文\n窗口很贵。"),
        ("“... the window is long ...”", "So the window is long.", "the window is long"),
    ],
)
def test_white_space_and_look_alikes_are_folded_and_the_exact_text_comes_back(
    quote: str, text: str, there: str
) -> None:
    found = find_quote(quote, text)
    assert found is not None
    assert text[slice(*found)] == there


@pytest.mark.parametrize(
    "quote",
    [
        "the model does not scale",
        "model scales The",
        "the mode",
        "scales well enough to",
        "THE MODEL",
    ],
)
def test_other_words_another_order_or_half_a_word_are_not_the_quote(quote: str) -> None:
    assert find_quote(quote, "the model scales well enough tonight, the modest one") is None


def test_a_quote_is_looked_for_between_the_offsets_given_and_found_in_whole_text_offsets() -> None:
    text = "one two three four. one two three four."
    assert find_quote("one two three four", text, 20, 39) == (20, 38)
    assert find_quote("one two three four", text, 1, 20) is None


def test_the_sign_for_a_line_end_in_prompts_is_no_part_of_a_quote() -> None:
    text = "Overall result\n\nThe window won by far."
    found = find_quote("Overall result ¶ The window won", text)
    assert found is not None
    assert text[slice(*found)] == "Overall result\n\nThe window won"


SAID = "Across the 742 homes, the median seasonal performance factor was 2.8 in the first winter."
AROUND = f"We measured for long. {SAID} Nothing else was found in that year."


@pytest.mark.parametrize(
    "quote",
    [
        SAID.replace("homes,", "homes"),
        SAID.replace("performance", "perfomance"),
        SAID.replace("the median", "a median"),
        f"“{SAID.replace('first', 'frist')}”",
        SAID.replace("2.8", "2.9"),  # what is shown says 2.8, so nothing is proved by it
    ],
)
def test_a_quote_with_a_slip_is_replaced_by_the_text_itself(quote: str) -> None:
    assert find_quote(quote, AROUND) is None
    found = find_near(quote, AROUND)
    assert found is not None
    assert AROUND[slice(*found)].rstrip(".") == SAID.rstrip(".")


@pytest.mark.parametrize(
    "quote",
    [
        "",
        "the median was high",
        SAID.replace("median seasonal performance factor", "mean yearly cost"),
        "In the 742 homes the factor was found to be 2.8 during winter, as the median.",
        "Nothing of the kind was ever measured by anybody in any of these homes at all.",
        SAID * 3,
    ],
)
def test_another_sentence_is_not_nearly_the_quote(quote: str) -> None:
    assert find_near(quote, AROUND) is None


@given(st.text(max_size=80), st.text(max_size=200))
def test_what_is_nearly_found_lies_in_the_text(quote: str, text: str) -> None:
    found = find_near(quote, text)
    assert found is None or 0 <= found[0] < found[1] <= len(text)


def test_a_near_quote_is_found_between_the_offsets_given() -> None:
    text = f"{AROUND} {AROUND}"
    found = find_near(SAID.replace("homes,", "homes"), text, len(AROUND) + 1)
    assert found is not None
    assert found[0] > len(AROUND)
    assert text[slice(*found)].startswith("Across the 742 homes, the")
