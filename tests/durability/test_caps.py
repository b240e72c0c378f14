"""A limit anywhere along a run: never passed, and what was found is told and verified."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent import wiring
from agent.checking import check
from agent.doctor import examine
from agent.domain.report import Report

Place = Any
PLACES = 10


async def researched(place: Place, name: str, **limit: object) -> tuple[Report, int]:
    """Research in a folder of its own; return the report, and the tokens the gateway gave out."""
    place.settings = place.settings.model_copy(
        update={
            "out": place.settings.out.with_name(name),
            "max_usd": None,
            "max_tokens": None,
            **limit,
        }
    )
    place.tokens = 0
    report = await place.research()
    checked = check(place.finished)
    assert checked.claims == len(report.claims)
    assert checked.breaches == ()
    return report, place.tokens


async def test_a_limit_at_ten_places_is_never_passed_and_always_ends_in_a_verified_report(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_MODEL", "gpt-4o-mini")  # one that has a price
    free, tokens = await researched(place, "free")
    assert free.run.status == "complete"
    assert free.usage.usd > 0
    asked = set()
    for number in range(PLACES):
        share = Decimal(2 * number + 1) / (2 * PLACES)
        if number % 2:
            most = share * free.usage.usd
            report, _ = await researched(place, f"at-{number}", max_usd=most)
            assert report.usage.usd <= most
        else:
            report, given = await researched(place, f"at-{number}", max_tokens=int(share * tokens))
            assert given <= share * tokens
        assert report.run.status == "partial", share
        assert "budget" in report.run.reason or "limit" in report.run.reason
        assert report.claims
        asked.add(report.usage.calls)
    assert len(asked) >= 4  # the limits were met at different calls


async def test_the_runs_of_a_day_keep_its_budget_together_and_each_ends_in_a_verified_report(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("GATEWAY_MODEL", "gpt-4o-mini")
    free, _ = await researched(place, "free")
    most = free.usage.usd * 3
    ended = [await status(place, f"run-{number}", max_usd_per_day=most) for number in range(4)]
    assert ended[0] == "complete"
    assert ended[-1] == "partial"
    spent = wiring.day(place.settings)
    assert spent is not None
    assert free.usage.usd <= spent.usd <= most
    assert not spent.is_spent  # what is left is too little for a call
    assert str(spent).endswith("of today's budget (UTC) are spent")
    (told,) = [one for one in await examine(place.settings) if one.what == "day's budget"]
    assert told.ok
    place.settings = place.settings.model_copy(update={"max_usd_per_day": spent.usd})
    (told,) = [one for one in await examine(place.settings) if one.what == "day's budget"]
    assert not told.ok
    assert "tomorrow" in told.mend


async def status(place: Place, name: str, **limit: object) -> str:
    """Return how a run ended, which in any case found something."""
    report, _ = await researched(place, name, **limit)
    assert report.claims
    return report.run.status
