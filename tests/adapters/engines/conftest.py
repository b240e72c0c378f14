"""A service on loopback that reads what is posted to it, and can stumble in many ways."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest


@dataclass(frozen=True)
class Answer:
    """What the service answers; with ``after`` seconds, or never (``drop``), or bit by bit."""

    body: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0
    drop: bool = False
    drip: bool = False


@dataclass(frozen=True)
class Request:
    """One request as the service got it; ``asked`` is the query or the JSON it came with."""

    method: str
    path: str
    headers: Mapping[str, str]
    asked: Mapping[str, Any]


class Service:
    """A server on loopback: each answer once, the last for ever."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[Request] = []
        self.host = ""

    @property
    def address(self) -> str:
        return f"http://{self.host}/v1"

    def will(self, *answers: Mapping[str, Any]) -> None:
        """Answer so from now on, each the fields of an Answer."""
        self.answers = [Answer(**one) for one in answers]

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.requests.append(await _read(reader))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            await asyncio.sleep(answer.after)
            if not answer.drop:
                await _write(writer, answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
    method, target, _ = lines[0].split()
    headers = {
        name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    split = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(split.query).items()}
    return Request(method, split.path, headers, json.loads(body) if body else query)


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    body = answer.body.encode()
    length = 10_000 if answer.drip else len(body)
    headers = {"Content-Length": str(length), "Connection": "close", **answer.headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {answer.status} So\r\n{head}\r\n".encode())
    while answer.drip:
        await asyncio.sleep(0.05)
        writer.write(b" ")
        await writer.drain()
    writer.write(body)
    await writer.drain()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """Yield a service that listens."""
    made = Service()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(made(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    made.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    for task in tuple(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await server.wait_closed()
