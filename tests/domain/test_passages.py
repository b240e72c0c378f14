from hypothesis import given
from hypothesis import strategies as st

from agent.domain.passages import LONGEST_SENTENCE, PASSAGE_CHARACTERS, passages, sentences

texts = st.text(alphabet=st.sampled_from("ab C.D!?。！\n \t“”1é图"), max_size=400)


@given(texts | st.text(max_size=200))
def test_every_character_that_is_not_space_lies_in_exactly_one_passage_in_order(text: str) -> None:
    spans = passages(text)
    inside = [i for start, end in spans for i in range(start, end)]
    assert inside == sorted(set(inside))
    assert all(text[i].isspace() for i in set(range(len(text))) - set(inside))


@given(texts)
def test_no_passage_is_blank_or_begins_or_ends_in_white_space(text: str) -> None:
    for start, end in passages(text):
        assert text[start:end] == text[start:end].strip() != ""


@given(st.integers(1, 12_000))
def test_text_without_any_break_is_still_cut_to_size(length: int) -> None:
    spans = passages("x" * length)
    assert max(end - start for start, end in spans) <= LONGEST_SENTENCE


def test_a_passage_is_about_a_paragraph_of_whole_sentences() -> None:
    text = "The window holds many tokens. " * 200
    spans = passages(text)
    assert all(text[end - 1] == "." for _, end in spans)
    assert all(PASSAGE_CHARACTERS / 2 < end - start <= PASSAGE_CHARACTERS for start, end in spans)


def said(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


def test_a_sentence_does_not_end_at_an_abbreviation_or_a_decimal_point() -> None:
    text = "See Fig. 3 by Dr. Lee et al. It rose 3.5 points, i.e. A lot. Done!"
    assert said(text) == ["See Fig. 3 by Dr. Lee et al. It rose 3.5 points, i.e. A lot.", "Done!"]


def test_chinese_sentences_end_without_a_space() -> None:
    assert said("窗口很长。成本也高！“对吗？”是的") == [
        "窗口很长。",
        "成本也高！",
        "“对吗？”",
        "是的",
    ]


def test_sentences_can_be_asked_for_within_bounds() -> None:
    assert list(sentences("One. Two. Three.", 5, 9)) == [(5, 9)]
