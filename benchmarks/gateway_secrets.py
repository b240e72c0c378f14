"""Sends canary keys through every way a call can fail, and looks for them in all that is left.

Each path is one way to fail. Its artefacts are what a caller, a log or a tracing backend could
keep of it: errors with their causes, contexts and tracebacks (str, repr, vars, pickle, request
and response), log records of all loggers at DEBUG, OpenTelemetry spans, reprs and vars of clients,
configurations and ledgers, the output of commands, the answers of `gateway serve`. An occurrence
is an artefact that holds any eleven characters in a row of a canary, also where they are escaped,
percent-encoded or in base64, so that half a key counts. Prints one JSON object; `occurrences` has
to be 0.

Three things are not looked at. The text of an answer is the endpoint's to choose: a model that
repeats a key in a good answer is passed on. The third-party logger `httpcore2` stays at INFO: at
DEBUG it logs every header it sends. And a traceback that captures locals
(`TracebackException(capture_locals=True)`) shows whatever a frame holds, as a debugger would.
With `--plant` a canary is put into each kind of artefact, to see that it would be found.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import logging
import os
import pickle
import re
import socket
import sys
import tempfile
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import quote, unquote

import httpx2
import openai
from langchain_core.messages import HumanMessage
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel

from gateway_client import Budget, Config, Endpoint, GatewayClient, GatewayError, Key, Policy
from gateway_client.answers.structured import structured
from gateway_client.catalog import TIERS
from gateway_client.dialects import TRANSLATED
from gateway_client.media import Videos, embeddings, images
from gateway_client.media.inventory import models
from gateway_client.serve import key_from
from gateway_client.testing import Asked, Reply, ScriptedGateway
from gateway_client.translate import translated
from gateway_client.words import words

KEY: Final = "sk-canary-4Rz8vQ1mXw7TnB3kLd9Yc2Hs6Jf0Gp5"
SLASHED: Final = "sk-canary/9Kx2/Wq7+bV4/Zt1+mN8/Rc5+hL3/Ds6"
LITERAL: Final = "sk-canary-8Uw3Ez6Pa1Ki5Oq9Mb2Vx7Tj4Yd0"
SERVED: Final = "sk-canary-7Gt4Ny8Cj2Fr6Sl1Dv9Ih3Wp5Ek"
PASSWORD: Final = "pw-canary-3Bq7Xo1Wm5Tk9Zu2Rg6Le8Ya4Jd"  # noqa: S105 - opens nothing
CANARIES: Final = (KEY, SLASHED, LITERAL, SERVED, PASSWORD)

PIECE: Final = 6
"""Any eleven characters in a row hold a whole piece of so many; no other text holds one."""

_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")

STATUSES: Final = (400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529)
PASSED_ON_SECONDS: Final = 0.06
"""A stream is held back for less than that."""

POLICY: Final = Policy(
    attempts=2,
    read_seconds=0.2,
    deadline_seconds=0.4,
    first_content_seconds=0.2,
    idle_seconds=0.2,
    backoff_seconds=0.01,
    patience_seconds=0.1,
    tasks={},
)
ROLE: Final = b'data: {"choices": [{"index": 0, "delta": {"role": "assistant"}}]}\n\n'
WORD: Final = b'data: {"choices": [{"index": 0, "delta": {"content": "word "}}]}\n\n'
UNBOUNDED: Final = Budget()
HELLO: Final[list[Any]] = [{"role": "user", "content": "hello"}]
COMMAND: Final = (
    "import logging; logging.basicConfig(level=logging.DEBUG);"
    "logging.getLogger('httpcore2').setLevel(logging.INFO);"
    "from gateway_client.commands import gateway; gateway(prog_name='gateway')"
)
FAILURES: Final = (openai.OpenAIError, GatewayError, httpx2.HTTPError, OSError)


class Place(BaseModel):
    """What no answer here ever is."""

    city: str
    days: int


# -- What is kept, and the search


def pieces(canary: str) -> Iterator[str]:
    """Cut a canary, and what base64 makes of it, into pieces that leave nothing out."""
    basic = (f"user:{canary}", canary)
    encoded = (base64.b64encode(text.encode()).decode().rstrip("=") for text in basic)
    for text in (canary.removeprefix("sk-canary-"), *encoded):
        whole = len(text) - len(text) % PIECE
        yield from (text[at : at + PIECE] for at in range(0, whole, PIECE))


PIECES: Final = tuple({piece for canary in CANARIES for piece in pieces(canary)})


def holds_canary(text: str) -> bool:
    """Whether a text holds a piece of a canary, with all escapes taken back."""
    unescaped = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text).replace("\\", "")
    plain = unquote(unescaped)
    return any(piece in plain for piece in PIECES)


@dataclass
class Cage(logging.Handler):
    """All artefacts of one path, with what they are."""

    path: str
    kept: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin as a handler of logs does."""
        super().__init__()

    __hash__ = logging.Handler.__hash__

    def keep(self, what: str, value: object) -> None:
        """Keep a text, or what an object shows of itself."""
        self.kept.append((what, value if isinstance(value, str) else f"{value!r}\n{value}"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a log record with all its extras."""
        self.keep(f"log of {record.name}", f"{self.format(record)}\n{vars(record)!r}")

    def keep_error(self, who: str, error: BaseException) -> None:
        """Keep all that an error and the errors behind it tell."""
        self.keep(f"traceback of {who}", "".join(traceback.format_exception(error)))
        for behind in chain(error):
            for what, told in told_by(behind):
                self.keep(f"{what} of {type(behind).__name__} of {who}", told)

    def keep_state(self, client: GatewayClient) -> None:
        """Keep what a client and its parts show of themselves."""
        for part in (client, client.ledger, client.http_client, client.sync_http_client):
            self.keep(f"{type(part).__name__}", f"{part!r} {vars(part)!r}")
        self.keep("config", client.config)
        self.keep("ledger", f"{client.ledger.entries!r} {client.ledger.totals()!r}")

    def found(self) -> list[str]:
        """Return which artefacts hold a piece of a canary."""
        if not holds_canary("\n".join({text for _, text in self.kept})):
            return []
        return [f"{self.path}: {what}" for what, text in self.kept if holds_canary(text)]


def chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and all causes and contexts behind it."""
    found: list[BaseException] = []
    left = [error]
    while left:
        one = left.pop()
        if one is not None and one not in found:
            found.append(one)
            left += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    return found


def told_by(error: BaseException) -> Iterator[tuple[str, str]]:
    """Yield what one error tells, and to whom."""
    yield "str, repr and vars", f"{error} {error!r} {error.args!r} {vars(error)!r}"
    try:
        yield "pickle", pickle.dumps(error).decode("latin-1")
    except (TypeError, AttributeError, pickle.PicklingError) as unfit:
        yield "pickle", str(unfit)
    for side in ("request", "response"):
        message = vars(error).get(side, vars(error).get(f"_{side}"))
        if message is not None:
            yield side, message_text(message)
    if isinstance(error, openai.OpenAIError):
        yield "translation", f"{translated(error)} {translated(error)!r}"


def message_text(message: Any) -> str:  # noqa: ANN401 - a request or response of either family
    """Return a request or a response with all its headers and its body."""
    try:
        body = message.content
    except (httpx2.RequestNotRead, httpx2.ResponseNotRead):
        body = b""
    url = getattr(message, "url", "")
    return f"{message!r} {url} {message.headers.raw} {body!r} {vars(message)!r}"


# -- Who asks


async def by_openai(client: GatewayClient) -> object:
    """Ask with the OpenAI SDK."""
    return await client.openai().chat.completions.create(model="auto", messages=HELLO)


async def by_openai_stream(client: GatewayClient) -> object:
    """Read a stream with the OpenAI SDK."""
    stream = await client.openai().chat.completions.create(
        model="auto", messages=HELLO, stream=True
    )
    return [chunk async for chunk in stream]


async def by_sync_openai(client: GatewayClient) -> object:
    """Ask with the OpenAI SDK that blocks."""
    create = client.sync_openai().chat.completions.create
    return await asyncio.to_thread(create, model="auto", messages=HELLO)


async def by_sync_stream(client: GatewayClient) -> object:
    """Read a stream with the OpenAI SDK that blocks."""

    def read() -> object:
        create = client.sync_openai().chat.completions.create
        return list(create(model="auto", messages=HELLO, stream=True))

    return await asyncio.to_thread(read)


async def by_langchain(client: GatewayClient) -> object:
    """Ask with ChatOpenAI."""
    return await client.chat_model("write").ainvoke("hello")


async def by_complete(client: GatewayClient) -> object:
    """Ask for a text."""
    return await client.complete("hello")


async def by_words(client: GatewayClient) -> object:
    """Read along."""
    return [word async for word in words(client, "hello")]


async def by_looking(client: GatewayClient) -> object:
    """Ask with each SDK's client, and look at it afterwards."""
    shown = []
    for inner in (client.openai(), client.sync_openai(), client.chat_model("write")):
        with suppress(openai.OpenAIError):
            await by_openai(client)
        shown.append(f"{inner!r} {vars(inner)!r}")
    return shown


async def by_structured(client: GatewayClient) -> object:
    """Ask for a form."""
    ask = [HumanMessage("where?")]
    return await structured(client.chat_model("write"), ask, Place, memory=client.memory)


async def by_images(client: GatewayClient) -> object:
    """Ask for a picture."""
    return await images(client, "a dog")


async def by_videos(client: GatewayClient) -> object:
    """Order a film and wait for it."""

    async def soon(_: float) -> None:
        pass

    videos = Videos(client, sleep=soon)
    return await videos.wait(await videos.create("a dog"), deadline=0.2)


async def by_embeddings(client: GatewayClient) -> object:
    """Ask for vectors."""
    return await embeddings(client, ["a dog"], model="text-embedding-3-small")


async def by_models(client: GatewayClient) -> object:
    """Ask what there is."""
    return await models(client)


Caller = Callable[[GatewayClient], Awaitable[object]]
Script = Callable[[Asked], Reply]
STREAMS: Final = (by_openai_stream, by_sync_stream, by_words)
WHOLE: Final = (by_openai, by_sync_openai, by_langchain, by_complete)
CHATS: Final = (*WHOLE, *STREAMS)
MEDIA: Final = (by_images, by_videos, by_embeddings, by_models)
SOME: Final = (by_openai, by_sync_openai, by_complete, by_words, by_models)
"""One for each way through our code, where asking with all of them would show no more."""


async def attempt(
    cage: Cage, place: Endpoint, callers: Iterable[Caller], budget: Budget = UNBOUNDED
) -> None:
    """Let each ask with a client of its own; keep what it got or was told, and the client."""
    tiers = dict.fromkeys(TIERS, ("m",))
    config = Config((place,), tiers=tiers, policy=POLICY, budget=budget)
    for caller in callers:
        async with GatewayClient(config) as client:
            try:
                cage.keep(f"answer of {caller.__name__}", await caller(client))
            except FAILURES as error:
                cage.keep_error(caller.__name__, error)
            cage.keep_state(client)


def endpoint(url: str, secret: str = KEY, dialect: str = "openai") -> Endpoint:
    """Return an endpoint with one key."""
    return Endpoint("e", url, (Key("e#1", "A_VARIABLE", secret),), dialect=dialect)


# -- What endpoints do


def key_of(asked: Asked) -> str:
    """Return the key that was sent, wherever the dialect puts it."""
    abroad = asked.headers.get("x-api-key") or asked.headers.get("x-goog-api-key")
    return abroad or asked.key or "none"


def key_bytes(asked: Asked) -> bytes:
    """Return the key alone, which is no JSON."""
    return key_of(asked).encode()


def error_of(asked: Asked) -> bytes:
    """Return an error that quotes the key as a message and in fields of its own."""
    said = {"message": f"the key {key_of(asked)} is bad", "type": "t", "param": key_of(asked)}
    return json.dumps({"error": said, "key": key_of(asked)}).encode()


def refusing(status: int, asked: Asked) -> Reply:
    """Quote the key in the body and in headers."""
    echo = {"x-echo": f"Bearer {key_of(asked)}", "www-authenticate": key_of(asked)}
    return Reply(status=status, headers=echo, body=error_of(asked))


def moved(asked: Asked) -> Reply:
    """Send elsewhere, with the key in the address."""
    place = f"http://127.0.0.1:9/v1?key={quote(key_of(asked), safe='')}"
    return Reply(status=307, headers={"location": place}, body=b"{}")


def broken(before: tuple[bytes, ...], last: Callable[[Asked], bytes], asked: Asked) -> Reply:
    """Begin a stream and break it; what is already read is passed on before that."""
    pace = PASSED_ON_SECONDS if before[1:] else 0.0
    return Reply(events=(*before, b"data: " + last(asked) + b"\n\n"), pace=pace)


def shortened(pad: int, status: int, asked: Asked) -> Reply:
    """Quote the key where an excerpt of the body ends."""
    return Reply(status=status, body=b'{"error": "' + b"x" * pad + key_of(asked).encode() + b'"}')


def shortened_plainly(pad: int, status: int, asked: Asked) -> Reply:
    """Likewise, in a body that is not JSON."""
    return Reply(status=status, body=b"x" * pad + key_of(asked).encode())


def escaped(status: int, asked: Asked) -> Reply:
    """Quote the key as the JSON writers of other languages do."""
    return Reply(status=status, body=error_of(asked).replace(b"/", b"\\/"))


def percent_encoded(status: int, asked: Asked) -> Reply:
    """Quote the key as a part of an address."""
    said = quote(key_of(asked), safe="")
    return Reply.failure(status, f"no such page: /v1?key={said}", x_echo=said)


def misfit(asked: Asked) -> Reply:
    """Answer with the key in place of any form."""
    return Reply(f"I was given the key {key_of(asked)}")


def odd_answer(asked: Asked) -> Reply:
    """Answer calls for other things than text with the key in place of what was asked for."""
    made = {"url": f"http://127.0.0.1:9/{key_of(asked)}.png", "embedding": key_of(asked)}
    said: dict[str, object] = {"data": [made], "id": "job-1", "status": "queued"}
    if asked.method == "GET":
        said |= {"status": "failed", "error": {"message": f"{key_of(asked)} is bad"}}
    return Reply(body=json.dumps(said).encode())


async def scripted(cage: Cage, script: Script, callers: Iterable[Caller], **more: str) -> None:
    """Let callers ask an endpoint that behaves so."""
    async with ScriptedGateway(script) as gateway:
        url = gateway.base_url.replace("/v1", "/v2")  # at /v1 it lists models whatever it is told
        await attempt(cage, endpoint(url, **more), callers)
    if not gateway.asked:
        raise RuntimeError(f"{cage.path}: nobody was asked")


async def shortening(cage: Cage, callers: Iterable[Caller], **more: str) -> None:
    """Quote the key across every place where a body could be cut short."""
    for status in (200, 400, 500):
        for pad in (160, 180):
            await scripted(cage, partial(shortened, pad, status), callers, **more)
            await scripted(cage, partial(shortened_plainly, pad, status), callers, **more)


# -- No answer at all


async def nobody_there(cage: Cage, scheme: str = "http") -> None:
    """Call where every connection is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}/v1"
        await attempt(cage, endpoint(url), SOME)


async def no_tls(cage: Cage) -> None:
    """Call with TLS where none is spoken."""
    async with plain_server(b"400 Bad Request") as port:
        await attempt(cage, endpoint(f"https://127.0.0.1:{port}/v1"), SOME)


@asynccontextmanager
async def plain_server(status: bytes, *, echo: bool = False) -> AsyncIterator[int]:
    """Answer whatever comes with a status, and with what came if it is to be an echo."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.read(4_096)
        writer.write(b"HTTP/1.1 %s\r\nconnection: close\r\n\r\n" % status)
        writer.write(said if echo else b"")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def by_proxy(cage: Cage, status: bytes, url: str, *, echo: bool = False) -> None:
    """Call through a proxy that has a password, and fails."""
    async with plain_server(status, echo=echo) as port:
        proxy = f"http://user:{PASSWORD}@127.0.0.1:{port}"
        named = {"http_proxy": proxy, "https_proxy": proxy, "no_proxy": ""}
        with patch.dict(os.environ, named | {name.upper(): named[name] for name in named}):
            await attempt(cage, endpoint(url), SOME)


# -- Configurations that are wrong


@contextmanager
def written(text: str) -> Iterator[str]:
    """Write a file that says this."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "gateway.toml")
        file.write_text(text, encoding="utf-8")
        yield str(file)


def refused(cage: Cage, **environ: str) -> None:
    """Read a configuration that is refused, or keep it."""
    try:
        cage.keep("config", Config.from_environment(environ))
    except GatewayError as error:
        cage.keep_error("from_environment", error)


def toml(keys: str = f'["{LITERAL}"]', more: str = "") -> str:
    """Return a gateway.toml with a literal key."""
    return f'[[endpoint]]\nname = "e"\nbase_url = "http://127.0.0.1:9/v1"\nkeys = {keys}\n{more}'


BROKEN_TOML: Final = {
    "a literal key": toml(),
    "a string without end": toml(f'["{LITERAL}]'),
    "a key without quotes": toml(LITERAL),
    "a key that is no list": toml(f'"{LITERAL}"'),
    "a key with a space": toml(f'["{LITERAL} "]'),
    "a key twice": toml(more=f'keys = ["{LITERAL}"]'),
    "a key in place of a variable": toml(f'["env:{LITERAL}"]'),
    "an unknown name for keys": toml().replace("keys =", "key ="),
    "a key in a list of numbers": toml(f'[1, "{LITERAL}"]'),
    "a password in the address": toml(f'["{LITERAL}"]').replace("//", f"//user:{PASSWORD}@"),
    "a key in the address": toml().replace("/v1", f"/v1?key={LITERAL}"),
}


async def broken_toml(cage: Cage, text: str) -> None:
    """Read a gateway.toml that is wrong where its key is."""
    with written(text) as file:
        refused(cage, GATEWAY_CONFIG=file)


async def broken_environment(cage: Cage) -> None:
    """Read variables that are wrong where the key is."""
    good = "http://127.0.0.1:9/v1"
    for url, key in (
        (good, f"{KEY} {KEY}"),
        (good, f'"{KEY}é"'),
        (f"http://user:{PASSWORD}@127.0.0.1/v1", KEY),
        (f"http://user:{PASSWORD}@127.0.0.1:port/v1", KEY),
        (f"{good}?key={KEY}", KEY),
        (KEY, good),
    ):
        refused(cage, GATEWAY_BASE_URL=url, GATEWAY_API_KEY=key)


async def serve_keys(cage: Cage) -> None:
    """Name the key for `gateway serve` wrongly, in ways that a shell's history has seen."""
    for word in (SERVED, f"env:{SERVED}"):
        try:
            cage.keep("key", key_from(word, {}))
        except GatewayError as error:
            cage.keep_error("key_from", error)


async def budget_file(cage: Cage) -> None:
    """Take a file that holds keys for a budget's."""
    with written(f"GATEWAY_API_KEY={KEY}\n") as file:
        for place in (file, tempfile.gettempdir()):
            spent = Budget(tokens_per_day=9, file=place)
            async with ScriptedGateway() as gateway:
                await attempt(cage, endpoint(gateway.base_url), CHATS, spent)


# -- Commands


async def started(*words: str, **environ: str) -> asyncio.subprocess.Process:
    """Start a gateway command that logs everything."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", COMMAND, *words,
        env=kept | environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


COMMANDS: Final = (
    ("models",),
    ("chat", "hello"),
    ("chat", "--stream", "hello"),
    ("image", "a dog"),
    ("route", "hello"),
    ("cost", "--tokens", "9"),
)


async def run(cage: Cage, text: str, *line: str) -> None:
    """Run a command with such a gateway.toml to its end, and keep what it wrote."""
    with written(text) as file:
        running = await started("--config", file, *line)
        out, told = await asyncio.wait_for(running.communicate(), 30)
    cage.keep("stdout", out.decode())
    cage.keep("stderr", told.decode())


async def command(cage: Cage, line: tuple[str, ...]) -> None:
    """Run a command with a literal key against an endpoint that quotes it back."""
    async with ScriptedGateway(partial(refusing, 401)) as gateway:
        url = gateway.base_url.replace("/v1", "/v2")
        await run(cage, toml().replace("http://127.0.0.1:9/v1", url), *line)


async def command_with_broken_toml(cage: Cage) -> None:
    """Run a command with a file that is broken where its key is."""
    await run(cage, BROKEN_TOML["a string without end"], "models")


async def served(cage: Cage) -> None:
    """Run `gateway serve` and ask it with its key, with a wrong one and without."""
    async with ScriptedGateway(serving) as gateway:
        running = await started(
            "serve", "--port", "0", GATEWAY_BASE_URL=gateway.base_url.replace("/v1", "/v2"),
            GATEWAY_API_KEY=KEY, GATEWAY_MODEL="m", GATEWAY_SERVE_KEY=SERVED,
        )  # fmt: skip
        heard: list[bytes] = []
        url = await address(running, heard)
        async with httpx2.AsyncClient(timeout=20) as asking:
            for who in (SERVED, f"{SERVED}x", ""):
                await ask_all(cage, asking, url, who)
        running.terminate()
        out, told = await asyncio.wait_for(running.communicate(), 30)
    cage.keep("stdout", out.decode())
    cage.keep("stderr", (b"".join(heard) + told).decode())


async def address(running: asyncio.subprocess.Process, heard: list[bytes]) -> str:
    """Read what a server says until it says where it is."""
    while running.stderr is not None:
        line = await asyncio.wait_for(running.stderr.readline(), 20)
        heard.append(line)
        if line.startswith(b"http://"):
            return line.decode().strip()
        if not line:
            break
    raise RuntimeError(b"".join(heard).decode())


def serving(asked: Asked) -> Reply:
    """Fail in a way that the prompt names."""
    if asked.prompt == "stream":
        return broken((ROLE, WORD), error_of, asked)
    return refusing(int(asked.prompt or "401"), asked)


async def ask_all(cage: Cage, asking: httpx2.AsyncClient, url: str, key: str) -> None:
    """Ask a server for everything it has."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    for prompt in ("400", "401", "429", "500", "stream"):
        body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
        said = body | {"stream": prompt == "stream"}
        answer = await asking.post(f"{url}/chat/completions", json=said, headers=headers)
        cage.keep(f"answer to {prompt}", f"{answer.headers.raw} {answer.text}")
    for answer in (
        await asking.get(f"{url}/models", headers=headers),
        await asking.post(f"{url}/embeddings", json={"model": "e", "input": "x"}, headers=headers),
        await asking.post(f"{url}/chat/completions", content=b"{", headers=headers),
        await asking.get(f"{url}/nowhere", headers=headers),
    ):
        cage.keep(f"answer at {answer.url.path}", f"{answer.headers.raw} {answer.text}")


# -- All of it


async def planted(cage: Cage) -> None:
    """Put a canary into each kind of artefact."""
    logging.getLogger("planted").debug("sent", extra={"header": f"Bearer {KEY}"})
    with trace.get_tracer("planted").start_as_current_span("planted") as span:
        span.set_attribute("key", SLASHED)
    error = RuntimeError("planted")
    error.__cause__ = GatewayError("half of it", mend=PASSWORD[12:26])
    cage.keep_error("planted", error)
    cage.keep("percent", quote(SLASHED, safe=""))
    cage.keep("escaped", json.dumps(SLASHED).replace("/", "\\/"))
    cage.keep("base64", base64.b64encode(f"user:{PASSWORD}".encode()).decode())


Walk = Callable[[Cage], Awaitable[None]]
Way = tuple[str, Walk]


def asked(
    name: str, script: Script, callers: Iterable[Caller], secret: str = KEY, dialect: str = "openai"
) -> Way:
    """Name the way to fail of an endpoint that behaves so."""
    return name, partial(scripted, script=script, callers=callers, secret=secret, dialect=dialect)


def ways() -> Iterator[Way]:
    """Yield each way to fail that needs no other process."""
    yield from refusals()
    yield from quotes()
    yield from spoiled_streams()
    yield from silences()
    yield from odd_media()
    for spoken in TRANSLATED:
        yield from in_dialect(spoken)
    yield from misconfigured()


def refusals() -> Iterator[Way]:
    """Yield the statuses and answers that quote the key."""
    for status in STATUSES:
        yield asked(f"status {status}", partial(refusing, status), CHATS)
    yield asked("an error behind a 200", partial(refusing, 200), CHATS)
    yield asked("not JSON", partial(shortened_plainly, 0, 200), CHATS)
    yield asked("a redirect", moved, (*CHATS, *MEDIA))
    yield asked("a form never filled", misfit, (by_structured,))
    yield asked("the clients of SDKs", partial(refusing, 401), (by_looking,))


def quotes() -> Iterator[Way]:
    """Yield quotes of the key that are not the key letter by letter."""
    yield "an excerpt that ends in the key", partial(shortening, callers=(by_complete, by_words))
    for status in (400, 500):
        script = partial(escaped, status)
        yield asked(f"a key escaped, {status}", script, CHATS, secret=SLASHED)
        script = partial(percent_encoded, status)
        yield asked(f"a key percent-encoded, {status}", script, CHATS, secret=SLASHED)


def spoiled_streams() -> Iterator[Way]:
    """Yield streams that quote the key before and after their first content."""
    for where, before in (("before", (ROLE,)), ("after", (ROLE, WORD))):
        for what, last in (("an error", error_of), ("nonsense", key_bytes)):
            name = f"{what} in a stream {where} its content"
            yield asked(name, partial(broken, before, last), STREAMS)


def silences() -> Iterator[Way]:
    """Yield endpoints and proxies that give no answer, or not all of it."""
    yield asked("a reset", lambda _: Reply(drop=True), (*CHATS, *MEDIA))
    yield asked("a stall", lambda _: Reply(stall=9), (by_openai, by_sync_openai))
    yield asked("a body cut", lambda one: Reply(cut=True, body=error_of(one) * 2), CHATS)
    yield "a refused connection", nobody_there
    yield "a refused connection with TLS", partial(nobody_there, scheme="https")
    yield "TLS to a plain port", no_tls
    for scheme in ("http", "https"):
        for status in (b"407 Proxy Authentication Required", b"502 Bad Gateway"):
            walk = partial(by_proxy, status=status, url=f"{scheme}://gateway.invalid/v1")
            yield f"a proxy to {scheme} that says {status[:3].decode()}", walk
    walk = partial(by_proxy, status=b"407 No", url="http://gateway.invalid/v1", echo=True)
    yield "a proxy that quotes its password", walk


def odd_media() -> Iterator[Way]:
    """Yield calls for other things than text."""
    for caller in MEDIA:
        what = caller.__name__.removeprefix("by_")
        yield asked(f"{what} refused", partial(refusing, 401), (caller,))
        yield asked(f"{what} failed", partial(refusing, 500), (caller,))
        yield asked(f"{what} that are none", odd_answer, (caller,))


def in_dialect(spoken: str) -> Iterator[Way]:
    """Yield ways to fail of an endpoint that speaks another dialect."""
    for status in (200, 400, 401, 429, 500):
        script = partial(refusing, status)
        yield asked(f"{spoken}: status {status}", script, SOME, dialect=spoken)
    script = partial(broken, (), error_of)
    yield asked(f"{spoken}: an error in a stream", script, STREAMS, dialect=spoken)
    walk = partial(shortening, callers=(by_complete,), dialect=spoken)
    yield f"{spoken}: an excerpt that ends in the key", walk


def misconfigured() -> Iterator[Way]:
    """Yield configurations that are wrong where the key is."""
    for name, text in BROKEN_TOML.items():
        yield f"gateway.toml with {name}", partial(broken_toml, text=text)
    yield "variables that are wrong", broken_environment
    yield "a budget file that holds a key", budget_file
    yield "gateway serve --api-key with a key", serve_keys


def commands() -> Iterator[Way]:
    """Yield the ways to fail of other processes."""
    for line in COMMANDS:
        yield f"gateway {' '.join(line)}", partial(command, line=line)
    yield "gateway with a broken gateway.toml", command_with_broken_toml
    yield "gateway serve", served


async def walked(walks: Iterable[Way]) -> list[Cage]:
    """Walk paths one after the other: logs and spans belong to the one that is walked."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    cages = []
    for name, walk in walks:
        cage = Cage(name)
        logging.getLogger().addHandler(cage)
        await walk(cage)
        logging.getLogger().removeHandler(cage)
        for span in spans.get_finished_spans():
            cage.keep(f"span {span.name}", span.to_json())
        spans.clear()
        cages.append(cage)
    return cages


async def together(walks: Iterable[Way]) -> list[Cage]:
    """Walk paths of other processes, which keep their own logs."""
    cages = [(Cage(name), walk) for name, walk in walks]
    await asyncio.gather(*(walk(cage) for cage, walk in cages))
    return [cage for cage, _ in cages]


async def main() -> None:
    """Walk all paths and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plant", action="store_true", help="see that a canary would be found")
    plant = parser.parse_args().plant
    logging.captureWarnings(capture=True)
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger("httpcore2").setLevel(logging.INFO)
    within, apart = ([("planted", planted)], ()) if plant else (ways(), commands())
    cages = [
        cage for part in await asyncio.gather(walked(within), together(apart)) for cage in part
    ]
    found = [one for cage in cages for one in cage.found()]
    result = {
        "paths": len(cages),
        "artefacts": sum(len(cage.kept) for cage in cages),
        "occurrences": len(found),
        "found_in": found,
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    asyncio.run(main())
