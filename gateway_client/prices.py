"""What tokens cost, in US dollars: as configured, else as published, else unknown (never 0)."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway_client.catalog import Model
    from gateway_client.wire import Usage

MILLION: Final = Decimal(1_000_000)


def price(model: str, usage: Usage, configured: Mapping[str, Model]) -> Decimal | None:
    """Return the cost of one call, or None if the price of the model is not known.

    A configured price knows no discount for cached tokens, so it is an upper bound.
    """
    known = configured.get(model)
    if known is None:
        return _published(model, usage)
    given, written = known.input_usd_per_million, known.output_usd_per_million
    if given is None or written is None:
        return _published(model, usage)
    return (given * usage.input_tokens + written * usage.output_tokens) / MILLION


def _published(model: str, usage: Usage) -> Decimal | None:
    """Look the price up in genai-prices, which takes 50 ms to load, so only when it is needed."""
    try:
        import genai_prices  # noqa: PLC0415 - heavy, optional, and often not needed at all
    except ImportError:
        return None
    tokens = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=min(usage.cached_tokens, usage.input_tokens),
    )
    vendor, _, name = model.rpartition("/")
    for listed in (name, f"{name}-preview"):  # gateways leave out what the price list spells out
        with suppress(LookupError, ValueError):  # not in the list
            return genai_prices.calc_price(tokens, listed, provider_id=vendor or None).total_price
    return None
