"""Opens the models: a gateway's, within what may be spent, or the extractive one."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

import openai

from agent.adapters import extractive
from agent.adapters.gateway_chat import GatewayChat
from agent.adapters.user_cache import user_cache
from agent.errors import InvalidSettings
from agent.stages.limits import Limits
from gateway_client.catalog import Endpoint, Model
from gateway_client.client import GatewayClient
from gateway_client.config import Config, Policy
from gateway_client.errors import ConfigInvalid
from gateway_client.translate import translated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from agent.settings import Settings
    from gateway_client.catalog import Budget, Tier
    from gateway_client.journal import Journal

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


@asynccontextmanager
async def open_models(
    settings: Settings, *, embedded: bool, journal: Journal | None = None
) -> AsyncIterator[GatewayChat]:
    """Open the gateway's models with the extractive model to stand in, or that one alone."""
    config = None if embedded else gateway_config()
    async with AsyncExitStack() as stack:

        async def client(config: Config, journal: Journal | None = None) -> GatewayClient:
            return await stack.enter_async_context(GatewayClient(config, journal=journal))

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


def gateway_config() -> Config | None:
    """Return what the environment says of a gateway; None if it names none."""
    try:
        return Config.from_environment(os.environ, tasks=TASKS)
    except ConfigInvalid as error:
        raise InvalidSettings(error.message, mend=error.mend) from error


def gateway_is_set() -> bool:
    """Whether the environment names a gateway."""
    return gateway_config() is not None


async def listed_models(config: Config) -> tuple[str, ...]:
    """Return the models a gateway says it has; empty if it keeps no list."""
    async with GatewayClient(config) as client:
        try:
            page = await client.openai().models.list()
        except openai.NotFoundError:
            return ()
        except openai.OpenAIError as error:
            raise translated(error) from error
        return tuple(model.id for model in page.data)


def limits(settings: Settings) -> Limits:
    """Return the most a run may take."""
    return Limits(settings.max_usd, settings.max_tokens, settings.max_minutes)


def _within(settings: Settings, budget: Budget) -> Budget:
    """Return the gateway's budget, narrowed to what a run, and all runs of a day, may spend."""
    file = budget.file
    if settings.max_usd_per_day is not None and not file:
        kept = user_cache("spending")
        kept.mkdir(parents=True, exist_ok=True)
        file = str(kept / "days.json")
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
