"""A limit anywhere along a run: never passed, and what was found is told and verified."""

from decimal import Decimal
from typing import Any

import pytest

from agent.checking import check
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
