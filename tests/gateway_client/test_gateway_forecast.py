"""What work would cost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_client import Config, Endpoint, Entry, Ledger, Model
from gateway_client.forecast import forecast, projection


def priced(name: str, given: int, written: int) -> Model:
    return Model(
        name, input_usd_per_million=Decimal(given), output_usd_per_million=Decimal(written)
    )


CONFIG = Config(
    endpoints=(
        Endpoint("one", "http://one.example/v1", models=("cheap", "dear", "own-*", "listed")),
        Endpoint("two", "http://two.example/v1", models=("dear", "never-heard-of", "sora-2")),
    ),
    tiers={"light": ("cheap",), "deep": ("dear", "cheap"), "long": ("never-heard-of",)},
    models={
        "cheap": priced("cheap", 1, 2),
        "dear": priced("dear", 10, 40),
        "own-1": priced("own-1", 2, 2),
        "gpt-image-1": Model("gpt-image-1", usd_per_image=Decimal(1)),
    },
)


def test_five_million_tokens_are_priced_everywhere_cheapest_first_and_unknown_last() -> None:
    rows = forecast(CONFIG, 4_000_000, 1_000_000)
    assert [(row.model, row.tier, row.endpoints, row.usd) for row in rows] == [
        ("cheap", "light", ("one",), Decimal(6)),
        ("own-1", None, ("one",), Decimal(10)),
        ("dear", "deep", ("one", "two"), Decimal(80)),
        ("listed", None, ("one",), None),
        ("never-heard-of", "long", ("two",), None),
    ]
    assert [row.is_priced for row in rows] == [True, True, True, False, False]


def test_what_is_cached_costs_less_where_the_price_list_says_so() -> None:
    pytest.importorskip("genai_prices")
    config = Config(CONFIG.endpoints, tiers=dict.fromkeys(CONFIG.tiers, ("gpt-4o-mini",)))
    plain, cached = (
        next(row for row in forecast(config, 1_000_000, 0, share) if row.model == "gpt-4o-mini")
        for share in (0, 0.5)
    )
    assert plain.usd is not None
    assert cached.usd is not None
    assert 0 < cached.usd < plain.usd


@pytest.mark.parametrize("asked", [(-1, 0, 0.0), (0, -1, 0.0), (1, 1, 1.5), (1, 1, -0.1)])
def test_nonsense_is_refused(asked: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match="negative"):
        forecast(CONFIG, *asked)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_rows_rise_in_cost(given: int, written: int) -> None:
    costs = [row.usd for row in forecast(CONFIG, given, written) if row.usd is not None]
    assert costs == sorted(costs)


def test_what_was_used_is_projected_to_a_day_and_a_month() -> None:
    ledger = Ledger()
    for model, usd in (("a", Decimal("0.5")), ("b", None)):
        ledger.settle(Entry("", model, "one", "one#1", 100, 50, 0, usd))
    seen = projection(ledger.totals(), seconds=3600)
    assert (seen.usd_per_day, seen.usd_per_month) == (Decimal(12), Decimal(360))
    assert (seen.tokens_per_day, seen.unpriced) == (7200, ("b",))
    with pytest.raises(ValueError, match="no time"):
        projection(ledger.totals(), seconds=0)
