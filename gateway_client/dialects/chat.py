"""Builds answers, chunks and errors in the words of Chat Completions."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway_client.dialects import shapes

if TYPE_CHECKING:
    from gateway_client.dialects.shapes import Payload

NAMELESS: Final = "chatcmpl-translated"
"""The id of an answer to which the vendor gave none."""

EXCERPT_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens; ``given`` includes those cached or stored in a cache, ``written`` the reasoning."""

    given: int
    written: int
    cached: int = 0
    reasoning: int = 0
    stored: int = 0

    def usage(self) -> Payload:
        """Return them as Chat Completions says them."""
        return {
            "prompt_tokens": self.given,
            "completion_tokens": self.written,
            "total_tokens": self.given + self.written,
            "prompt_tokens_details": {
                "cached_tokens": self.cached,
                "cache_write_tokens": self.stored,
            },
            "completion_tokens_details": {"reasoning_tokens": self.reasoning},
        }


@dataclass(slots=True)
class Reply:
    """What a vendor has said, whole."""

    id: str
    model: str
    text: str = ""
    refusal: str = ""
    calls: list[Payload] = field(default_factory=list)

    def completion(self, finish_reason: str, counts: Counts | None) -> bytes:
        """Return it as an answer with one choice."""
        message: Payload = {
            "role": "assistant",
            "content": self.text or (None if self.calls or self.refusal else ""),
            "refusal": self.refusal or None,
        }
        if self.calls:
            message["tool_calls"] = self.calls
        answer: Payload = {
            "id": self.id or NAMELESS,
            "object": "chat.completion",
            "created": int(time.time()),
            "model": self.model,
            "choices": [
                {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
            ],
        }
        return written({**answer, **({"usage": counts.usage()} if counts else {})})


@dataclass(slots=True)
class Chunks:
    """Writes the chunks of one streamed answer, all with the same head."""

    model: str
    id: str = NAMELESS
    created: int = field(default_factory=lambda: int(time.time()))

    def begin(self, id: object, model: object) -> Payload:
        """Remember what the vendor calls answer and model; return the chunk that opens it."""
        self.id, self.model = shapes.text(id) or self.id, shapes.text(model) or self.model
        return self.chunk({"role": "assistant", "content": ""})

    def text(self, text: str) -> Payload:
        """Return a chunk with a piece of text."""
        return self.chunk({"content": text})

    def arguments(self, index: int, arguments: str) -> Payload:
        """Return a chunk with a piece of a tool call's arguments."""
        call: Payload = {"index": index, "function": {"arguments": arguments}}
        return self.chunk({"tool_calls": [call]})

    def call(self, index: int, call: Payload) -> Payload:
        """Return a chunk with a tool call."""
        return self.chunk({"tool_calls": [{"index": index, **call}]})

    def chunk(self, delta: Payload, finish_reason: str | None = None) -> Payload:
        """Return a chunk with one piece of the answer."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return {**self._head(), "choices": [choice]}

    def usage(self, counts: Counts) -> Payload:
        """Return the last chunk, which has no piece but the token counts."""
        return {**self._head(), "choices": [], "usage": counts.usage()}

    def _head(self) -> Payload:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
        }


def tool_call(id: object, name: object, arguments: str) -> Payload:
    """Return a call of a function; raise ValueError if it could not be answered."""
    if not isinstance(id, str) or not isinstance(name, str) or not (id and name):
        raise ValueError(f"a tool is called without an id or a name ({id!r}, {name!r})")
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def error(message: str, kind: str = "", code: object = None, **more: object) -> Payload:
    """Return an error as OpenAI words it; in a stream it is an event of its own."""
    told = {"message": message, "type": kind or "upstream_error", "param": None, "code": code}
    return {"error": told | more}


def written(payload: Payload) -> bytes:
    """Return a payload as a body."""
    return json.dumps(payload).encode()


def json_text(payload: Payload) -> str:
    """Return arguments as a model would have written them."""
    return json.dumps(payload, ensure_ascii=False)


def reason(event: Payload) -> Payload:
    """Return the error object of an event, with a message in any case."""
    said = shapes.record(event.get("error"))
    return {**said, "message": shapes.text(said.get("message")) or "no reason given"}


def told(status: int, body: bytes) -> Payload:
    """Return the error object in a vendor's body, with a message whatever the body is."""
    said = shapes.record(_first(body).get("error"))
    excerpt = " ".join(body[:EXCERPT_CHARACTERS].decode("utf-8", "replace").split())
    return {**said, "message": shapes.text(said.get("message")) or excerpt or f"status {status}"}


def _first(body: bytes) -> Payload:
    """Return the object in a body; Google may put it in a list."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return (
        next(iter(shapes.records(value)), {}) if isinstance(value, list) else shapes.record(value)
    )
