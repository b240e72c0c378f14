"""Prices and sums."""

from __future__ import annotations

import sys
from decimal import Decimal

import pytest

from gateway_client import Entry, Ledger, Model, prices, wire

USAGE = wire.Usage(1_000_000, 500_000)
PRICED = {"m": Model("m", input_usd_per_million=Decimal(2), output_usd_per_million=Decimal(8))}


def entry(task: str, model: str, usd: Decimal | None, *, estimated: bool = False) -> Entry:
    return Entry(task, model, "one", "one#1", 10, 5, 2, usd, estimated)


def test_a_configured_price_counts_before_any_other() -> None:
    assert prices.price("m", USAGE, PRICED) == Decimal(6)


def test_a_published_price_is_used_if_there_is_one() -> None:
    pytest.importorskip("genai_prices")
    assert (prices.price("gpt-4o-mini", USAGE, {}) or 0) > 0
    assert prices.price("openai/gpt-4o-mini", USAGE, {"openai/gpt-4o-mini": Model("x")}) == (
        prices.price("gpt-4o-mini", USAGE, {})
    )


def test_an_unknown_price_is_unknown_and_not_nothing() -> None:
    assert prices.price("never-heard-of", USAGE, {}) is None


def test_without_the_price_list_only_configured_prices_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert prices.price("gpt-4o-mini", USAGE, {}) is None


def test_sums_are_kept_in_all_by_task_and_by_model_and_name_what_has_no_price() -> None:
    ledger = Ledger()
    assert ledger.totals().calls == 0
    ledger.settle(entry("refine", "a", Decimal("0.5")))
    ledger.settle(entry("write", "b", None, estimated=True))
    ledger.settle(entry("write", "a", Decimal(1)))
    totals = ledger.totals()
    assert (totals.calls, totals.input_tokens, totals.output_tokens) == (3, 30, 15)
    assert (totals.usd, totals.unpriced, totals.estimated_calls) == (Decimal("1.5"), ("b",), 1)
    assert ledger.by_task()["write"].unpriced == ("b",)
    assert ledger.by_model()["a"].usd == Decimal("1.5")


def test_both_ways_to_report_usage_are_read() -> None:
    chat = {"usage": {"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}}
    responses = {"usage": {"input_tokens": 3, "output_tokens": 4}}
    assert wire.reported_usage(dict(chat)) == wire.Usage(3, 0, 2)
    assert wire.reported_usage(dict(responses)) == wire.Usage(3, 4)
    assert wire.reported_usage({"usage": {"odd": 1}}) is None


def test_a_ledger_with_a_bound_forgets_entries_and_no_sums() -> None:
    bounded, whole = Ledger(keep=2), Ledger()
    for ledger in (bounded, whole):
        for task, model, usd in (("a", "x", Decimal(1)), ("b", "x", None), ("a", "y", Decimal(2))):
            ledger.settle(entry(task, model, usd))
            ledger.settle(entry(task, model, usd, estimated=True))
    assert [kept.model for kept in bounded.entries] == ["y", "y"]
    assert bounded.totals() == whole.totals()
    assert bounded.by_task() == whole.by_task()
    assert bounded.by_model() == whole.by_model()
