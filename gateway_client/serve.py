"""The gateway as a local server, for tools that only know how to be given another base URL.

Every call goes through the client's own transport, which routes it, fails over and writes the
ledger; this module only carries bytes. Keys and prompts are never logged.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import signal
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import httpx2

from gateway_client import answering, exchange
from gateway_client.catalog import TIERS
from gateway_client.client import NOWHERE, GatewayClient
from gateway_client.errors import ConfigInvalid, GatewayError, Unreachable
from gateway_client.families.ways import LOOPBACK
from gateway_client.media.inventory import models
from gateway_client.routing.router import AUTO
from gateway_client.toml_file import VARIABLE

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import ClientDisconnect
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Route
except ImportError as error:
    raise ConfigInvalid(
        "this needs Starlette and uvicorn", mend='pip install "deep-research-agent[serve]"'
    ) from error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from gateway_client.config import Config

KEY_VARIABLE: Final = "GATEWAY_SERVE_KEY"
POSTED: Final = (exchange.ROUTED, "/embeddings", "/images/generations")
KEPT_ENTRIES: Final = 10_000
MOST_BODY_BYTES: Final = 64 * 1024 * 1024
"""Pictures travel in the body; more than this is no prompt."""

GRACE_SECONDS: Final = 20
"""How long answers that are on their way may take to end once the server is told to stop."""

HUNG_UP: Final = 499
"""What the status would be if anybody were still there to read it."""

_NOT_RETURNED: Final = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer"
    " transfer-encoding upgrade content-length content-encoding set-cookie date server".split()
)
"""Headers of the hop from the endpoint to here, or of which the server here writes its own."""


def key_from(word: str | None, environ: Mapping[str, str]) -> str:
    """Return the key that ``env:NAME`` names, else GATEWAY_SERVE_KEY; "" if there is none.

    A key in plain text is refused: command lines are there for all to read.
    """
    if word is None:
        return environ.get(KEY_VARIABLE, "").strip()
    name = word.removeprefix("env:")
    if name == word:
        raise ConfigInvalid("--api-key takes no key in plain text", mend="use env:NAME")
    key = environ.get(name, "").strip()
    if not key and not VARIABLE.fullmatch(name):  # it may be the key itself
        raise ConfigInvalid("--api-key has an env: that names no variable", mend="use env:NAME")
    if not key:
        raise ConfigInvalid(f"--api-key names {name}, which is not set", mend=f"set {name}")
    return key


def opened(host: str, port: int, key: str) -> socket.socket:
    """Return a socket that listens, on any free port if ``port`` is 0.

    Raises ConfigInvalid if others than this machine could call without a key, or if the port is
    taken.
    """
    if host not in LOOPBACK and not key:
        raise ConfigInvalid(
            f"on {host} others could spend your credit",
            mend=f"set {KEY_VARIABLE}, or name a key with --api-key env:NAME",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        said = (error.strerror or str(error)).partition(" (")[0]
        mend = "choose another --host or --port"
        raise ConfigInvalid(f"cannot listen on {host}:{port} ({said})", mend=mend) from error


async def serve(config: Config, listening: socket.socket, key: str = "") -> None:
    """Serve until told to stop by SIGTERM or SIGINT; answers on their way may still end."""
    server = uvicorn.Server(
        settings(application(GatewayClient(config, keep_entries=KEPT_ENTRIES), key))
    )
    for told in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told, signal.SIG_IGN)  # uvicorn raises them again once it has stopped
    await server.serve(sockets=[listening])


def settings(app: ASGIApp) -> uvicorn.Config:
    """Return how to run the application: quietly, and ending what it has begun."""
    return uvicorn.Config(
        app,
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def application(
    client: GatewayClient, key: str = "", most_body_bytes: int = MOST_BODY_BYTES
) -> Starlette:
    """Return the server's application; it closes the client when it stops."""
    door = _Door(client, most_body_bytes)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    routes = [Route("/health", _health), Route("/v1/models", door.models)]
    routes += [Route(f"/v1{name}", door.call, methods=["POST"]) for name in POSTED]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.add_middleware(_Guard, key=key)
    return app


class _Guard:
    """Lets in who knows the key; without a key, anyone on this machine but web pages."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._expected = f"Bearer {key}".encode() if key else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and scope["path"] != "/health":
            app = self._refusal(dict(scope["headers"])) or app
        await app(scope, receive, send)

    def _refusal(self, headers: Mapping[bytes, bytes]) -> Response | None:
        if not self._expected:
            # A browser lets any page send to this machine, and always says which page it was.
            page = b"origin" in headers
            return _error(403, "web pages are let in only with a key") if page else None
        said = headers.get(b"authorization", b"")
        if hmac.compare_digest(said, self._expected):
            return None
        return _error(401, "this gateway wants its own key as Bearer token", "invalid_api_key")


class _Door:
    """Hands calls to the client's transport and carries the answers back."""

    def __init__(self, client: GatewayClient, most_body_bytes: int) -> None:
        self._client = client
        self._most = most_body_bytes

    async def models(self, _: Request) -> Response:
        """List what all endpoints serve, after the names that are routed."""
        try:
            served = (await models(self._client)).served
        except GatewayError as error:
            return _told(error)
        owners = dict.fromkeys((AUTO, *TIERS), "gateway")
        owners |= {name: ", ".join(places) for name, places in served.items()}
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": owner}
            for name, owner in owners.items()
        ]
        return JSONResponse({"object": "list", "data": listed})

    async def call(self, request: Request) -> Response:
        """Ask for one answer, for as long as the caller is there to hear it."""
        try:
            body = await self._body(request)
        except ClientDisconnect:
            return Response(status_code=HUNG_UP)
        if body is None:
            return _error(413, f"the body has more than {self._most:,} bytes")
        asking = asyncio.ensure_future(self._ask(request, body))
        leaving = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({asking, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return await asking if asking.done() else Response(status_code=HUNG_UP)
        except httpx2.TransportError as error:
            cause = error.__cause__
            return _told(cause if isinstance(cause, GatewayError) else Unreachable(str(error)))
        finally:
            await _drop(asking, leaving)

    async def _body(self, request: Request) -> bytes | None:
        """Read the body; None if there is too much of it."""
        parts: list[bytes] = []
        left = self._most
        async for part in request.stream():
            left -= len(part)
            if left < 0:
                return None
            parts.append(part)
        return b"".join(parts)

    async def _ask(self, request: Request, body: bytes) -> Response:
        kept = {
            name: value
            for name, value in request.headers.items()
            if name == "content-type" or name.startswith("x-gw-")
        }
        http = self._client.http_client
        url = NOWHERE + request.url.path.removeprefix("/v1")
        query = f"?{request.url.query}" if request.url.query else ""
        asked = http.build_request("POST", url + query, content=body, headers=kept)
        answer = await http.send(asked, stream=True)
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return _Passing(answer)
        return Response(await answer.aread(), answer.status_code, _returned(answer))


class _Passing(StreamingResponse):
    """A stream on its way through, which is closed however it ends, and so settled once."""

    def __init__(self, answer: httpx2.Response) -> None:
        super().__init__(answer.aiter_bytes(), answer.status_code, _returned(answer))
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._answer.aclose()


async def _gone(request: Request) -> None:
    """Return once the caller has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _drop(asking: asyncio.Task[Response], leaving: asyncio.Task[None]) -> None:
    """Stop what is still going on, and wait until it has."""
    for task in (asking, leaving):
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _returned(answer: httpx2.Response) -> dict[str, str]:
    named = answer.headers.get("connection", "").lower().split(",")
    dropped = _NOT_RETURNED | {name.strip() for name in named}
    return {name: value for name, value in answer.headers.items() if name.lower() not in dropped}


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _told(error: GatewayError) -> Response:
    refusal = answering.refusal(error, {})
    return Response(refusal.body, refusal.status, dict(refusal.headers))


def _error(status: int, message: str, code: str | None = None) -> Response:
    said = {"message": message, "type": "gateway", "param": None, "code": code}
    return Response(json.dumps({"error": said}), status, media_type="application/json")
