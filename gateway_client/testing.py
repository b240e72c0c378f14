"""A model gateway on a loopback socket that does as it is told, for tests; part of the package.

async with ScriptedGateway([Reply(status=500), Reply("second time lucky")]) as gateway:
    endpoint = Endpoint("scripted", gateway.base_url)
    ...
assert [asked.key for asked in gateway.asked] == ["", ""]
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Payload = dict[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in; ``key`` is empty if there was none."""

    method: str
    path: str
    headers: Mapping[str, str]
    payload: Payload

    @property
    def key(self) -> str:
        """The key that was sent."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def prompt(self) -> str:
        """All texts of the messages, one a line."""
        messages = self.payload.get("messages")
        return "\n".join(
            str(message.get("content"))
            for message in (messages if isinstance(messages, list) else ())
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer: a text, a function call, raw ``body`` bytes, or a fault.

    ``drop`` closes the connection instead of answering, ``cut`` in the middle of the answer.
    ``stall`` waits so many seconds first; ``pace`` waits between the words of a stream.
    ``events`` are the raw pieces of a stream; with ``endless`` the last of them repeats for ever.
    """

    text: str = "OK"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    call: Payload | None = None
    body: bytes | None = None
    usage: bool = True
    drop: bool = False
    cut: bool = False
    stall: float = 0.0
    pace: float = 0.0
    events: tuple[bytes, ...] | None = None
    endless: bool = False

    @classmethod
    def failure(cls, status: int, message: str = "no", **headers: str) -> Reply:
        """Return an error in OpenAI's form; ``retry_after="1"`` becomes Retry-After: 1."""
        body = json.dumps({"error": {"message": message, "type": "scripted", "code": None}})
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status=status, headers=named, body=body.encode())


class FakeTime:
    """A clock that moves only when somebody sleeps: for a client's ``clock`` and ``sleep``."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.slept.append(seconds)
        self.now += seconds


Behaviour = Callable[[Asked], Reply | str]

_STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
)
MODELS_PATH: Final = "/v1/models"


class ScriptedGateway:
    """Serves /v1/chat/completions (streamed or not) and /v1/models, and remembers all requests.

    A script is a function of the request, or a sequence of replies, of which the last repeats.
    ``counted`` is the sum of the input and output tokens (words) of all whole answers.
    """

    def __init__(
        self,
        script: Behaviour | Sequence[Reply | str] = ("OK",),
        *,
        models: Sequence[str | Payload] = ("scripted",),
    ) -> None:
        self.asked: list[Asked] = []
        self.counted = (0, 0)
        self._behaviour = script if callable(script) else _in_turn(list(script))
        self._models = models
        self._server: asyncio.Server | None = None
        self._port = 0
        self._visits: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._visit, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop at once, whoever is still being served."""
        if self._server is not None:
            self._server.close()
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)

    @property
    def base_url(self) -> str:
        """The address to put into an Endpoint."""
        if not self._port:
            raise RuntimeError("the gateway has a port only from `async with` on")
        return f"http://127.0.0.1:{self._port}/v1"

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        if visit is not None:
            self._visits.add(visit)
            visit.add_done_callback(self._visits.discard)
        try:
            while await self._serve(await _read(reader), writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client hung up, or the test is over
        finally:
            writer.close()

    async def _serve(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection may be used again."""
        self.asked.append(asked)
        if asked.path == MODELS_PATH:
            told = ({"id": one} if isinstance(one, str) else one for one in self._models)
            listed = [{"object": "model", **one} for one in told]
            return await _write(writer, 200, {}, json.dumps({"data": listed}).encode())
        said = self._behaviour(asked)
        reply = Reply(said) if isinstance(said, str) else said
        await asyncio.sleep(reply.stall)
        if reply.drop:
            return False
        if reply.events is not None:
            return await _play(reply, reply.events, writer)
        if reply.body is None and reply.status == HTTPStatus.OK and asked.payload.get("stream"):
            return await self._stream(asked, reply, writer)
        body = reply.body if reply.body is not None else self._completion(asked, reply)
        return await _write(writer, reply.status, reply.headers, body, cut=reply.cut)

    def _completion(self, asked: Asked, reply: Reply) -> bytes:
        message: Payload = {"role": "assistant", "content": reply.text}
        if reply.call is not None:
            message = {
                "role": "assistant",
                "content": None,
                "tool_calls": [_tool_call(asked, reply)],
            }
        answer: Payload = {
            "id": "scripted",
            "object": "chat.completion",
            "created": 0,
            "model": asked.payload.get("model"),
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        }
        if reply.usage:
            answer["usage"] = self._count(asked, reply)
        return json.dumps(answer).encode()

    async def _stream(self, asked: Asked, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        writer.write(_STREAM_HEAD)
        for word in reply.text.split():
            writer.write(_event(asked, [{"index": 0, "delta": {"content": f"{word} "}}]))
            await writer.drain()
            await asyncio.sleep(reply.pace)
            if reply.cut:
                return False
        options = asked.payload.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage") and reply.usage:
            writer.write(_event(asked, [], usage=self._count(asked, reply)))
        writer.write(b"data: [DONE]\n\n")
        await writer.drain()
        return False

    def _count(self, asked: Asked, reply: Reply) -> Payload:
        given, written = len(asked.prompt.split()), len(reply.text.split())
        self.counted = (self.counted[0] + given, self.counted[1] + written)
        return {
            "prompt_tokens": given,
            "completion_tokens": written,
            "total_tokens": given + written,
        }


async def _play(reply: Reply, events: Sequence[bytes], writer: asyncio.StreamWriter) -> bool:
    writer.write(_STREAM_HEAD)
    for event in events:
        writer.write(event)
        await writer.drain()
        await asyncio.sleep(reply.pace)
    while reply.endless:
        writer.write(events[-1])
        await writer.drain()
        await asyncio.sleep(reply.pace)
    return False


def _phrase(status: int) -> str:
    """Name a status, also one that vendors made up, such as 529."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"


def _in_turn(replies: list[Reply | str]) -> Behaviour:
    def next_reply(_: Asked) -> Reply | str:
        return replies.pop(0) if len(replies) > 1 else replies[0]

    return next_reply


def _tool_call(asked: Asked, reply: Reply) -> Payload:
    tools = asked.payload.get("tools")
    name = tools[0]["function"]["name"] if isinstance(tools, list) else "answer"
    function = {"name": name, "arguments": json.dumps(reply.call)}
    return {"id": "call_1", "type": "function", "function": function}


def _event(asked: Asked, choices: list[Payload], **more: object) -> bytes:
    chunk = {
        "id": "scripted",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": asked.payload.get("model"),
        "choices": choices,
        **more,
    }
    return f"data: {json.dumps(chunk)}\n\n".encode()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = dict(_header(line) for line in lines)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, json.loads(body) if body else {})


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.lower(), value.strip()


async def _write(
    writer: asyncio.StreamWriter,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    cut: bool = False,
) -> bool:
    named = {"content-type": "application/json", **headers, "content-length": str(len(body))}
    writer.write(f"HTTP/1.1 {status} {_phrase(status)}\r\n".encode())
    writer.write("".join(f"{name}: {value}\r\n" for name, value in named.items()).encode())
    writer.write(b"\r\n" + (body[: len(body) // 2] if cut else body))
    await writer.drain()
    return not cut
