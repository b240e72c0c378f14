"""Asks models through the gateway client, and an understudy where an answer cannot be used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from langchain_core.messages import HumanMessage, SystemMessage

from agent.adapters.run_journal import told
from agent.adapters.token_meter import TokenMeter
from agent.domain.evidence import Failure
from agent.domain.report import Usage
from agent.errors import (
    AnswerUnusable,
    BudgetSpent,
    ModelUnavailable,
    PromptTooLong,
    RunLost,
    RunUnwritable,
)
from gateway_client.answers.structured import structured
from gateway_client.errors import AnswerUnusable as NoUsableAnswer
from gateway_client.errors import BudgetSpent as TooDear
from gateway_client.errors import (
    ContextExceeded,
    GatewayError,
    JournalDamaged,
    JournalLost,
    JournalUnwritable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_openai import ChatOpenAI

    from agent.domain.prompt import Prompt
    from agent.ports import Reply
    from gateway_client.catalog import Tier
    from gateway_client.client import GatewayClient
    from gateway_client.ledger import Totals


SMALLER: Final = 0.6
"""The share of a prompt that the window is taken to hold when a model refused it as too long and
did not say how long, or would have taken it but not the answer with it."""
PACKED: Final = frozenset({"outline", "write", "excerpt"})
"""Work whose prompts are filled with sources, as many as fit; no other can be made shorter."""
FILLING: Final = 0.9
"""The share of a window from which it is the prompt that was too long. Below it, it was the prompt
with an answer sent back, and to pack anew would bring the same again."""


class GatewayChat:
    """A ChatModel whose every call goes through the gateway.

    ``understudy``, if there is one, answers in place of a model that cannot keep to the form
    asked for; the report says where it did.
    """

    def __init__(self, client: GatewayClient, understudy: GatewayChat | None = None) -> None:
        self._client = client
        self.understudy = understudy
        self._failures: list[Failure] = []
        self._meter = TokenMeter()
        self._made: dict[str, ChatOpenAI] = {}
        self._windows: dict[Tier, int] = {}

    def _model(self, task: str) -> ChatOpenAI:
        """Return the model for a kind of work; to make one takes as long as a fast answer."""
        if task not in self._made:
            self._made[task] = self._client.chat_model(task, callbacks=[self._meter])
        return self._made[task]

    async def ask(self, prompt: Prompt, reply: type[Reply], *, task: str) -> Reply:
        """Answer in the form of ``reply``."""
        messages = [SystemMessage(prompt.system), HumanMessage(prompt.user)]
        model = self._model(task)
        try:
            return await structured(model, messages, reply, memory=self._client.memory)
        except (NoUsableAnswer, ContextExceeded) as error:
            if isinstance(error, ContextExceeded) and self._shrinks(task, prompt, error):
                raise PromptTooLong(str(error)) from error
            if self.understudy is None:
                raise AnswerUnusable(str(error)) from error
            self._failures.append(
                Failure(f"a model's answer to {task!r}", f"{error}; quoted by extraction instead")
            )
            return await self.understudy.ask(prompt, reply, task=task)
        except (JournalUnwritable, JournalDamaged) as error:  # no model's fault: the run must stop
            raise RunUnwritable(error.message, mend=error.mend) from error
        except JournalLost as error:
            raise RunLost(error.message, mend=error.mend) from error
        except TooDear as error:
            raise BudgetSpent(str(error)) from error
        except GatewayError as error:
            raise ModelUnavailable(str(error)) from error

    def _shrinks(self, task: str, prompt: Prompt, error: ContextExceeded) -> bool:
        """Know that a window is smaller, or its tokens are more; whether to pack anew for it."""
        size, before = self.tokens(f"{prompt.system}\n{prompt.user}"), self.window(task)
        limit = error.limit or before
        if error.tokens is None or error.tokens <= limit:
            limit = min(limit, int(size * SMALLER))
        self._windows[self._tier(task)] = window = min(before, limit)
        return task in PACKED and size > FILLING * window

    @property
    def client(self) -> GatewayClient:
        """The client all of its calls go through, for others whose calls belong to them."""
        return self._client

    def window(self, task: str) -> int:
        """Return how many tokens a prompt for this kind of work may have.

        The gateway measures by a rule of thumb what it lets pass to a model: where a model counts
        fewer tokens than that, its window cannot be filled.
        """
        ratio = min(known.ratio() for known in self._meter.calibrations(self._models(task)))
        window = int(self._client.window(task) * min(1.0, ratio))
        return min(window, self._windows.get(self._tier(task), window))

    def tokens(self, text: str) -> int:
        """Estimate how many tokens a text has for the models that write.

        Better with each answer: what models report of their prompts calibrates the estimate.
        """
        return max(known.tokens(text) for known in self._meter.calibrations(self._models("write")))

    def _models(self, task: str) -> tuple[str, ...]:
        """Return the models that may do this kind of work."""
        return self._client.config.tiers[self._tier(task)]

    def _tier(self, task: str) -> Tier:
        return self._client.config.policy.tasks.get(task, "deep")

    def usage(self) -> Usage:
        """Return what all calls so far took."""
        ledger = self._client.ledger
        return _usage(
            ledger.totals(),
            by_task={task: _usage(totals) for task, totals in ledger.by_task().items()},
            by_model={model: _usage(totals) for model, totals in ledger.by_model().items()},
        )

    def failures(self) -> Sequence[Failure]:
        """Return where the understudy had to answer."""
        return tuple(self._failures)

    async def begin(self, step: str) -> None:
        """Begin a step of the run with what was known when that step was begun first.

        What a model learns has a say in what it is asked: a step that is repeated can only ask the
        same, and find it in the journal, if it knows the same.
        """
        learnt = self._learnt()
        with told():
            known = await self._client.begin(step, learnt)
        if known != learnt:
            self._recall(known)

    def _learnt(self) -> str:
        known = {
            "failures": [(failure.what, failure.why) for failure in self._failures],
            "tokenizers": self._meter.learnt(),
            "windows": self._windows,
            "forms": self._client.memory.learnt(),
        }
        return json.dumps(known, ensure_ascii=False)

    def _recall(self, learnt: str) -> None:
        known = json.loads(learnt)
        self._failures = [Failure(*failure) for failure in known["failures"]]
        self._meter.recall(known["tokenizers"])
        self._windows = known.get("windows", {})
        self._client.memory.recall(known["forms"])


def _usage(
    totals: Totals,
    by_task: Mapping[str, Usage] | None = None,
    by_model: Mapping[str, Usage] | None = None,
) -> Usage:
    return Usage(
        calls=totals.calls,
        input_tokens=totals.input_tokens,
        output_tokens=totals.output_tokens,
        cached_tokens=totals.cached_tokens,
        usd=totals.usd,
        by_task=by_task or {},
        by_model=by_model or {},
        unpriced=totals.unpriced,
    )
