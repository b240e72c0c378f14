"""Keeps verification cheap: it may take no more than a share of the run's tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.domain.evidence import Failure
    from agent.domain.prompt import Prompt
    from agent.domain.report import Usage
    from agent.ports import ChatModel, Reply

TASKS: Final = ("judge", "repair")

SHARE: Final = 0.1
"""Verification may take this share of all tokens of a run."""

ALWAYS: Final = 2_000
"""Tokens it may take in any case: with so few sources the share would not pay for one call."""

ANSWER: Final = 0.25
"""An answer's tokens for each token of its prompt: rulings and mended claims are short."""


class Thrifty:
    """A ChatModel that refuses calls beyond the share of what was ``used``; one for each round."""

    def __init__(self, model: ChatModel, used: Usage) -> None:
        self._model = model
        mine = sum(_all(used.by_task[task]) for task in TASKS if task in used.by_task)
        # A provider that reports no tokens gives nothing to take a share of.
        self._left = max(ALWAYS, SHARE * _all(used)) - mine if _all(used) else float("inf")

    async def ask(self, prompt: Prompt, reply: type[Reply], *, task: str) -> Reply:
        """Answer like the model; raise ModelUnavailable if the call would cost too much."""
        cost = self.tokens(f"{prompt.system}\n{prompt.user}") * (1 + ANSWER)
        if cost > self._left:
            raise ModelUnavailable(f"verification has used its {SHARE:.0%} of the run's tokens")
        self._left -= cost
        return await self._model.ask(prompt, reply, task=task)

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
        """Return what the model mended."""
        return self._model.failures()


def _all(usage: Usage) -> int:
    return usage.input_tokens + usage.output_tokens
