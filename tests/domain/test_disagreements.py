import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.disagreements import disagreements
from agent.domain.evidence import Publication, Source
from agent.domain.report import Citation, Claim, Disagreement

Pair = tuple[str, str]

PAIRS = tomllib.loads((Path(__file__).parent / "disagreement_pairs.toml").read_text())
KINDS = ("number", "direction", "negation")
CONTRADICTIONS = [(kind, pair) for part in PAIRS.values() for kind in KINDS for pair in part[kind]]
LOOK_ALIKES = [pair for part in PAIRS.values() for pair in part["neither"]]
SENTENCES = sorted({said for _, pair in CONTRADICTIONS for said in pair})
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def source(id: str, **more: object) -> Source:
    plain = Source(id, "web", f"https://{id}.example", f"Title {id}", id, NOW, ((0, 5),))
    return replace(plain, **more)  # type: ignore[arg-type]


def claim(id: str, sentence: str, *sources: str) -> Claim:
    cited = tuple(Citation(source, f"{source}.1", "quote", 0, 5) for source in sources)
    return Claim(id, sentence, "held", cited)


def between(*sentences: str) -> tuple[Disagreement, ...]:
    """Let each sentence be claimed by a work of its own."""
    numbers = range(1, len(sentences) + 1)
    claims = [claim(f"c{n}", said, f"S{n}") for n, said in enumerate(sentences, start=1)]
    return disagreements(claims, [source(f"S{n}") for n in numbers])


def test_contradictions_are_found_and_look_alikes_are_left_alone() -> None:
    found = sum(bool(between(*pair)) for _, pair in CONTRADICTIONS)
    false = [pair for pair in LOOK_ALIKES if between(*pair)]
    assert len(CONTRADICTIONS) >= 80
    assert len(LOOK_ALIKES) >= 120
    assert found / (found + len(false)) >= 0.95, false
    assert found / len(CONTRADICTIONS) >= 0.9


@pytest.mark.parametrize("part", PAIRS)
def test_each_set_of_pairs_keeps_the_floors_by_itself(part: str) -> None:
    pairs = [pair for kind in KINDS for pair in PAIRS[part][kind]]
    found = sum(bool(between(*pair)) for pair in pairs)
    false = sum(bool(between(*pair)) for pair in PAIRS[part]["neither"])
    assert found / (found + false) >= 0.95
    assert found / len(pairs) >= 0.8


def test_a_contradiction_that_is_found_is_nearly_always_of_the_right_kind() -> None:
    told = [(kind, found) for kind, pair in CONTRADICTIONS for found in between(*pair)]
    right = sum(found.kind == kind for kind, found in told)
    assert right / len(told) >= 0.95


def test_claims_on_many_subjects_disagree_only_where_two_of_a_pair_meet() -> None:
    pairs = [pair for part in ("second", "third") for kind in KINDS for pair in PAIRS[part][kind]]
    sentences = [said for pair in pairs for said in pair]
    for found in between(*sentences):
        numbers = [int(side.claim[1:]) - 1 for side in found.sides]
        assert len({number // 2 for number in numbers}) == 1, [sentences[n] for n in numbers]


@given(st.permutations(SENTENCES[:40]))
def test_the_order_of_claims_makes_no_difference_to_what_is_found(sentences: list[str]) -> None:
    def found(order: list[str]) -> set[tuple[str, frozenset[str]]]:
        return {
            (one.kind, frozenset(order[int(side.claim[1:]) - 1] for side in one.sides))
            for one in between(*order)
        }

    assert found(sentences) == found(SENTENCES[:40])


@given(st.lists(st.sampled_from(SENTENCES), max_size=12))
def test_one_work_never_disagrees_with_itself(sentences: list[str]) -> None:
    mirrors = [source("S1"), source("S2", work="S1")]
    claims = [claim(f"c{n}", said, mirrors[n % 2].id) for n, said in enumerate(sentences)]
    assert disagreements(claims, mirrors) == ()


@given(st.lists(st.text(max_size=60).filter(str.strip), max_size=6))
def test_any_text_can_be_read_and_sides_name_claims_that_exist(sentences: list[str]) -> None:
    ids = {f"c{number}" for number in range(1, len(sentences) + 1)}
    for found in between(*sentences):
        assert ids.issuperset(side.claim for side in found.sides)
        assert found.prevails in {"", *ids}


def test_claims_that_share_a_work_do_not_disagree() -> None:
    one, other = (
        claim("c1", "In 2021, 17 % of adults in Portugal smoked.", "S1", "S2"),
        claim("c2", "In 2021, 23 % of adults in Portugal smoked.", "S2"),
    )
    assert disagreements([one, other], [source("S1"), source("S2")]) == ()


def test_three_sides_are_one_disagreement_and_a_side_that_agrees_with_one_stands_by_it() -> None:
    said = "In 2021, {} % of adults in Portugal smoked."
    (found,) = between(said.format(17), said.format(23), said.format("17.2"), said.format(30))
    assert [side.claim for side in found.sides] == ["c1", "c2", "c3", "c4"]
    assert [side.says for side in found.sides] == [
        "17 % (2021)", "23 % (2021)", "17.2 % (2021)", "30 % (2021)"
    ]  # fmt: skip


def test_what_it_is_about_is_said_in_words_of_the_first_claim() -> None:
    (found,) = between(
        "Training GPT-3 consumed 1,287 MWh of electricity.",
        "According to its makers, GPT-3's training used about 552 MWh.",
    )
    assert found.about == "Training GPT-3 consumed"
    assert [side.says for side in found.sides] == ["1,287 MWh", "about 552 MWh"]


def test_a_date_or_definition_that_only_one_side_gives_is_shown_with_its_number() -> None:
    (dated,) = between(
        "In 2020, the population of Aldmoor City was 412,000 people.",
        "The population of Aldmoor City is 385,000 people.",
    )
    assert [side.says for side in dated.sides] == ["412,000 people (2020)", "385,000 people"]
    (defined,) = between(
        "Youth unemployment was 15.2 % by the national definition.", "Youth unemployment was 19 %."
    )
    assert defined.sides[0].says == "15.2 % (by the national definition)"


def test_directions_and_denials_are_said_in_the_claims_own_words() -> None:
    (turned,) = between(
        "Coffee increases the risk of heart disease.", "Coffee reduces the risk of heart disease."
    )
    assert turned.about == "Coffee risk of heart disease"
    assert [side.says for side in turned.sides] == ["increases", "reduces"]
    (denied,) = between("维生素C能预防感冒。", "维生素C不能预防感冒。")
    assert [side.says for side in denied.sides] == ["预防", "不能预防"]


RISES = "Coffee increases the risk of heart disease."
FALLS = "Coffee reduces the risk of heart disease."


def sides(one: Source, other: Source) -> Disagreement:
    (found,) = disagreements(
        [claim("c1", RISES, one.id), claim("c2", FALLS, other.id)], [one, other]
    )
    return found


def test_without_a_rule_nobody_prevails() -> None:
    found = sides(source("S1"), source("S2"))
    assert (found.prevails, found.why) == ("", "")


def test_a_retracted_work_loses() -> None:
    found = sides(source("S1", publication=Publication(retracted=True)), source("S2"))
    assert found.prevails == "c2"
    assert found.why == "A retracted work loses: S1 was retracted."


def test_nobody_prevails_if_all_were_retracted() -> None:
    retracted = Publication(retracted=True)
    found = sides(source("S1", publication=retracted), source("S2", publication=retracted))
    assert found.prevails == ""


def test_a_claim_that_rests_on_another_work_too_does_not_fall_with_a_retracted_one() -> None:
    sources = [source("S1", publication=Publication(retracted=True)), source("S2"), source("S3")]
    claims = [claim("c1", RISES, "S1", "S2"), claim("c2", FALLS, "S3")]
    (found,) = disagreements(claims, sources)
    assert found.prevails == ""


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("https://arxiv.org/abs/2401.01234v1", "https://arxiv.org/abs/2401.01234v3"),
        ("https://arxiv.org/pdf/2401.01234v9", "https://arxiv.org/html/2401.01234v10"),
        (
            "https://www.biorxiv.org/content/10.1101/2020.01.02.123456v1.full",
            "https://www.biorxiv.org/content/10.1101/2020.01.02.123456v2.full",
        ),
    ],
)
def test_the_newer_version_of_a_paper_wins_though_both_are_one_work(older: str, newer: str) -> None:
    found = sides(source("S1", url=older), source("S2", url=newer, work="S1"))
    assert found.prevails == "c2"
    assert found.why.startswith("The newer version of a paper wins: S2 is version ")


def test_two_copies_of_one_version_do_not_disagree() -> None:
    address = "https://arxiv.org/abs/2401.01234v1"
    copies = [source("S1", url=address), source("S2", url=f"{address}?x=1", work="S1")]
    assert disagreements([claim("c1", RISES, "S1"), claim("c2", FALLS, "S2")], copies) == ()


def test_a_correction_wins_over_what_it_corrects() -> None:
    found = sides(
        source("S1", title="Coffee and the heart: a cohort study"),
        source("S2", title="Correction to: Coffee and the Heart: A Cohort Study"),
    )
    assert found.prevails == "c2"
    assert found.why == "A correction wins over what it corrects: S2 is a correction of S1."


def test_of_three_sides_one_prevails_only_if_those_that_are_left_agree() -> None:
    said = "In 2021, {} % of adults in Portugal smoked."
    sources = [source("S1", publication=Publication(retracted=True)), source("S2"), source("S3")]

    def three(last: int) -> Disagreement:
        values = (17, 23, last)
        claims = [claim(f"c{n}", said.format(v), f"S{n}") for n, v in enumerate(values, start=1)]
        (found,) = disagreements(claims, sources)
        return found

    assert three(23).prevails == "c2"
    assert three(30).prevails == ""


def test_three_hundred_claims_are_compared_within_a_second() -> None:
    sentences = (SENTENCES * 3)[:300]
    started = process_time()
    between(*sentences)
    assert process_time() - started < 1
