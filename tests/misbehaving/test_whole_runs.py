"""The whole pipeline with a model of which three items in ten are spoiled."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from agent.rendering.words import words_for
from agent.testing.changing import Change
from agent.testing.checking_models import lenient, mending
from agent.testing.misbehaving import ITEM_FAULTS, Misbehaving, Planted, evenly
from agent.testing.rewording import Rewording

if TYPE_CHECKING:
    from tests.misbehaving.conftest import Outcome

SEEDS = 6
QUESTIONS = (
    "Do long context windows replace retrieval-augmented generation?",
    "What does prompt caching save?",
    "长上下文能取代检索增强生成吗？",
)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class Spoiled:
    """A run, and what was planted in it."""

    outcome: "Outcome"
    planted: tuple[Planted, ...]

    def of(self, *faults: str) -> list[Planted]:
        return [one for one in self.planted if one.fault in faults]


@pytest.fixture(scope="module")
def spoiled(runs: Callable[[Sequence[Mapping[str, Any]]], "list[Outcome]"]) -> list[Spoiled]:
    models, wanted = [], []
    for question in QUESTIONS:
        for seed in range(SEEDS):
            misbehaving = Misbehaving(evenly(0.3, *ITEM_FAULTS), seed=seed)
            honest: tuple[Change, ...] = (Rewording(),) if seed % 2 else ()
            changes = (*honest, lenient, mending, misbehaving)
            models.append(misbehaving)
            wanted.append({"changes": changes, "question": question, "depth": 2})
    outcomes = runs(wanted)
    return [Spoiled(o, tuple(m.planted)) for o, m in zip(outcomes, models, strict=True)]


def test_so_much_was_planted_that_the_figures_mean_something(spoiled: list[Spoiled]) -> None:
    kinds = Counter(one.fault for run in spoiled for one in run.planted)
    assert min(kinds[kind] for kind in ("invented_id", "invented_quote", "invented_number")) >= 15
    assert kinds["flipped_negation"] > 10
    assert all(run.outcome.claims for run in spoiled)


def test_every_quote_of_every_report_stands_where_it_says(spoiled: list[Spoiled]) -> None:
    for outcome in (run.outcome for run in spoiled):
        sources = {source["id"]: source for source in outcome.report["sources"]}
        for citation in outcome.citations:
            source = sources[citation["source"]]
            text = outcome.texts[source["sha256"]]
            assert hashlib.sha256(text.encode()).hexdigest() == source["sha256"]
            assert citation["quote"] == text[citation["start"] : citation["end"]]
            assert len(citation["quote"]) > 10


def test_no_invented_id_or_quote_is_in_any_report(spoiled: list[Spoiled]) -> None:
    for run in spoiled:
        cited = {part for c in run.outcome.citations for part in (c["passage"], c["quote"])}
        named = {id_ for said in run.outcome.report["summary"] for id_ in said["claims"]}
        for planted in run.of("invented_id", "invented_quote"):
            assert planted.spoiled not in cited | named
        assert all(re.fullmatch(r"S\d+\.\d+", c["passage"]) for c in run.outcome.citations)
        assert named <= {claim["id"] for claim in run.outcome.claims}


def test_every_number_of_every_report_stands_in_the_quotes_under_it(spoiled: list[Spoiled]) -> None:
    for outcome in (run.outcome for run in spoiled):
        claims = {claim["id"]: claim for claim in outcome.claims}
        for claim in outcome.claims:
            assert values(claim["sentence"]) <= values(*quotes(claim))
        for said in outcome.report["summary"]:
            under = [quote for id_ in said["claims"] for quote in quotes(claims[id_])]
            assert values(said["sentence"]) <= values(*under)


def test_every_reason_of_every_report_can_be_said_in_chinese(spoiled: list[Spoiled]) -> None:
    tell = words_for("zh").tell
    for report in (run.outcome.report for run in spoiled):
        failures = (why for one in report["failures"] for why in (one["what"], one["why"]))
        dropped = (one["reason"] for one in report["dropped"])
        chosen = (one["why"] for one in report["considered"])
        won = (one["why"] for one in report["disagreements"])
        told = {report["run"]["reason"], *failures, *dropped, *chosen, *won} - {""}
        assert {text for text in told if tell(text) == text and " " in text} == set()


def quotes(claim: Mapping[str, Any]) -> list[str]:
    return [citation["quote"] for citation in claim["citations"]]


def values(*texts: str) -> set[str]:
    """Return the numbers in digits, without what only groups digits; millions written out."""
    plain = [re.sub(r"(\d) million\b", r"\g<1>000000", text) for text in texts]
    return {found.replace(",", "") for text in plain for found in NUMBER.findall(text)}


def test_no_spoiled_number_is_stated_and_opposites_and_other_names_hardly_ever(
    spoiled: list[Spoiled],
) -> None:
    slipped = [
        planted
        for run in spoiled
        for planted in run.of("invented_number", "flipped_negation", "swapped_entity")
        if planted.spoiled in run.outcome.sentences
    ]
    turned = [p for run in spoiled for p in run.of("flipped_negation", "swapped_entity")]
    assert [planted for planted in slipped if planted.fault == "invented_number"] == []
    # The floors are held over hundreds of claims in test_every_sentence.py; here are a few dozen.
    assert len(slipped) <= 0.1 * len(turned)


def test_every_drafted_sentence_ends_held_or_repaired_or_dropped_and_is_counted_once(
    spoiled: list[Spoiled],
) -> None:
    verdicts = Counter(claim["verdict"] for run in spoiled for claim in run.outcome.claims)
    assert set(verdicts) == {"held", "repaired"}
    assert min(verdicts.values()) > 10
    for outcome in (run.outcome for run in spoiled):
        assert len(outcome.drafted) == len(outcome.claims) + len(outcome.dropped)
        held = [claim["sentence"] for claim in outcome.claims if claim["verdict"] == "held"]
        assert len(set(held)) == len(held)
        assert set(held) <= set(outcome.drafted)
        assert set(outcome.dropped) <= {*outcome.drafted, *outcome.sentences}


def test_what_is_left_is_what_the_honest_model_wrote(spoiled: list[Spoiled]) -> None:
    kept = sum(len(run.outcome.claims) for run in spoiled)
    drafted = sum(len(run.outcome.drafted) for run in spoiled)
    assert kept >= 0.6 * drafted


def test_an_honest_model_that_rewords_loses_next_to_nothing(
    runs: Callable[[Sequence[Mapping[str, Any]]], "list[Outcome]"],
) -> None:
    outcomes = runs(
        [{"changes": (Rewording(), lenient), "question": question} for question in QUESTIONS]
    )
    drafted = sum(len(outcome.drafted) for outcome in outcomes)
    assert drafted > 40
    assert sum(len(outcome.dropped) for outcome in outcomes) <= 0.05 * drafted
