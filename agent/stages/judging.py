"""Asks a model to judge the claims that rules leave open, many in one call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent import templating
from agent.domain.evidence import Failure
from agent.domain.quotes import find_near, find_quote
from agent.errors import AnswerUnusable, ModelUnavailable
from agent.stages.replies import JudgeReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.ports import ChatModel
    from agent.stages.replies import Ruling

CLAIMS_PER_CALL: Final = 20
"""A light model keeps so many apart, and one call costs little more than the evidence itself."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A claim that the rules could not settle, and the text it is to rest on."""

    sentence: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judge said, and the words of the evidence it named for it."""

    supported: bool
    reason: str


Outcome = Judged | Failure
"""A Failure is a judge that could not be asked, which is not the same as a claim refused."""


async def judged(doubts: Sequence[Doubt], *, model: ChatModel) -> tuple[Outcome, ...]:
    """Return the outcome of each claim, in their order.

    A judge that calls a claim supported has to name the words that support it, and these must
    stand in the evidence: otherwise the claim is refused.
    """
    batches = [
        doubts[start : start + CLAIMS_PER_CALL] for start in range(0, len(doubts), CLAIMS_PER_CALL)
    ]
    outcomes = await asyncio.gather(*(_batch(batch, model=model) for batch in batches))
    return tuple(outcome for batch in outcomes for outcome in batch)


async def _batch(doubts: Sequence[Doubt], *, model: ChatModel) -> list[Outcome]:
    prompt = templating.prompt("4-verify/judge", doubts=doubts)
    try:
        reply = await model.ask(prompt, JudgeReply, task="judge")
    except (AnswerUnusable, ModelUnavailable) as error:
        return [Failure("the judge could not be asked", str(error))] * len(doubts)
    rulings = {ruling.claim: ruling for ruling in reversed(reply.rulings)}
    return [_held_to(doubt, rulings.get(n)) for n, doubt in enumerate(doubts, start=1)]


def _held_to(doubt: Doubt, ruling: Ruling | None) -> Judged:
    """Return the ruling, if the words it names stand where it says."""
    if ruling is None:
        return Judged(supported=False, reason="the judge did not rule on it")
    verdict = ruling.verdict.strip().casefold()
    words = templating.one_line(ruling.words)
    if verdict != "supported":
        how = "contradicts" if verdict == "contradicted" else "does not support"
        return Judged(supported=False, reason=f"the evidence {how} it: {words}".rstrip(": "))
    if not (find_quote(words, doubt.evidence) or find_near(words, doubt.evidence)):
        return Judged(supported=False, reason="the judge named words that are not in the evidence")
    return Judged(supported=True, reason=words)
