"""Chat Completions in the words of OpenAI's Responses API; nothing is stored there.

Beyond what ``asked`` refuses and drops: ``stop`` is refused, for there is no word for it, and so
are log probabilities; ``seed`` and the penalties are dropped. Kept, unlike elsewhere: ``user``,
``metadata``, ``service_tier``, ``safety_identifier``, ``prompt_cache_*`` and ``verbosity``.
Summaries of reasoning are not handed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway_client.dialects import asked, chat, shapes, stream
from gateway_client.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway_client.dialects.asked import Asked, Image, Tool, Turn
    from gateway_client.dialects.shapes import Payload

LEAST_TOKENS: Final = 16
"""The API refuses less."""

_KEPT: Final = (
    "temperature",
    "top_p",
    "parallel_tool_calls",
    "user",
    "metadata",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
)

_FINISHES: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


class Responses:
    """The Responses API."""

    def outgoing(self, payload: Payload, model: str) -> tuple[str, Payload]:
        """Return the path and the payload; raise RequestRefused for what cannot be said."""
        request = asked.read(payload)
        if request.stop:
            raise RequestRefused(
                "the Responses API knows no stop",
                mend="leave it out, or ask an endpoint that speaks Chat Completions",
            )
        return "/responses", {
            "model": model,
            "input": _input(request),
            "store": False,
            **request.kept(**{name: name for name in _KEPT}),
            **shapes.given(
                max_output_tokens=_limit(request),
                reasoning=shapes.given(effort=request.effort),
                text={**_form(request), **request.kept(verbosity="verbosity")},
                tools=[_tool(tool) for tool in request.tools],
                tool_choice=_choice(request),
            ),
            **({"stream": True} if request.streamed else {}),
        }

    def headers(self, secret: str | None) -> dict[str, str]:
        """Return the header with the key."""
        return {"authorization": f"Bearer {secret}"} if secret else {}

    def answer(self, body: bytes, model: str) -> bytes:
        """Return a whole answer; raise ValueError if it is none."""
        said = shapes.parsed(body)
        if not isinstance(said.get("output"), list):
            raise ValueError("it has no output")  # noqa: TRY004 - the body is wrong, no argument
        reply = chat.Reply(shapes.text(said.get("id")), shapes.text(said.get("model")) or model)
        for item in shapes.records(said["output"]):
            _add(item, reply)
        return reply.completion(_finish(said, any_call=bool(reply.calls)), _counts(said))

    def error(self, status: int, body: bytes) -> bytes:
        """Return an error as OpenAI words it."""
        return chat.written(_error(chat.told(status, body)))

    def stream(self, model: str, *, include_usage: bool) -> stream.Translation:
        """Return a translator for one streamed answer."""
        return stream.Translation(_Events(model), include_usage=include_usage)


DIALECT: Final = Responses()


def _limit(request: Asked) -> int | None:
    return max(request.max_tokens, LEAST_TOKENS) if request.max_tokens else None


def _input(request: Asked) -> list[Payload]:
    items = [item for turn in request.turns for item in _items(turn)]
    if not items:
        raise RequestRefused("the messages hold no content", mend="say something")
    return items


def _items(turn: Turn) -> list[Payload]:
    """Return a message, the calls in it, or what a tool answered, as items of their own."""
    if turn.role == "tool":
        output = _content(turn) if turn.images else turn.text
        return [{"type": "function_call_output", "call_id": turn.answers, "output": output}]
    content: object = turn.text if turn.role == "assistant" else _content(turn)
    message: Payload = {"type": "message", "role": turn.role, "content": content}
    calls: list[Payload] = [
        {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments or "{}",
        }
        for call in turn.calls
    ]
    return ([message] if content else []) + calls


def _content(turn: Turn) -> list[Payload]:
    return [
        {"type": "input_text", "text": piece} if isinstance(piece, str) else _image(piece)
        for piece in turn.pieces
    ]


def _image(image: Image) -> Payload:
    return {"type": "input_image", "image_url": image.url, "detail": image.detail or "auto"}


def _form(request: Asked) -> Payload:
    form = request.form
    if form is None:
        return {}
    if form.schema is None:
        return {"format": {"type": "json_object"}}
    wanted = shapes.record(shapes.record(request.payload["response_format"])["json_schema"])
    described = shapes.given(description=wanted.get("description"))
    said = {"name": form.name, "schema": form.schema, "strict": form.strict, **described}
    return {"format": {"type": "json_schema", **said}}


def _tool(tool: Tool) -> Payload:
    """Return a tool; whether it is strict has to be said, for here the default is that it is."""
    said: Payload = {"type": "function", "name": tool.name, "strict": tool.strict}
    described = shapes.given(description=tool.description)
    return {**said, **described, "parameters": tool.parameters}


def _choice(request: Asked) -> object:
    if request.chosen:
        return {"type": "function", "name": request.chosen}
    return request.choice if request.tools else None


def _add(item: Payload, reply: chat.Reply) -> None:
    """Add one item of the output; what is neither text nor a call is left out."""
    if item.get("type") == "function_call":
        arguments = shapes.text(item.get("arguments"))
        reply.calls.append(chat.tool_call(item.get("call_id"), item.get("name"), arguments))
    for part in shapes.records(item.get("content") if item.get("type") == "message" else None):
        reply.text += shapes.text(part.get("text"))
        reply.refusal += shapes.text(part.get("refusal"))


def _finish(said: Payload, *, any_call: bool) -> str:
    if said.get("status") == "completed":
        return "tool_calls" if any_call else "stop"
    reason = shapes.text(shapes.record(said.get("incomplete_details")).get("reason"))
    if said.get("status") != "incomplete" or reason not in _FINISHES:
        raise ValueError(f"it is not complete: {reason or said.get('status')!r}")
    return _FINISHES[reason]


def _counts(said: Payload) -> chat.Counts | None:
    usage = shapes.record(said.get("usage"))
    if not usage:
        return None
    given = shapes.record(usage.get("input_tokens_details"))
    written = shapes.record(usage.get("output_tokens_details"))
    return chat.Counts(
        shapes.count(usage.get("input_tokens")),
        shapes.count(usage.get("output_tokens")),
        shapes.count(given.get("cached_tokens")),
        shapes.count(written.get("reasoning_tokens")),
        shapes.count(given.get("cache_write_tokens")),
    )


def _error(said: Payload) -> Payload:
    return chat.error(shapes.text(said["message"]), shapes.text(said.get("type")), said.get("code"))


class _Events:
    """Understands the events of one stream."""

    def __init__(self, model: str) -> None:
        self.chunks = chat.Chunks(model)
        self.counts: chat.Counts | None = None
        self.finished = False
        self.over = False
        self._calls: dict[int, int] = {}
        self._argued: set[int] = set()

    def read(self, event: Payload) -> Iterator[Payload]:
        """Yield what one event means."""
        response = shapes.record(event.get("response"))
        match event.get("type"):
            case "response.created":
                yield self.chunks.begin(response.get("id"), response.get("model"))
            case "response.output_text.delta":
                yield self.chunks.text(shapes.text(event.get("delta")))
            case "response.refusal.delta":
                yield self.chunks.chunk({"refusal": shapes.text(event.get("delta"))})
            case "response.output_item.added":
                yield from self._start(_index(event), shapes.record(event.get("item")))
            case "response.function_call_arguments.delta":
                yield from self._argue(_index(event), shapes.text(event.get("delta")))
            case "response.output_item.done":
                yield from self._complete(_index(event), shapes.record(event.get("item")))
            case "response.completed" | "response.incomplete":
                yield self._end(response)
            case "response.failed":
                yield _error(chat.reason(response))
            case "error":
                yield _error(chat.reason(event if event.get("error") else {"error": event}))

    def last(self) -> Iterator[Payload]:
        """Yield nothing: the API says itself how an answer ends."""
        yield from ()

    def _start(self, index: int, item: Payload) -> Iterator[Payload]:
        if item.get("type") == "function_call":
            self._calls[index] = len(self._calls)
            call = chat.tool_call(item.get("call_id"), item.get("name"), "")
            yield self.chunks.call(self._calls[index], call)

    def _argue(self, index: int, arguments: str) -> Iterator[Payload]:
        if index in self._calls and arguments:
            self._argued.add(index)
            yield self.chunks.arguments(self._calls[index], arguments)

    def _complete(self, index: int, item: Payload) -> Iterator[Payload]:
        """Yield what was not streamed of a call: some servers send it whole at its end."""
        if index not in self._calls:
            yield from self._start(index, item)
        if index not in self._argued:
            yield from self._argue(index, shapes.text(item.get("arguments")))

    def _end(self, response: Payload) -> Payload:
        finish = _finish(response, any_call=bool(self._calls))
        self.counts = _counts(response)
        self.finished = self.over = True
        return self.chunks.chunk({}, finish)


def _index(event: Payload) -> int:
    return shapes.count(event.get("output_index"))
