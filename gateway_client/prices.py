"""What calls cost, in US dollars: as configured, else as published, else unknown (never 0)."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from gateway_client.catalog import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway_client.wire import Usage

MILLION: Final = Decimal(1_000_000)

PUBLISHED_SECONDS: Final = (("sora-2", "0.10"), ("sora-2-20*", "0.10"))
"""US dollars for a second of film, from OpenAI's price page (2025-10).

Where the price depends on more than the model (sora-2-pro, veo), only gateway.toml can say it.
"""


def price(model: str, usage: Usage, configured: Mapping[str, Model]) -> Decimal | None:
    """Return the cost of one call, or None if the price of the model is not known.

    A configured price knows no discount for cached tokens, so it is an upper bound.
    """
    known = configured.get(model) or Model(model)
    if usage.video_seconds:
        second = known.usd_per_video_second
        second = _published_second(model) if second is None else second
        return None if second is None else second * usage.video_seconds
    if usage.images and known.usd_per_image is not None:
        return known.usd_per_image * usage.images
    if usage.images and usage.estimated:
        return None  # the tokens of a picture cannot be guessed from its prompt
    given, written = known.input_usd_per_million, known.output_usd_per_million
    if given is None or written is None:
        return _published(model, usage)
    return (given * usage.input_tokens + written * usage.output_tokens) / MILLION


def _published_second(model: str) -> Decimal | None:
    name = model.rpartition("/")[2]
    found = (usd for pattern, usd in PUBLISHED_SECONDS if fnmatchcase(name, pattern))
    usd = next(found, None)
    return None if usd is None else Decimal(usd)


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
        output_image_tokens=usage.output_tokens if usage.images else None,
    )
    vendor, _, name = model.rpartition("/")
    for listed in (name, f"{name}-preview"):  # gateways leave out what the price list spells out
        with suppress(LookupError, ValueError):  # not in the list
            return genai_prices.calc_price(tokens, listed, provider_id=vendor or None).total_price
    return None
