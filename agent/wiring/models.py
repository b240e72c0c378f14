"""Opens the models: a gateway's, within what may be spent, or the extractive one."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Final, TypeVar

import openai

from agent.adapters import extractive
from agent.adapters.gateway_chat import GatewayChat
from agent.adapters.user_cache import user_cache
from agent.errors import InvalidSettings
from agent.stages.fitting import room_for_sources
from agent.stages.limits import Limits
from gateway_client.budgets import Purse
from gateway_client.catalog import Endpoint, Model
from gateway_client.client import GatewayClient
from gateway_client.config import Config, Policy
from gateway_client.errors import ConfigInvalid
from gateway_client.forecast import forecast
from gateway_client.translate import translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from agent.settings import Settings
    from gateway_client.abstract_journal import AbstractJournal
    from gateway_client.catalog import Budget, Tier
    from gateway_client.transport import PoolState

Amount = TypeVar("Amount", Decimal, int)

TASKS: Final[Mapping[str, Tier]] = {
    "refine": "light",
    "outline": "long",
    "excerpt": "long",
    "write": "long",
    "summarize": "light",
    "judge": "light",
    "repair": "light",
}
"""Which tier does which work: whole sources go to a long window, everything else is short."""


WINDOW_NAMES: Final = ("max_model_len", "n_ctx", "context_length", "context_window")
"""How vLLM, llama.cpp, OpenRouter and Groq call a model's window in their lists."""

USUAL_SUB_QUESTIONS: Final = 4
TOKENS_A_SOURCE: Final = 3_000
TOKENS_A_SECTION: Final = 1_500
"""For an estimate before anything is known: a page of 2,000 words, and eight claims with quotes.
Papers are longer, and most runs find less than they may read."""


@asynccontextmanager
async def open_models(
    settings: Settings,
    *,
    embedded: bool,
    journal: AbstractJournal | None = None,
    pool_state: PoolState | None = None,
) -> AsyncIterator[GatewayChat]:
    """Open the gateway's models with the extractive model to stand in, or that one alone.

    Runs side by side share a ``pool_state``, so that together they keep to the keys' limits.
    """
    config = None if embedded else gateway_config()
    async with AsyncExitStack() as stack:

        async def client(config: Config, journal: AbstractJournal | None = None) -> GatewayClient:
            return await stack.enter_async_context(
                GatewayClient(config, journal=journal, pool_state=pool_state)
            )

        if config is None:
            yield GatewayChat(await client(extractive_config(), journal))
            return
        understudy = GatewayChat(await client(extractive_config()))
        capped = replace(config, budget=_within(settings, config.budget))
        yield GatewayChat(await client(capped, journal), understudy)


@asynccontextmanager
async def open_judge() -> AsyncIterator[GatewayChat]:
    """Open the gateway's models to judge claims; raise InvalidSettings if none is set.

    The extractive model judges nothing, so it is no substitute here.
    """
    config = gateway_config()
    if config is None:
        raise InvalidSettings("no gateway is set", mend="set GATEWAY_BASE_URL to judge by a model")
    async with GatewayClient(config) as client:
        yield GatewayChat(client)


def load() -> None:
    """Import what a first call to a model would, while no other run has to wait for it."""
    for name in ("langchain_openai", "gateway_client.families.aiohttp_transport"):
        import_module(name)


def gateway_config() -> Config | None:
    """Return what the environment says of a gateway; None if it names none."""
    try:
        return Config.from_environment(os.environ, tasks=TASKS, gather=True)
    except ConfigInvalid as error:
        raise InvalidSettings(error.message, mend=error.mend) from error


def gateway_is_set() -> bool:
    """Whether the environment names a gateway."""
    return gateway_config() is not None


async def listed_models(config: Config) -> dict[str, int | None]:
    """Return the models a gateway says it has, and how many tokens each takes, where it says so.

    Empty if it keeps no list.
    """
    async with GatewayClient(config) as client:
        try:
            page = await client.openai().models.list()
        except openai.NotFoundError:
            return {}
        except openai.OpenAIError as error:
            raise translated(error) from error
        return {model.id: _window_told(model.model_extra or {}) for model in page.data}


def _window_told(listed: Mapping[str, object]) -> int | None:
    meta = listed.get("meta")
    told = {**listed, **(meta if isinstance(meta, dict) else {})}
    windows = (told.get(name) for name in WINDOW_NAMES)
    return next((window for window in windows if isinstance(window, int)), None)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run may take: tokens, and US dollars at the model that writes, if that has a price."""

    tokens: int
    model: str = ""
    usd: Decimal | None = None

    def __str__(self) -> str:
        """Say it in a line."""
        cost = f", about ${self.usd:.2f} at {self.model}" if self.usd is not None else ""
        return f"this may take about {self.tokens:,} tokens{cost}, before any cache"


@dataclass(frozen=True, slots=True)
class Day:
    """A day's budget (UTC), and what all runs have taken of it so far."""

    usd: Decimal
    tokens: int
    most_usd: Decimal | None
    most_tokens: int | None

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left of it."""
        in_usd = self.most_usd is not None and self.usd >= self.most_usd
        return in_usd or (self.most_tokens is not None and self.tokens >= self.most_tokens)

    def __str__(self) -> str:
        """Say it in a line."""
        usd = [f"${self.usd:.2f} of ${self.most_usd:.2f}"] if self.most_usd is not None else []
        tokens = f"{self.tokens:,} of {self.most_tokens or 0:,} tokens"
        told = " and ".join([*usd, *([] if self.most_tokens is None else [tokens])])
        return f"{told} of today's budget (UTC) are spent"


def day(settings: Settings) -> Day | None:
    """Return how the day's budget stands; None if there is none, or no gateway."""
    config = gateway_config()
    budget = _within(settings, config.budget) if config else None
    if budget is None or (budget.usd_per_day is None and budget.tokens_per_day is None):
        return None
    try:
        spent = Purse(budget).of_today()
    except ConfigInvalid as error:
        raise InvalidSettings(error.message, mend=error.mend) from error
    return Day(spent.usd, spent.tokens, budget.usd_per_day, budget.tokens_per_day)


def estimate(settings: Settings) -> Estimate:
    """Return about how much a run takes that finds as much to read as it may read.

    All sources go into the outline and into every section, up to the window of the model.
    """
    sections = USUAL_SUB_QUESTIONS
    sources = settings.pages * sections * TOKENS_A_SOURCE
    config = gateway_config()
    model = config.tiers["long"][0] if config else ""
    window = config.models[model].context if config and model in config.models else None
    once = min(sources, room_for_sources(window)) if window else sources
    read, written = once * (sections + 1), TOKENS_A_SECTION * sections
    rows = forecast(config, read, written) if config else ()
    usd = next((row.usd for row in rows if row.model == model), None)
    return Estimate(read + written, model, usd)


def limits(settings: Settings) -> Limits:
    """Return the most a run may take."""
    return Limits(settings.max_usd, settings.max_tokens, settings.max_minutes)


def _within(settings: Settings, budget: Budget) -> Budget:
    """Return the gateway's budget, narrowed to what a run, and all runs of a day, may spend."""
    file = budget.file
    if settings.max_usd_per_day is not None and not file:
        file = str(user_cache("spending") / "days.json")
    return replace(
        budget,
        usd=_least(budget.usd, settings.max_usd),
        tokens=_least(budget.tokens, settings.max_tokens),
        usd_per_day=_least(budget.usd_per_day, settings.max_usd_per_day),
        file=file,
    )


def _least(one: Amount | None, other: Amount | None) -> Amount | None:
    return other if one is None else one if other is None else min(one, other)


def extractive_config() -> Config:
    """Return a gateway of one endpoint, the extractive model in this process."""
    name = extractive.MODEL
    free = Decimal(0)
    model = Model(
        name,
        context=extractive.WINDOW,
        input_usd_per_million=free,
        output_usd_per_million=free,
    )
    return Config(
        endpoints=(
            Endpoint(name, extractive.BASE_URL, transport=extractive.ExtractiveTransport()),
        ),
        tiers={"light": (name,), "deep": (name,), "long": (name,)},
        models={name: model},
        policy=Policy(tasks=TASKS),
    )
