"""Asks a second endpoint when the first is silent, and drops whoever comes second."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway_client.exchange import Keep, Landed, Send, Slow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from gateway_client.exchange import Answer
    from gateway_client.families.streams import Opened
    from gateway_client.faults import Outcome
    from gateway_client.transport import Step, Word


class Decided(Exception):
    """A race was won: the flow has its answer."""

    def __init__(self, answer: Answer, opened: Opened | None) -> None:
        super().__init__()
        self.answer = answer
        self.opened = opened


class Race:
    """One race, as the flow directs it."""

    def __init__(
        self,
        flow: Generator[Step, Word, Answer],
        ask: Callable[[Send], Awaitable[tuple[Outcome, Opened | None]]],
    ) -> None:
        self._flow = flow
        self._ask = ask
        self._flying: dict[asyncio.Task[tuple[Outcome, Opened | None]], Send] = {}

    async def run(self, first: Send, patience: float) -> tuple[Step, Opened | None]:
        """Return what the flow wants next; raise Decided once it has an answer."""
        self._start(first)
        try:
            done, _ = await asyncio.wait(self._flying, timeout=patience)
            if done:
                outcome, opened = self._landed(done.pop())[1]
                return self._tell(outcome, opened), opened
            step = self._tell(Slow(), None)
            while True:
                if isinstance(step, Send):
                    self._start(step)
                elif not isinstance(step, Keep):
                    return step, None
                done, _ = await asyncio.wait(self._flying, return_when=asyncio.FIRST_COMPLETED)
                send, (outcome, opened) = self._landed(done.pop())
                step = self._tell(Landed(send, outcome), opened)
                if not self._flying:
                    return step, None
        finally:
            await self._drop()

    def _start(self, send: Send) -> None:
        self._flying[asyncio.ensure_future(self._ask(send))] = send

    def _landed(
        self, task: asyncio.Task[tuple[Outcome, Opened | None]]
    ) -> tuple[Send, tuple[Outcome, Opened | None]]:
        return self._flying.pop(task), task.result()

    def _tell(self, word: Word, opened: Opened | None) -> Step:
        try:
            return self._flow.send(word)
        except StopIteration as stop:
            raise Decided(stop.value, opened) from None

    async def _drop(self) -> None:
        """Cancel those that are still on their way, and close what they may have opened."""
        for task in self._flying:
            task.cancel()
        for came in await asyncio.gather(*self._flying, return_exceptions=True):
            if isinstance(came, tuple) and came[1] is not None:
                await came[1].aclose()
