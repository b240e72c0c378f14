from hypothesis import given
from hypothesis import strategies as st

from agent.domain.ranking import scores, terms


def test_forms_of_a_word_and_plural_and_singular_are_one_term() -> None:
    assert len({*terms("measure measures measured measuring")}) == 1
    assert terms("turbines") == terms("turbine")
    assert terms("batteries") == terms("battery")
    assert terms("glass gas") == ["glass", "gas"]


def test_little_words_are_no_terms_and_chinese_is_pairs_of_characters() -> None:
    assert terms("What is the cost of it?") == ["cost"]
    assert terms("长上下文的成本") == ["长上", "上下", "下文", "成本"]


def test_the_text_that_shares_rare_words_is_first_and_strangers_have_no_score() -> None:
    texts = ["wind power in Denmark", "power plants and power lines", "bread and butter"]
    found = scores("wind power", [terms(text) for text in texts])
    assert found[0] > found[1] > found[2] == 0


@given(st.text(max_size=30), st.lists(st.text(max_size=60), max_size=5))
def test_a_score_is_never_negative_and_zero_without_a_shared_term(
    query: str, texts: list[str]
) -> None:
    found = scores(query, [terms(text) for text in texts])
    for score, text in zip(found, texts, strict=True):
        assert (score > 0) is bool(set(terms(query)) & set(terms(text)))
