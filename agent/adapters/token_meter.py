"""Watches calls to learn each model's tokenizer from the prompt sent and the tokens reported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessage

from agent.domain.tokens import Calibration, Makeup, makeup
from gateway_client.errors import ContextExceeded
from gateway_client.translate import translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import ChatGeneration, LLMResult


class TokenMeter(AsyncCallbackHandler):
    """A LangChain callback that calibrates token estimates, for each model that answers.

    A model not heard of yet is taken to count as those that were: most gateways serve one
    vendor's, and the language of a run's sources is the same for all.
    """

    raise_error = True

    def __init__(self) -> None:
        self._asked: dict[UUID, Makeup] = {}
        self._models: dict[str, Calibration] = {}
        self._all = Calibration()

    def calibrations(self, models: Iterable[str]) -> tuple[Calibration, ...]:
        """Return what is known of the models, or of any other if nothing is known of them."""
        return tuple(self._models[m] for m in models if m in self._models) or (self._all,)

    def learnt(self) -> list[tuple[str, Any]]:
        """Return what is known, by model, as JSON has it; of all models together under ``""``."""
        known = {"": self._all, **self._models}
        return [(model, (one.rates, one.doubt)) for model, one in known.items()]

    def recall(self, learnt: Iterable[tuple[str, Any]]) -> None:
        """Know what was ``learnt`` then, and nothing else."""
        known = {
            model: Calibration(tuple(rates), tuple(map(tuple, doubt)))
            for model, (rates, doubt) in learnt
        }
        self._all = known.pop("")
        self._models = known

    async def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002 - LangChain's signature
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        **more: Any,  # noqa: ANN401 - LangChain's signature
    ) -> None:
        """Remember what is asked."""
        options = more.get("invocation_params") or {}
        form = [options[key] for key in ("response_format", "tools") if options.get(key)]
        written = json.dumps(form, ensure_ascii=False, default=str) if form else ""
        texts = [str(message.text) for turns in messages for message in turns]
        self._asked[run_id] = makeup(texts, written)

    async def on_llm_end(
        self,
        response: LLMResult,
        *,
        run_id: UUID,
        **_: Any,  # noqa: ANN401 - LangChain's signature
    ) -> None:
        """Learn from the tokens reported, if any were."""
        asked = self._asked.pop(run_id, None)
        for generation in _generations(response):
            message = generation.message
            if asked is None or not isinstance(message, AIMessage) or not message.usage_metadata:
                continue
            reported = message.usage_metadata["input_tokens"]
            about = message.response_metadata
            model = (about.get("headers") or {}).get("x-gw-model") or about.get("model_name", "")
            self._learn(model, asked, reported)

    async def on_llm_error(
        self,
        error: BaseException,
        *,
        run_id: UUID,
        **_: Any,  # noqa: ANN401 - LangChain's signature
    ) -> None:
        """Learn from a refusal that counts the prompt; forget any other call without an answer."""
        asked = self._asked.pop(run_id, None)
        if asked is None or not isinstance(error, openai.APIStatusError):
            return
        refused = translated(error)
        if isinstance(refused, ContextExceeded) and refused.tokens:
            self._learn(error.response.headers.get("x-gw-model", ""), asked, refused.tokens)

    def _learn(self, model: str, asked: Makeup, reported: int) -> None:
        self._models[model] = self._models.get(model, Calibration()).after(asked, reported)
        self._all = self._all.after(asked, reported)


def _generations(response: LLMResult) -> Sequence[ChatGeneration]:
    return response.generations[0] if response.generations else []  # type: ignore[return-value]
