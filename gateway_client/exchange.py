"""What goes into the attempt loop and comes out of it: calls, sends, answers; values only."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway_client import wire
from gateway_client.errors import TimedOut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway_client.errors import GatewayError
    from gateway_client.faults import Arrived, Fault, Outcome
    from gateway_client.pool import Lane
    from gateway_client.router import Decision
    from gateway_client.streaming import Settlement

TASK_HEADER: Final = "x-gw-task"
ROUTED: Final = "/chat/completions"
PINNED: Final = ("/embeddings", "/responses")

_VERSION: Final = re.compile(r"^.*?/v\d+(?:beta)?(?=/)")
_NOT_SENT: Final = {
    "host", "content-length", "transfer-encoding", "connection", "authorization", "cookie",
}  # fmt: skip
_NOT_RETURNED: Final = {
    "content-encoding", "content-length", "transfer-encoding", "connection", "set-cookie",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asked for, whatever kind of client it is."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def task(self) -> str:
        """The kind of work, if the caller tagged it."""
        return self.headers.get(TASK_HEADER, "")

    @property
    def name(self) -> str:
        """The path after the API version, without the query."""
        path = self.path.partition("?")[0]
        known = (name for name in (ROUTED, *PINNED) if path.endswith(name))
        return next(known, _VERSION.sub("", path))

    @property
    def target(self) -> str:
        """What to add to an endpoint's base URL."""
        query = self.path.partition("?")[2]
        return f"{self.name}?{query}" if query else self.name


@dataclass(frozen=True, slots=True)
class Send:
    """Ask this endpoint; send back the Outcome."""

    lane: Lane
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    stream: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """Sleep; send back None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client gets.

    ``body`` is None if it is the stream that arrived last, to be settled with ``settlement``.
    ``error`` is set if this is no success; without a response (``status`` 0) it is to be raised
    as the client's own kind of connection error.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | None
    settlement: Settlement | None = None
    error: GatewayError | None = None

    @property
    def timed_out(self) -> bool:
        """Whether it is the error of a connection that was there, but silent."""
        return isinstance(self.error, TimedOut)


@dataclass(slots=True)
class Trial:
    """One call on its way: what was decided, tried, and what last went wrong."""

    call: Call
    payload: wire.Payload
    decision: Decision
    deadline: float
    patience: float
    attempts: int = 0
    rounds: int = 0
    tried: list[Lane] = field(default_factory=list)
    model: str = ""
    lane: Lane | None = None
    fault: Fault | None = None
    outcome: Outcome | None = None

    def begin_round(self) -> None:
        """Let every lane be tried again."""
        self.tried.clear()
        self.rounds += 1

    @property
    def streamed(self) -> bool:
        """Whether the caller asked for a stream."""
        return self.payload.get("stream") is True


def send(trial: Trial, lane: Lane) -> Send:
    """Address the call to one lane: its URL, its key, the chosen model, no header of ours."""
    call = trial.call
    headers = {
        name: value
        for name, value in call.headers.items()
        if name not in _NOT_SENT and not name.startswith("x-gw-")
    }
    if lane.key:
        headers["authorization"] = f"Bearer {lane.key.secret}"
    url = lane.endpoint.base_url + call.target
    return Send(lane, call.method, url, headers, _body(trial), trial.streamed)


def _body(trial: Trial) -> bytes:
    """Return the body with the model that was chosen in place of the one asked for."""
    if trial.payload.get("model") == trial.model or not trial.model:
        return trial.call.body
    return json.dumps({**trial.payload, "model": trial.model}, ensure_ascii=False).encode()


def usage(trial: Trial, body: bytes) -> wire.Usage:
    """Return the tokens of an answer, as reported or else estimated."""
    payload = wire.payload_of(body) or {}
    reported = wire.reported_usage(payload)
    if reported:
        return reported
    written = wire.tokens(wire.written_text(payload))
    return wire.Usage(wire.prompt_tokens(trial.payload), written, estimated=True)


def returned(arrived: Arrived) -> dict[str, str]:
    """Return the headers that still hold once the body is decoded."""
    return {k: v for k, v in arrived.headers.items() if k.lower() not in _NOT_RETURNED}


def told(trial: Trial) -> dict[str, str]:
    """Say in the answer's headers what was decided and what it took."""
    return {
        "x-gw-model": _header(trial.model),
        "x-gw-endpoint": _header(trial.lane.endpoint.name if trial.lane else ""),
        "x-gw-attempts": str(trial.attempts),
        "x-gw-reason": _header(trial.decision.reason),
    }


def _header(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def refusal(error: GatewayError, headers: Mapping[str, str]) -> Answer:
    """Answer in an endpoint's place, in the form that clients of the protocol expect."""
    told = {"message": str(error), "type": type(error).__name__, "param": None, "code": None}
    body = json.dumps({"error": told}).encode()
    return Answer(error.status, {"content-type": "application/json", **headers}, body, error=error)
