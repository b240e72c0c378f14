"""Decides which models may answer a call, best first, and says why; pure and fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict

from gateway_client.catalog import TIERS
from gateway_client.errors import NoModel, WrongModality
from gateway_client.routing import difficulty
from gateway_client.routing.needs import NO_PICTURES, NO_TOOLS, Needs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway_client import wire
    from gateway_client.catalog import Tier
    from gateway_client.config import Config

AUTO: Final = "auto"

STRONG_FROM: Final = 0.5
"""Difficulty from which a call goes to the deep tier. The score is made so that two in five of the
prompts it was fitted to are above: nearly all competition mathematics, code and puzzles, some
school mathematics, hardly a question that is looked up."""

TAG_MARGIN: Final = 4.0
"""How far, as a logit, a task's own tier is from the threshold: farther than any text can shift
it, so that a table is obeyed until the budget runs short; then the easiest calls yield first."""

FOLLOW_UP: Final = 40
"""A last message of fewer characters ("yes, do that") is judged with the one before it."""

WIDENING: Final[tuple[Tier, ...]] = ("long", "deep", "light")
"""Where to look, in this order, if no model of the chosen tier can take the call."""


class Decision(NamedTuple):
    """The models that may answer, in order of preference; a pinned model has no tier.

    ``score`` is the difficulty, where it was looked at: 0 is trivial, 1 surely too hard for the
    light tier.
    """

    models: tuple[str, ...]
    tier: Tier | None
    reason: str
    score: float | None = None

    @property
    def model(self) -> str:
        """The one to ask first."""
        return self.models[0]


class Explanation(TypedDict):
    """A decision in plain values."""

    score: float
    tier: str
    model: str
    reason: str


def decide(
    config: Config,
    payload: wire.Payload,
    task: str = "",
    pressure: float = 0.0,
    strong_from: float = STRONG_FROM,
) -> Decision:
    """Choose by pin, hard rules, task and difficulty; spend less as the budget runs out.

    ``pressure`` is the share of the budget that is used, 0 to 1. Raises NoModel if nothing can
    take the call, or if no endpoint serves what could; WrongModality if that is for pictures.
    """
    wanted = str(payload.get("model") or AUTO)
    needs = Needs.of(payload)
    if wanted != AUTO and wanted not in TIERS:
        return _pin(config, wanted, needs)
    for tier in TIERS:
        if wanted == tier:
            return _able(config, Decision((), tier, f"tier {tier}"), needs)
    chosen = _chosen(config, question(payload), task, pressure, strong_from)
    return _able(config, chosen, needs)


def explain(config: Config, prompt: str, task: str = "", pressure: float = 0.0) -> Explanation:
    """Say what would be decided for a prompt, asking nobody."""
    payload: wire.Payload = {"messages": [{"role": "user", "content": prompt}]}
    decision = decide(config, payload, task, pressure, config.policy.strong_from)
    return {
        "score": round(decision.score or 0.0, 4),
        "tier": decision.tier or "",
        "model": decision.model,
        "reason": decision.reason,
    }


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


def threshold(strong_from: float, pressure: float) -> float:
    """Return the difficulty from which a call is worth the deep tier, given what is spent.

    It rises with the square: half a budget used is no reason to be stingy, nine tenths are.
    """
    used = min(max(pressure, 0.0), 1.0)
    return strong_from + (1 - strong_from) * used * used


def question(payload: wire.Payload) -> str:
    """Return what is asked: the last message of the user, and the one before if it is short."""
    messages = payload.get("messages")
    asked = ""
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            said = "\n".join(_texts(message))
            follow_up = bool(asked)
            asked = f"{said}\n{asked}" if follow_up else said
            if follow_up or len(asked) >= FOLLOW_UP:
                break
    return asked


def _chosen(config: Config, text: str, task: str, pressure: float, strong_from: float) -> Decision:
    """Choose the tier by the task's table and the difficulty of the text; name no models yet."""
    tabled = config.policy.tasks.get(task)
    if tabled == "long":
        return Decision((), tabled, f"task {task}", difficulty.assess(text, task).score)
    prior = None
    if tabled:
        margin = TAG_MARGIN if tabled == "deep" else -TAG_MARGIN
        prior = difficulty.logit(strong_from) + margin
    judged = difficulty.assess(text, task, prior)
    needed = threshold(strong_from, pressure)
    strong = judged.score >= needed
    tier: Tier = "deep" if strong else "light"
    weighed = f"difficulty {judged.score:.2f} {'>=' if strong else '<'} {needed:.2f}"
    if pressure > 0:
        weighed += f", budget {min(pressure, 1.0):.0%} used"
    if tabled:
        reason = f"task {task}" if tier == tabled else f"task {task}, but {weighed}"
    else:
        reason = f"{f'task {task}' if task else 'untagged'}, {judged.kind}: {weighed}"
    return Decision((), tier, reason, judged.score)


def _pin(config: Config, model: str, needs: Needs) -> Decision:
    decision = pin(config, model)
    missing = needs.missing(config, model)
    if missing:
        kind = NoModel if missing == NO_TOOLS else WrongModality
        raise kind(f"{model} {missing}", mend='name another model, or "auto"')
    return decision


def _able(config: Config, wish: Decision, needs: Needs) -> Decision:
    """Return the decision with the models that can take the call, of another tier if need be."""
    for tier in (wish.tier, *WIDENING):
        if tier is None:
            continue
        served = (model for model in config.tiers[tier] if config.served(model))
        able = tuple(model for model in served if needs.met_by(config, model))
        if able:
            why = wish.reason
            if tier != wish.tier:
                why += f"; {_because(config, wish.tier, needs)} {tier}"
            return Decision(needs.ordered(able), tier, why, wish.score)
    raise _nothing_able(config, needs)


def _because(config: Config, tier: Tier | None, needs: Needs) -> str:
    """Say why another tier had to be taken, up to its name."""
    models = [model for model in (config.tiers[tier] if tier else ()) if config.served(model)]
    if not models:
        return f"nobody serves {tier}, so"
    missing = {needs.missing(config, model) for model in models}
    if NO_PICTURES in missing:
        return "pictures need"
    return "tools need" if NO_TOOLS in missing else f"{needs.tokens} tokens need"


def _nothing_able(config: Config, needs: Needs) -> NoModel:
    models = {model: None for tier in TIERS for model in config.tiers[tier]}
    served = [model for model in models if config.served(model)]
    if not served:
        return NoModel("no endpoint serves a model of any tier", mend="set GATEWAY_MODEL")
    able = [model for model in served if not needs.missing(config, model)]
    if not able:
        missing = needs.missing(config, served[0])
        kind = NoModel if missing == NO_TOOLS else WrongModality
        return kind(
            f"no model of any tier will do: {served[0]} {missing}",
            mend="name one that will in [tiers], or say so in its modalities",
        )
    largest = max(able, key=config.window)
    return NoModel(
        f"the prompt and its reply need about {needs.tokens:,} tokens,"
        f" but the largest window is {config.window(largest):,} ({largest})",
        mend="shorten the prompt, or name a model with a larger window in GATEWAY_LONG_MODEL",
    )


def _texts(message: wire.Payload) -> Iterator[str]:
    content = message.get("content")
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str):
            yield text
