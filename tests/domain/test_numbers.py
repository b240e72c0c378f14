import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.numbers import facts, missing

numbers = st.integers(0, 10**9) | st.decimals(0, 10**6, places=2)


@given(numbers, numbers)
def test_a_number_the_evidence_does_not_state_is_always_missing(
    said: object, there: object
) -> None:
    sentence, evidence = f"It took {said} units.", f"They needed {there} units."
    assert bool(missing(sentence, evidence)) is (facts(sentence) != facts(evidence))


@given(st.text(max_size=80))
def test_a_text_states_all_its_own_numbers(text: str) -> None:
    assert missing(text, text) == ()


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        ("A window of 128,000 tokens.", "It has a 128K context."),
        ("It rose by 5 %.", "an increase of 5 percent"),
        ("It rose by 5%.", "an increase of five percent"),
        ("1.5 million users.", "1,500,000 people"),
        ("约12.5万次", "共125000次"),
        ("准确率为95%", "准确率达百分之九十五"),
        ("下降20%", "降了两成"),
        ("320万篇", "三百二十万篇论文"),
        ("Twelve is 12.", "a dozen, or twelve"),
        ("In May 2024 it opened.", "opened on 2024-05-17"),
        ("It opened on 3 May 2024.", "2024年5月3日开放"),
        ("3 of them failed.", "three failed"),
        ("Nine in 10 points", "a score of 10 %"),
    ],
)
def test_one_number_may_be_written_in_many_ways(sentence: str, evidence: str) -> None:
    assert missing(sentence, evidence) == ()


@pytest.mark.parametrize(
    ("sentence", "evidence", "absent"),
    [
        ("It rose by 5 %.", "it rose by 5 points", ("5 %",)),
        ("It has 128K tokens.", "It has 128 tokens", ("128000",)),
        ("It fell 0.5 points.", "It fell 5 points", ("0.5",)),
        ("In May 2024 it opened.", "In June 2024 it opened", ("month 5",)),
        ("It cost $3 and 4 more.", "nothing", ("3", "4")),
        ("增长了30%", "增长了三成五", ("30 %",)),
    ],
)
def test_another_value_unit_or_month_is_missing_and_named(
    sentence: str, evidence: str, absent: tuple[str, ...]
) -> None:
    assert missing(sentence, evidence) == absent


def test_digits_in_a_name_are_not_numbers_and_may_as_a_verb_is_no_month() -> None:
    assert facts("The H100 may run it, and v2x too.") == frozenset()
