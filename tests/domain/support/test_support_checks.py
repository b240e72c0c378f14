from collections.abc import Callable

import pytest

from agent.domain.support import (
    Reason,
    flipped,
    missing_dates,
    missing_entities,
    missing_numbers,
    missing_percentages,
    missing_units,
    swapped,
)

Check = Callable[[str, str], tuple[Reason, ...]]
REPORT = (
    "The Harrow Bridge was opened in March 1931 by Queen Ilsa. It is 420 metres long and carries "
    "31 % of the traffic of Port Maren. Traffic rose after the second lane was added."
)


def details(reasons: tuple[Reason, ...]) -> list[str]:
    return [reason.detail for reason in reasons]


@pytest.mark.parametrize(
    ("check", "claim", "told"),
    [
        (missing_numbers, "The bridge is 480 metres long.", ["480"]),
        (missing_percentages, "The bridge carries 37 % of the traffic.", ["37 %"]),
        (missing_dates, "The bridge was opened in May 1931.", ["month 5"]),
        (missing_dates, "The bridge was opened in 1941.", ["1941"]),
        (missing_units, "The bridge is 420 feet long.", ["420 foot"]),
        (missing_units, "The bridge carries 31 tonnes.", ["31 tonne"]),
        (missing_entities, "The bridge was opened by Count Orlo.", ["Count Orlo"]),
    ],
)
def test_what_the_evidence_does_not_state_is_told_with_its_words(
    check: Check, claim: str, told: list[str]
) -> None:
    assert details(check(claim, REPORT)) == told


@pytest.mark.parametrize(
    "check",
    [
        missing_numbers, missing_percentages, missing_dates, missing_units, missing_entities,
        flipped, swapped,
    ],
)  # fmt: skip
def test_no_check_speaks_against_the_evidence_itself(check: Check) -> None:
    assert check(REPORT, REPORT) == ()


def test_an_acronym_stands_where_its_words_do() -> None:
    assert missing_entities("The WHO agreed.", "The World Health Organization agreed.") == ()
    assert missing_entities("The BBC agreed.", "The World Health Organization agreed.")


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("The drug did not reduce mortality.", "The drug reduced mortality."),
        ("The drug reduced mortality.", "The drug did not reduce mortality."),
        ("The drug doesn't reduce mortality.", "The drug reduced mortality."),
        ("The law never applied to farms.", "The law applied to farms."),
        ("The drug reduces mortality.", "No study has shown that the drug reduces mortality."),
        ("The law applied to farms.", "It is not true that the law applied to farms."),
        ("The drug reduces mortality.", "There is no evidence that the drug reduces mortality."),
        ("Sales increased in 2019.", "Sales fell sharply in 2019."),
        ("Output was higher in the north.", "Output was lower in the north."),
        ("The river is older than the lake.", "The river is younger than the lake."),
        ("该药物没有降低死亡率。", "该药物降低了死亡率。"),
        ("去年出口增加。", "去年出口减少。"),
        ("该方法的准确率高于基线。", "该方法的准确率低于基线。"),
    ],
)
def test_a_sentence_that_says_the_contrary_is_flipped(claim: str, evidence: str) -> None:
    assert flipped(claim, evidence)


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("Sales fell in 2019.", "Sales did not rise but fell in 2019."),
        ("The drug not only reduced pain.", "The drug reduced pain."),
        ("Prices rose by half.", "Prices increased by half."),
        ("The drug failed to reduce pain.", "The drug did not reduce pain."),
        ("No study shows a lower mortality.", "No study has shown that mortality is lower."),
        ("The drug did not ease the pain that men felt.", "The drug did not ease men's pain."),
        ("You must name words that are not your own.", "Name all words that are not your own."),
        ("不同的方法提高了准确率。", "不同的方法提高了准确率。"),
        ("去年出口增长。", "去年出口增加。"),
    ],
)
def test_a_sentence_that_says_the_same_is_not_flipped(claim: str, evidence: str) -> None:
    assert flipped(claim, evidence) == ()


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("Alder outperforms Birch on long texts.", "Birch outperforms Alder on long texts."),
        ("The wolves chase the herd.", "The herd chase the wolves."),
        ("Maren sold the port to Tovik in 1902.", "Tovik sold the port to Maren in 1902."),
    ],
)
def test_subject_and_object_exchanged_are_told(claim: str, evidence: str) -> None:
    assert swapped(claim, evidence)


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("Alder is outperformed by Birch.", "Birch outperforms Alder."),
        ("Alder and Birch were tested.", "Birch and Alder were tested."),
        ("In 1902, Tovik sold the port.", "Tovik sold the port in 1902."),
    ],
)
def test_a_passive_a_list_and_a_moved_date_exchange_nothing(claim: str, evidence: str) -> None:
    assert swapped(claim, evidence) == ()
