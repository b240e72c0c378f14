"""Builds answers, chunks and errors in the words of Chat Completions."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

Payload = dict[str, object]


@dataclass(slots=True)
class Chunks:
    """Writes the chunks of one streamed answer, all with the same head."""

    model: str
    id: str = "chatcmpl-translated"
    created: int = field(default_factory=lambda: int(time.time()))

    def chunk(self, delta: Payload, finish_reason: str | None = None) -> Payload:
        """Return a chunk with one piece of the answer."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return {**self._head(), "choices": [choice]}

    def usage(self, usage: Payload) -> Payload:
        """Return the last chunk, which has no piece but the token counts."""
        return {**self._head(), "choices": [], "usage": usage}

    def _head(self) -> Payload:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
        }


def completion(model: str, message: Payload, finish_reason: str, usage: Payload, id: str) -> bytes:
    """Return a whole answer with one choice."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": None, "refusal": None, **message},
        "finish_reason": finish_reason,
        "logprobs": None,
    }
    answer = {
        "id": id or "chatcmpl-translated",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
        "usage": usage,
    }
    return json.dumps(answer, ensure_ascii=False).encode()


def usage(given: int, written: int, cached: int = 0, reasoning: int = 0) -> Payload:
    """Return token counts; ``given`` includes the cached ones, ``written`` the reasoning."""
    return {
        "prompt_tokens": given,
        "completion_tokens": written,
        "total_tokens": given + written,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


def tool_call(id: str, name: str, arguments: str, index: int | None = None) -> Payload:
    """Return a call of a function; in a stream with its index."""
    call: Payload = {
        "id": id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
    return call if index is None else {"index": index, **call}


def error(message: str, kind: str = "", code: object = None) -> Payload:
    """Return an error as OpenAI words it; in a stream it is an event of its own."""
    return {
        "error": {"message": message, "type": kind or "upstream_error", "param": None, "code": code}
    }
