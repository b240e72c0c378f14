"""Reads the JSON that goes over the wire: texts asked, tokens used; knows no HTTP."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import jiter

if TYPE_CHECKING:
    from collections.abc import Iterator

Payload = dict[str, object]

LATIN_CHARACTERS_PER_TOKEN: Final = 4
CJK_TOKENS_PER_CHARACTER: Final = 0.7
"""Rules of thumb for current tokenizers; tiktoken would need the network for its tables."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_PREAMBLE: Final = {"response.created", "response.queued", "response.in_progress"}

_CJK: Final = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef"
    "\U00020000-\U0003ffff]+"
)


class Usage(NamedTuple):
    """Tokens of one call, pictures and seconds of film; ``estimated`` if nobody said."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    estimated: bool = False
    images: int = 0
    video_seconds: int = 0


def payload_of(body: bytes) -> Payload | None:
    """Return the JSON object in the bytes, or None if there is none."""
    body = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        value = jiter.from_json(body)
    except ValueError:  # half a surrogate pair, say, which models do write
        value = _slowly(body)
    return value if isinstance(value, dict) else None


def _slowly(body: bytes) -> object:
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError):
        return None


def tokens(text: str) -> int:
    """Estimate how many tokens a text is."""
    if text.isascii():
        return -(-len(text) // LATIN_CHARACTERS_PER_TOKEN)
    other = len(_CJK.sub("", text))
    cjk = len(text) - other
    return -(-other // LATIN_CHARACTERS_PER_TOKEN) + round(cjk * CJK_TOKENS_PER_CHARACTER)


def prompt_tokens(payload: Payload) -> int:
    """Estimate how many tokens the model will be given; pictures are not counted."""
    return sum(tokens(text) for text in _asked(payload))


def reply_room(payload: Payload) -> int:
    """Return how many tokens the caller wants to keep free for the reply."""
    room = payload.get("max_completion_tokens") or payload.get("max_tokens")
    return room if isinstance(room, int) else 0


def reported_usage(payload: Payload) -> Usage | None:
    """Return the usage an answer reports, in the words of either OpenAI API, if it does."""
    inner = payload.get("response")  # where the Responses API's last event has it
    usage = payload.get("usage") or (inner.get("usage") if isinstance(inner, dict) else None)
    if not isinstance(usage, dict):
        return None
    given = _count(usage, "prompt_tokens", "input_tokens")
    if given is None:
        return None
    written = _count(usage, "completion_tokens", "output_tokens")
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    cached = _count(details, "cached_tokens") if isinstance(details, dict) else None
    return Usage(given, written or 0, cached or 0)


def written_text(payload: Payload) -> str:
    """Return the text that an answer, or one chunk of it, consists of."""
    if isinstance(payload.get("delta"), str):  # an event of the Responses API
        return str(payload["delta"])
    return "".join(
        text
        for choice in _choices(payload)
        for text in _texts(choice.get("message") or choice.get("delta"))
    )


def has_content(event: Payload) -> bool:
    """Whether one event of a stream holds anything a reader would miss; a role alone is nothing."""
    if "type" in event and "choices" not in event:  # an event of the Responses API
        return event["type"] not in _PREAMBLE
    for choice in _choices(event):
        delta = choice.get("delta")
        if choice.get("finish_reason") or choice.get("text"):
            return True
        if isinstance(delta, dict) and any(delta[key] for key in delta if key != "role"):
            return True
    return False


def finishes(event: Payload) -> bool:
    """Whether one event of a stream says that the answer is complete."""
    ended = event.get("type") in {"response.completed", "response.incomplete"}
    return ended or any(choice.get("finish_reason") for choice in _choices(event))


def error_in_event(event: Payload) -> Payload | None:
    """Return the error that one event of a stream reports instead of content."""
    inner = event.get("response")
    error = event.get("error") or (inner.get("error") if isinstance(inner, dict) else None)
    if not error and event.get("type") != "error":
        return None
    if not isinstance(error, dict):
        said = error if isinstance(error, str) else event.get("message")
        error = {"message": str(said or "no reason given"), "code": event.get("code")}
    return {"message": "no reason given", "type": "error", **error}


def seconds(payload: Payload) -> int:
    """Return the seconds of film that an order, or the job made of it, names; 0 if none."""
    said = str(payload.get("seconds") or "")
    return int(said) if said.isascii() and said.isdigit() else 0


def pictures(payload: Payload) -> int:
    """Return how many pictures an order asks for."""
    number = payload.get("n")
    return number if isinstance(number, int) and number > 0 else 1


def _choices(payload: Payload) -> list[Payload]:
    choices = payload.get("choices")
    return [x for x in choices if isinstance(x, dict)] if isinstance(choices, list) else []


def _count(usage: Payload, *names: str) -> int | None:
    for name in names:
        count = usage.get(name)
        if isinstance(count, int):
            return count
    return None


def _asked(payload: Payload) -> Iterator[str]:
    messages = payload.get("messages")
    for message in messages if isinstance(messages, list) else ():
        yield from _texts(message)
    for key in ("tools", "response_format"):
        if key in payload:
            yield json.dumps(payload[key], ensure_ascii=False)
    for key in ("input", "instructions"):
        yield from _texts({"content": payload.get(key)})


def _texts(message: object) -> Iterator[str]:
    """Yield the texts of a message: its content, plain or in parts, and its tool calls."""
    if not isinstance(message, dict):
        return
    content = message.get("content")
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str):
            yield text
    if message.get("tool_calls"):
        yield json.dumps(message["tool_calls"], ensure_ascii=False)
