"""Ends a run in good time: what it may spend, a brake to pull, and a model that heeds both."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.domain.evidence import Failure
from agent.domain.report import Usage
from agent.errors import BudgetSpent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from agent.domain.prompt import Prompt
    from agent.ports import ChatModel, Reply

SHARES: Final = {"refine": 0.3, "retrieve": 0.5, "excerpt": 0.6, "outline": 0.65, "write": 0.85}
"""How much of a limit may be used up before this kind of work is left alone; all other work may use
all of it. What is kept back writes, verifies and condenses what was found by then: verification
takes a tenth, a summary less."""

NOTHING: Final = Usage()


@dataclass(frozen=True, slots=True)
class Limits:
    """The most a run may take, in US dollars, tokens and minutes; None is no limit."""

    usd: Decimal | None = None
    tokens: int | None = None
    minutes: float | None = None


NO_LIMITS: Final = Limits()


class Brake:
    """Says whether a kind of work may still begin, and why not.

    It is pulled from outside, as by a person who wants what there is by now, or by the limits.
    ``cut`` are the reasons for which something was really left undone.
    """

    def __init__(
        self, limits: Limits = NO_LIMITS, *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._seconds = seconds
        self._begun = seconds()
        self._why = ""
        self._is_pulled = asyncio.Event()
        self.cut: dict[str, None] = {}

    def pull(self, why: str) -> None:
        """Let nothing new begin; the first reason stays."""
        self._why = self._why or why
        self._is_pulled.set()

    @property
    def is_pulled(self) -> bool:
        """Whether somebody pulled it."""
        return self._is_pulled.is_set()

    def reason(self, work: str, used: Usage = NOTHING) -> str:
        """Return why this kind of work may not begin, given what was used; empty if it may."""
        if self._why:
            return self._why
        share, limits = SHARES.get(work, 1.0), self._limits
        minutes = (self._seconds() - self._begun) / 60
        tokens = used.input_tokens + used.output_tokens
        for unit, most, taken in (
            ("dollars", limits.usd, used.usd),
            ("tokens", limits.tokens, tokens),
            ("minutes", limits.minutes, minutes),
        ):
            if most is not None and float(taken) >= share * float(most):
                of = f"{share:.0%} of " if share < 1 else ""
                return f"{of}the limit of {most:,} {unit} is used up"
        return ""

    async def pulled(self, work: str) -> str:
        """Wait until this kind of work has to end, and return why."""
        try:
            async with asyncio.timeout(self._seconds_left(work)):
                await self._is_pulled.wait()
        except TimeoutError:
            return f"the time for it, of {self._limits.minutes:g} minutes in all, is used up"
        return self._why

    def _seconds_left(self, work: str) -> float | None:
        if self._limits.minutes is None:
            return None
        until = self._begun + 60 * self._limits.minutes * SHARES.get(work, 1.0)
        return max(0.0, until - self._seconds())


class Limited:
    """A ChatModel that is not asked any more once the brake says so: an understudy answers then.

    The understudy costs nothing, so that a run at its limit still ends in a verified report. A
    call that is under way when the brake is pulled is given up.
    """

    def __init__(self, model: ChatModel, understudy: ChatModel, brake: Brake) -> None:
        self._model = model
        self._understudy = understudy
        self._brake = brake
        self._failures: dict[str, Failure] = {}

    async def ask(self, prompt: Prompt, reply: type[Reply], *, task: str) -> Reply:
        """Answer like the model, or like the understudy if it may not be asked any more."""
        why = self._brake.reason(task, self._model.usage())
        if not why:
            try:
                return await self._asked(prompt, reply, task)
            except BudgetSpent as error:
                why = str(error)
        self._brake.cut[why] = None
        self._failures.setdefault(
            task, Failure(f"no model was asked to {task}", f"{why}; the sources are quoted instead")
        )
        return await self._understudy.ask(prompt, reply, task=task)

    async def _asked(self, prompt: Prompt, reply: type[Reply], task: str) -> Reply:
        """Return the model's answer; raise BudgetSpent if the brake is pulled before it comes."""
        call = asyncio.ensure_future(self._model.ask(prompt, reply, task=task))
        brake = asyncio.ensure_future(self._brake.pulled(task))
        try:
            await asyncio.wait({call, brake}, return_when=asyncio.FIRST_COMPLETED)
            if not call.done():
                raise BudgetSpent(brake.result())
            return call.result()
        finally:
            call.cancel()
            brake.cancel()
            await asyncio.wait({call, brake})

    def window(self, task: str) -> int:
        """Return the model's window."""
        return self._model.window(task)

    def tokens(self, text: str) -> int:
        """Estimate as the model does."""
        return self._model.tokens(text)

    def usage(self) -> Usage:
        """Return what all calls took."""
        return self._model.usage()

    def failures(self) -> Sequence[Failure]:
        """Return what was mended by other means, and where the understudy had to answer."""
        return (*self._model.failures(), *self._failures.values())
