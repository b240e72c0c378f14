"""Decides which models may answer a call, best first, and says why; pure and fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway_client import wire
from gateway_client.catalog import TIERS
from gateway_client.errors import NoModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway_client.catalog import Tier
    from gateway_client.config import Config

AUTO: Final = "auto"

SHORT_PROMPT_TOKENS: Final = 400
"""Untagged prompts up to this length go to the light tier. Not tuned: nothing read from the text
predicted difficulty better than its length did, so tag calls with x-gw-task instead."""

WIDENING: Final[tuple[Tier, ...]] = ("long", "deep", "light")
"""Where to look, in this order, if no model of the chosen tier can hold the prompt."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The models that may answer, in order of preference; a pinned model has no tier."""

    models: tuple[str, ...]
    tier: Tier | None
    reason: str

    @property
    def model(self) -> str:
        """The one to ask first."""
        return self.models[0]


def decide(config: Config, payload: wire.Payload, task: str = "") -> Decision:
    """Choose by pin, then task, then length of prompt; whatever is chosen must hold the prompt.

    Raises NoModel if nothing can, or if no endpoint serves what could.
    """
    wanted = str(payload.get("model") or AUTO)
    if wanted != AUTO and wanted not in TIERS:
        return pin(config, wanted)
    needed = wire.prompt_tokens(payload)
    tier, reason = _tier(config, wanted, task, needed)
    return _holding(config, tier, reason, needed + wire.reply_room(payload))


def pin(config: Config, model: str) -> Decision:
    """Take exactly this model; raise NoModel if no endpoint serves it."""
    if not config.served(model):
        raise NoModel(f"no endpoint serves {model}", mend="check the endpoints' models patterns")
    return Decision((model,), None, "pinned")


def window(config: Config, task: str) -> int:
    """Return the tokens held by the roomiest model of the tier that does this kind of work."""
    tier = config.policy.tasks.get(task, "deep")
    served = [model for model in config.tiers[tier] if config.served(model)]
    return max(config.window(model) for model in served or config.tiers[tier])


def _tier(config: Config, wanted: str, task: str, needed: int) -> tuple[Tier, str]:
    for tier in TIERS:
        if wanted == tier:
            return tier, f"tier {tier}"
    if task in config.policy.tasks:
        return config.policy.tasks[task], f"task {task}"
    if needed <= SHORT_PROMPT_TOKENS:
        return "light", "short prompt"
    return "deep", "default"


def _holding(config: Config, tier: Tier, reason: str, needed: int) -> Decision:
    for candidate in (tier, *WIDENING):
        models = config.tiers[candidate]
        fitting = tuple(m for m in models if config.served(m) and needed <= config.window(m))
        if fitting:
            why = reason if candidate == tier else f"{reason}; {needed} tokens need {candidate}"
            return Decision(fitting, candidate, why)
    raise _nothing_holds(config, needed)


def _nothing_holds(config: Config, needed: int) -> NoModel:
    models: Iterable[str] = {model for tier in TIERS for model in config.tiers[tier]}
    served = [model for model in models if config.served(model)]
    if not served:
        return NoModel("no endpoint serves a model of any tier", mend="set GATEWAY_MODEL")
    largest = max(served, key=config.window)
    return NoModel(
        f"the prompt and its reply need about {needed:,} tokens,"
        f" but the largest window is {config.window(largest):,} ({largest})",
        mend="shorten the prompt, or name a model with a larger window in GATEWAY_LONG_MODEL",
    )
