"""Chat Completions in the words of Anthropic's Messages API.

Beyond what ``asked`` refuses and drops: ``seed`` and the penalties are dropped; ``temperature``
and ``top_p`` too where Claude takes them no more (4.7 and later) or is to think;
``reasoning_effort`` where thinking is impossible (a forced tool; a tool's result on models that
want their own thoughts back). Thoughts are not handed on. JSON comes by the native output format
where that can say the schema, else as the input of a tool the model has to call; some models
refuse forced tools, and say so themselves.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway_client.dialects import asked, chat, schemas, shapes, stream
from gateway_client.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway_client.dialects.asked import Asked, Image, Tool, Turn
    from gateway_client.dialects.shapes import Payload

VERSION: Final = "2023-06-01"

MAX_TOKENS: Final = 16_384
"""The API demands a limit: room for a long answer and some thought, which every Claude 4 has."""

JSON_TOOL: Final = "json_answer"
"""The tool whose input is the answer; nothing else tells it from the caller's own."""

_THINKING_TOKENS: Final = {"low": 2_048, "medium": 4_096}
_MANY_THINKING_TOKENS: Final = 8_192
_LEAST_THINKING_TOKENS: Final = 1_024

_GENERATION: Final = re.compile(r"claude(?:-[a-z]+)?-(\d)(?:[-.](\d)(?!\d))?")
_NEWEST: Final = (99, 0)
_NATIVE_JSON_SINCE: Final = (4, 5)
_ADAPTIVE_SINCE: Final = (4, 6)
_NO_SAMPLING_SINCE: Final = (4, 7)

_IMAGES: Final = {"image/jpeg", "image/png", "image/gif", "image/webp"}

_SUBSET: Final = schemas.Subset(
    keywords=frozenset(
        "type enum const anyOf allOf $ref $defs definitions description title properties required"
        " additionalProperties items default".split()
    ),
    formats=frozenset(
        "date-time time date duration email hostname uri ipv4 ipv6 uuid".split(),
    ),
    spelled=(("oneOf", "anyOf"),),
    most_min_items=1,
    closed=True,
)

_FINISHES: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}

_CODES: Final = {
    "authentication_error": "invalid_api_key",
    "billing_error": "insufficient_quota",
    "rate_limit_error": "rate_limit_exceeded",
}


class Anthropic:
    """The Messages API."""

    def outgoing(self, payload: Payload, model: str) -> tuple[str, Payload]:
        """Return the path and the payload; raise RequestRefused for what cannot be said."""
        request = asked.read(payload)
        generation = _generation(model)
        tools = _tools(request, generation)
        output, thinking = _thinking(request, generation, tools)
        return "/messages", {
            "model": model,
            "max_tokens": request.max_tokens or MAX_TOKENS,
            "messages": _messages(request),
            **shapes.given(
                system=request.system,
                stop_sequences=_stops(request),
                output_config={**output, **_output(request, generation)},
                thinking=thinking,
            ),
            **({} if thinking else _sampling(request, generation)),
            **tools,
            **({"stream": True} if request.streamed else {}),
        }

    def headers(self, secret: str | None) -> dict[str, str]:
        """Return the headers with the key and the API's version."""
        return {"anthropic-version": VERSION, **({"x-api-key": secret} if secret else {})}

    def answer(self, body: bytes, model: str) -> bytes:
        """Return a whole answer; raise ValueError if it is none."""
        said = shapes.parsed(body)
        if said.get("type") != "message":
            raise ValueError("it is not a message")
        reply = chat.Reply(shapes.text(said.get("id")), shapes.text(said.get("model")) or model)
        for block in shapes.records(said.get("content")):
            _add(block, reply)
        finish = _finish(said.get("stop_reason"), any_call=bool(reply.calls))
        reply.refusal = _refusal(said) if finish == "content_filter" else ""
        usage = said.get("usage")
        return reply.completion(finish, _counts(usage) if isinstance(usage, dict) else None)

    def error(self, status: int, body: bytes) -> bytes:
        """Return an error as OpenAI words it."""
        return chat.written(_error(chat.told(status, body)))

    def stream(self, model: str, *, include_usage: bool) -> stream.Translation:
        """Return a translator for one streamed answer."""
        return stream.Translation(_Events(model), include_usage=include_usage)


DIALECT: Final = Anthropic()


def _generation(model: str) -> tuple[int, int] | None:
    """Return which Claude it is; None for the others that speak this protocol too."""
    if "claude" not in model:
        return None
    found = _GENERATION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else _NEWEST


def _messages(request: Asked) -> list[Payload]:
    said = ((_side(turn), _blocks(turn)) for turn in request.conversation)
    return [{"role": role, "content": content} for role, content in asked.alternating(said)]


def _side(turn: Turn) -> str:
    return "assistant" if turn.role == "assistant" else "user"


def _blocks(turn: Turn) -> list[Payload]:
    content = [_text(piece) if isinstance(piece, str) else _image(piece) for piece in turn.pieces]
    if turn.role == "tool":
        result: Payload = {"type": "tool_result", "tool_use_id": _id(turn.answers)}
        return [{**result, **shapes.given(content=content)}]
    calls: list[Payload] = [
        {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": call.input()}
        for call in turn.calls
    ]
    return content + calls


def _text(text: str) -> Payload:
    return {"type": "text", "text": text}


def _image(image: Image) -> Payload:
    if not image.data:
        return {"type": "image", "source": {"type": "url", "url": image.url}}
    media_type = image.media_type.replace("image/jpg", "image/jpeg")
    if media_type not in _IMAGES:
        raise RequestRefused(
            f"an image is {media_type}, which Claude cannot see",
            mend="send JPEG, PNG, GIF or WebP",
        )
    source: Payload = {"type": "base64", "media_type": media_type, "data": image.data}
    return {"type": "image", "source": source}


def _id(id: str) -> str:
    """Return the id without what Anthropic allows in none: it may be another vendor's."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", id)


def _stops(request: Asked) -> list[str]:
    if any(not text.strip() for text in request.stop):
        raise RequestRefused("Anthropic cannot stop at white space", mend="choose another stop")
    return list(request.stop)


def _sampling(request: Asked, generation: tuple[int, int] | None) -> Payload:
    """Return temperature or top_p; later models take none, and no Claude both."""
    if generation and generation >= _NO_SAMPLING_SINCE:
        return {}
    wanted = request.kept(temperature="temperature", top_p="top_p")
    temperature = wanted.get("temperature")
    if isinstance(temperature, int | float):
        wanted["temperature"] = min(temperature, 1)  # OpenAI's scale ends at 2
        if generation:
            wanted.pop("top_p", None)
    return wanted


def _output(request: Asked, generation: tuple[int, int] | None) -> Payload:
    """Return the native output format, if it can say what is asked for."""
    schema = _native_schema(request, generation)
    return {"format": {"type": "json_schema", "schema": schema}} if schema else {}


def _native_schema(request: Asked, generation: tuple[int, int] | None) -> Payload | None:
    schema = request.form.schema if request.form else None
    if not schema or not generation or generation < _NATIVE_JSON_SINCE:
        return None
    return None if schemas.holds_maps(schema) else _SUBSET.reduced(schema)


def _tools(request: Asked, generation: tuple[int, int] | None) -> Payload:
    """Return the tools, with one for JSON where it cannot be had otherwise, and the choice."""
    tools = [_tool(tool) for tool in request.tools]
    choice = _choice(request)
    if (
        request.form
        and choice["type"] in {"auto", "none"}
        and _native_schema(request, generation) is None
    ):
        only_json = choice["type"] == "none" or not tools
        schema = request.form.schema or {"type": "object"}
        told = "Give the answer, as JSON."
        tools.append({"name": JSON_TOOL, "description": told, "input_schema": schema})
        choice = {"type": "tool", "name": JSON_TOOL} if only_json else {"type": "any"}
    if not tools:
        return {}
    if request.payload.get("parallel_tool_calls") is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tools": tools, "tool_choice": choice}


def _tool(tool: Tool) -> Payload:
    if tool.strict and not schemas.holds_maps(tool.parameters):
        exact = {"input_schema": _SUBSET.reduced(tool.parameters), "strict": True}
        return {**shapes.given(name=tool.name, description=tool.description), **exact}
    schema = {"type": "object", **tool.parameters}
    return shapes.given(name=tool.name, description=tool.description, input_schema=schema)


def _choice(request: Asked) -> Payload:
    if request.choice == "named":
        return {"type": "tool", "name": request.chosen}
    return {"type": {"required": "any"}.get(request.choice, request.choice)}


def _thinking(
    request: Asked, generation: tuple[int, int] | None, tools: Payload
) -> tuple[Payload, Payload]:
    """Return what asks for the effort: an output config, and a thinking config."""
    effort = request.effort
    forced = shapes.record(tools.get("tool_choice")).get("type") in {"any", "tool"}
    thinks = effort not in {"", "none", "minimal"} and not forced
    if generation and generation >= _ADAPTIVE_SINCE:
        level = _level(effort, generation)
        return shapes.given(effort=level), {"type": "adaptive"} if thinks else {}
    if not thinks or request.conversation[-1].role == "tool":
        return {}, {}
    wanted = _THINKING_TOKENS.get(effort, _MANY_THINKING_TOKENS)
    budget = min(wanted, (request.max_tokens or MAX_TOKENS) // 2)
    enough = budget >= _LEAST_THINKING_TOKENS
    return {}, {"type": "enabled", "budget_tokens": budget} if enough else {}


def _level(effort: str, generation: tuple[int, int]) -> str:
    if effort in {"none", "minimal"}:
        return "low"
    return "high" if effort == "xhigh" and generation < _NO_SAMPLING_SINCE else effort


def _add(block: Payload, reply: chat.Reply) -> None:
    """Add one block of the answer; thoughts are left out."""
    if block.get("type") == "text":
        reply.text += shapes.text(block.get("text"))
    elif block.get("type") == "tool_use":
        written = chat.json_text(shapes.record(block.get("input")))
        if block.get("name") == JSON_TOOL:
            reply.text += written
        else:
            reply.calls.append(chat.tool_call(block.get("id"), block.get("name"), written))


def _finish(reason: object, *, any_call: bool) -> str:
    finish = _FINISHES.get(shapes.text(reason))
    if finish is None:
        raise ValueError(f"it stopped for an unknown reason, {reason!r}")
    return "stop" if finish == "tool_calls" and not any_call else finish


def _refusal(said: Payload) -> str:
    return shapes.text(shapes.record(said.get("stop_details")).get("explanation"))


def _counts(usage: Payload) -> chat.Counts:
    """Read the tokens; the API counts what comes from the cache, or goes there, apart."""
    cached = shapes.count(usage.get("cache_read_input_tokens"))
    stored = shapes.count(usage.get("cache_creation_input_tokens"))
    details = shapes.record(usage.get("output_tokens_details"))
    return chat.Counts(
        shapes.count(usage.get("input_tokens")) + cached + stored,
        shapes.count(usage.get("output_tokens")),
        cached,
        shapes.count(details.get("thinking_tokens")),
        stored,
    )


def _error(said: Payload) -> Payload:
    kind, message = shapes.text(said.get("type")), shapes.text(said.get("message"))
    code = _CODES.get(kind)
    if kind == "not_found_error" and message.startswith("model"):
        code = "model_not_found"
    if "credit balance is too low" in message:  # which is a 400, as if the request were wrong
        code = "insufficient_quota"
    return chat.error(message, kind, code)


def _index(event: Payload) -> int:
    return shapes.count(event.get("index"))


class _Events:
    """Understands the events of one stream; the input of the JSON tool is text."""

    def __init__(self, model: str) -> None:
        self.chunks = chat.Chunks(model)
        self.counts: chat.Counts | None = None
        self.finished = False
        self.over = False
        self._usage: Payload = {}
        self._calls: dict[int, int] = {}
        self._json: set[int] = set()
        self._silent: set[int] = set()

    def read(self, event: Payload) -> Iterator[Payload]:
        """Yield what one event means."""
        match event.get("type"):
            case "message_start":
                message = shapes.record(event.get("message"))
                self._count(message)
                yield self.chunks.begin(message.get("id"), message.get("model"))
            case "content_block_start":
                yield from self._start(_index(event), shapes.record(event.get("content_block")))
            case "content_block_delta":
                yield from self._delta(_index(event), shapes.record(event.get("delta")))
            case "content_block_stop":
                yield from self._stop(_index(event))
            case "message_delta":
                self._count(event)
                yield from self._finish(shapes.record(event.get("delta")))
            case "message_stop":
                self.over = True
            case "error":
                yield _error(chat.reason(event))

    def last(self) -> Iterator[Payload]:
        """Yield nothing: the API says itself how an answer ends."""
        yield from ()

    def _count(self, said: Payload) -> None:
        """Remember the counts, which are cumulative and not always all there."""
        usage = shapes.record(said.get("usage"))
        self._usage.update({key: usage[key] for key in usage if usage[key] is not None})
        self.counts = _counts(self._usage) if self._usage else None

    def _start(self, index: int, block: Payload) -> Iterator[Payload]:
        if block.get("type") == "text" and block.get("text"):
            yield self.chunks.text(shapes.text(block["text"]))
        if block.get("type") != "tool_use":
            return
        self._silent.add(index)
        if block.get("name") == JSON_TOOL:
            self._json.add(index)
        else:
            self._calls[index] = len(self._calls)
            call = chat.tool_call(block.get("id"), block.get("name"), "")
            yield self.chunks.call(self._calls[index], call)

    def _delta(self, index: int, delta: Payload) -> Iterator[Payload]:
        if text := shapes.text(delta.get("text")):
            yield self.chunks.text(text)
        if piece := shapes.text(delta.get("partial_json")):
            self._silent.discard(index)
            yield from self._input(index, piece)

    def _stop(self, index: int) -> Iterator[Payload]:
        if index in self._silent:  # a call without arguments
            yield from self._input(index, "{}")

    def _input(self, index: int, piece: str) -> Iterator[Payload]:
        if index in self._json:
            yield self.chunks.text(piece)
        elif index in self._calls:
            yield self.chunks.arguments(self._calls[index], piece)

    def _finish(self, delta: Payload) -> Iterator[Payload]:
        if delta.get("stop_reason") is None:
            return
        finish = _finish(delta["stop_reason"], any_call=bool(self._calls))
        refusal = _refusal(delta) if finish == "content_filter" else ""
        self.finished = True
        yield self.chunks.chunk(shapes.given(refusal=refusal), finish)
