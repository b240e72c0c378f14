"""Says what work would cost, from prices alone or from what was used so far."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from gateway_client import prices
from gateway_client.catalog import TIERS, known_output
from gateway_client.wire import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway_client.catalog import Tier
    from gateway_client.config import Config
    from gateway_client.ledger import Totals

DAY_SECONDS: Final = 86_400
MONTH_DAYS: Final = 30

_PATTERN_CHARACTERS: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Row:
    """What the tokens would cost at one model; ``usd`` is None if its price is not known.

    ``tier`` is the first that prefers the model, if any does; ``endpoints`` serve it, and
    prices do not differ between them.
    """

    model: str
    tier: Tier | None
    endpoints: tuple[str, ...]
    usd: Decimal | None

    @property
    def is_priced(self) -> bool:
        """Whether the price is known."""
        return self.usd is not None


@dataclass(frozen=True, slots=True)
class Projection:
    """What a day and a month cost if all goes on as it did; ``unpriced`` models are not in it."""

    usd_per_day: Decimal
    usd_per_month: Decimal
    tokens_per_day: int
    unpriced: tuple[str, ...]


def forecast(
    config: Config, input_tokens: int, output_tokens: int, cached_share: float = 0.0
) -> tuple[Row, ...]:
    """Return what so many tokens cost at every text model that is named, cheapest first.

    ``cached_share`` of the input, from 0 to 1, is taken to be read from the vendor's cache.
    Models without a known price come last, by name.
    """
    if min(input_tokens, output_tokens) < 0 or not 0 <= cached_share <= 1:
        raise ValueError("tokens may not be negative, nor a share be outside 0 to 1")
    used = Usage(input_tokens, output_tokens, round(input_tokens * cached_share))
    rows = [_row(config, model, used) for model in dict.fromkeys(_named(config))]
    return tuple(sorted(rows, key=lambda row: (not row.is_priced, row.usd or 0, row.model)))


def projection(used: Totals, seconds: float) -> Projection:
    """Return what it comes to if as much is used again in every such span of time."""
    if seconds <= 0:
        raise ValueError("nothing can be said from no time at all")
    times = Decimal(DAY_SECONDS) / Decimal(str(seconds))
    per_day = used.usd * times
    tokens = round((used.input_tokens + used.output_tokens) * times)
    return Projection(per_day, per_day * MONTH_DAYS, tokens, used.unpriced)


def _named(config: Config) -> Iterator[str]:
    """Yield the models of the tiers, those with prices or windows, and those of endpoints."""
    for tier in TIERS:
        yield from config.tiers[tier]
    for model in config.models:
        if known_output(model) == "text":
            yield model
    for endpoint in config.endpoints:
        for pattern in endpoint.models:
            if not _PATTERN_CHARACTERS & set(pattern) and known_output(pattern) == "text":
                yield pattern


def _row(config: Config, model: str, used: Usage) -> Row:
    return Row(
        model,
        next((tier for tier in TIERS if model in config.tiers[tier]), None),
        tuple(endpoint.name for endpoint in config.endpoints if endpoint.serves(model)),
        prices.price(model, used, config.models),
    )
