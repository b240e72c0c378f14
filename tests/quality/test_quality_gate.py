"""Holds whole reports on frozen documents to floors.

``UPDATE_FLOORS=1`` writes floors that have risen and the digest of the documents; a floor is
lowered only with ``LOWER_FLOORS=1`` as well.
"""

import hashlib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FLOORS = HERE / "floors.toml"
SLACK = 1e-3


def digest() -> str:
    """The digest of the documents and the questions."""
    files = [*sorted((HERE / "corpus").glob("*.md")), HERE / "questions.toml"]
    told = hashlib.sha256()
    for path in files:
        told.update(f"{path.name}\n".encode() + path.read_bytes())
    return told.hexdigest()


def figures(asked: Sequence) -> dict[str, float]:  # type: ignore[type-arg]
    """What is held to the floors; each is better the higher it is."""
    facts = [(one, fact) for one in asked for fact in one.pinned["facts"]]
    found = [
        any(
            one.states(claim, fact["words"])
            and not one.read_from(claim).isdisjoint({fact["document"], fact.get("or")})
            for claim in one.claims
        )
        for one, fact in facts
    ]
    claims = [(one, claim) for one in asked for claim in one.claims]
    on_topic = [one.read_from(claim).isdisjoint(one.pinned["distractors"]) for one, claim in claims]
    truthful = [
        not any(lie in claim.sentence for lie in one.pinned["lies"]) for one, claim in claims
    ]
    dropped = sum(len(one.report.dropped) for one in asked)
    planted = [(one, pair) for one in asked for pair in one.pinned.get("disagreements", ())]
    told = [
        any(
            all(any(value in side.says for side in told.sides) for value in pair)
            for told in one.report.disagreements
        )
        for one, pair in planted
    ]
    copies = [(one, names) for one in asked for names in one.pinned.get("copies", ())]
    as_one = [_is_one_work(one, names) for one, names in copies]
    ends = [one.report.run.status == one.pinned["status"] for one in asked]
    return {
        "facts_found": share(found),
        "claims_on_topic": share(on_topic),
        "claims_free_of_lies": share(truthful),
        "written_claims_held": len(claims) / max(1, len(claims) + dropped),
        "disagreements_told": share(told),
        "disagreements_that_are_some": share(
            [True] * len(told) + [False] * (_disagreements(asked) - sum(told))
        )
        if any(told)
        else 0.0,
        "copies_taken_for_one": share(as_one),
        "ends_as_it_should": share(ends),
    }


def _disagreements(asked: Sequence) -> int:  # type: ignore[type-arg]
    return sum(len(one.report.disagreements) for one in asked)


def _is_one_work(one, names: Sequence[str]) -> bool:  # type: ignore[no-untyped-def]  # noqa: ANN001
    works = {s.work for s in one.report.sources if s.url.rpartition("/")[2] in names}
    return len(works) == 1


def share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 1.0


def kept(floors: Mapping[str, float], now: Mapping[str, float]) -> str:
    lines = [f'documents = "{digest()}"\n', "[floors]\n"]
    return "".join([*lines, *(f"{name} = {max(0.0, now[name]):.3f}\n" for name in now)])


def test_reports_on_frozen_documents_are_no_worse_than_they_were(asked: Sequence) -> None:  # type: ignore[type-arg]
    now = figures(asked)
    stored = tomllib.loads(FLOORS.read_text("utf-8")) if FLOORS.is_file() else {}
    floors: Mapping[str, float] = stored.get("floors", {})
    lower = {
        name: (floor, round(now.get(name, 0.0), 3))
        for name, floor in floors.items()
        if now.get(name, 0.0) < floor - SLACK
    }
    if os.environ.get("UPDATE_FLOORS") and (not lower or os.environ.get("LOWER_FLOORS")):
        FLOORS.write_text(kept(floors, now), "utf-8")
        pytest.skip(f"the floors are written anew: {now}")
    assert stored["documents"] == digest(), "documents or questions changed: see UPDATE_FLOORS"
    assert not lower, "(floor, now)"


def test_where_nothing_is_to_be_found_nothing_is_said(asked: Sequence) -> None:  # type: ignore[type-arg]
    (trap,) = [one for one in asked if one.pinned["status"] == "empty"]
    assert trap.report.run.status == "empty"
    assert trap.report.sections == ()
    assert trap.report.summary == ()
    assert trap.report.run.reason


def test_every_claim_is_quoted_from_what_was_read(asked: Sequence) -> None:  # type: ignore[type-arg]
    for one in asked:
        assert all(claim.citations for claim in one.claims)
        assert all(claim.support for claim in one.claims)
