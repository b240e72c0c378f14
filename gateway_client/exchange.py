"""What goes into the attempt loop and comes out of it: calls, sends, answers; values only."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway_client import wire
from gateway_client.errors import TimedOut
from gateway_client.faults import Arrived, Lost
from gateway_client.streaming import Relay

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from gateway_client.catalog import Endpoint
    from gateway_client.config import Policy
    from gateway_client.dialects import Dialect
    from gateway_client.errors import GatewayError
    from gateway_client.faults import Fault, Outcome
    from gateway_client.pool import Lane
    from gateway_client.routing.router import Decision
    from gateway_client.streaming import Settlement
    from gateway_client.telemetry import Spell

TASK_HEADER: Final = "x-gw-task"
TASK_FIELD: Final = "x_gw_task"
"""The same in the body, for callers whose client can add a field more easily than a header."""

LANE_HEADER: Final = "x-gw-lane"
ONCE_HEADER: Final = "x-gw-once"
ORDERED: Final = "/videos"
"""A film is dear and made behind the scenes: whoever orders it twice pays twice."""
DEADLINE_HEADER: Final = "x-gw-deadline"

ROUTED: Final = "/chat/completions"
PINNED: Final = ("/embeddings", "/responses", "/images/generations", "/images/edits", "/videos")
SAID_BY_ALL: Final = (ROUTED, "/models")
"""Calls that endpoints of any dialect can take; the others are OpenAI's own."""

_VERSION: Final = re.compile(r"^.*?/v\d+(?:beta)?(?=/)")
_NOT_SENT: Final = {
    "host", "content-length", "transfer-encoding", "connection", "authorization", "cookie",
}  # fmt: skip
_SENT_ABROAD: Final = ("accept-encoding", "content-type", "user-agent")
"""Headers for endpoints of another dialect; what else an OpenAI client says is not for them."""

_NOT_RETURNED: Final = {
    "content-encoding", "content-length", "transfer-encoding", "connection", "set-cookie",
}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """What a client asked for, whatever kind of client it is.

    ``timeout`` is the client's own, and ``name`` the path after the API version, without a query.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    timeout: float | None = None
    name: str = field(init=False)

    def __post_init__(self) -> None:
        """Work out the name once: many ask for it."""
        object.__setattr__(self, "name", _name(self.path.partition("?")[0]))

    @property
    def task(self) -> str:
        """The kind of work, if the caller tagged it in the headers."""
        return self.headers.get(TASK_HEADER, "")

    @property
    def wanted_lane(self) -> str:
        """The endpoint, or the one key of it, that has to answer, if the caller says so."""
        return self.headers.get(LANE_HEADER, "")

    @property
    def only_once(self) -> bool:
        """Whether it may not be repeated once an endpoint may have accepted it."""
        return ONCE_HEADER in self.headers or (self.method == "POST" and self.name == ORDERED)

    @property
    def seconds(self) -> float | None:
        """How long the caller is going to wait, if it says so."""
        said = self.headers.get(DEADLINE_HEADER)
        if said is None:
            return self.timeout
        try:
            seconds = float(said)
        except ValueError:
            return self.timeout
        return seconds if 0 < seconds < float("inf") else self.timeout

    @property
    def target(self) -> str:
        """What to add to an endpoint's base URL."""
        query = self.path.partition("?")[2]
        return f"{self.name}?{query}" if query else self.name

    @property
    def holds_json(self) -> bool:
        """Whether the body should be a JSON object: some calls may bring a form with files."""
        if self.method != "POST" or self.name not in {ROUTED, *PINNED}:
            return False
        return not self.headers.get("content-type", "").startswith("multipart/")


class Send(NamedTuple):
    """Ask this endpoint; send back the Outcome.

    ``seconds`` is the time for a whole answer, or for the first content of a stream, which is to
    be read through ``relay``. After that it may be silent for ``idle_seconds``. If ``hedge`` is
    set and the endpoint is silent that long, send back Slow.
    """

    lane: Lane
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    relay: Relay | None
    seconds: float
    idle_seconds: float
    most_bytes: int
    hedge: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Sleep; send back None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Keep:
    """Wait for any of the endpoints that were asked; send back what Landed."""


@dataclass(frozen=True, slots=True)
class Slow:
    """The endpoint is silent; send the next Send as well, and send back what Landed first."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What came of one of several Sends."""

    send: Send
    outcome: Outcome


class Answer(NamedTuple):
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


@dataclass
class Trial:
    """One call on its way: what was decided, tried, and what last went wrong."""

    call: Call
    payload: wire.Payload
    task: str
    decision: Decision
    deadline: float
    patience: float
    spell: Spell
    attempts: int = 0
    rounds: int = 0
    tried: list[Lane] = field(default_factory=list)
    barred: list[Lane] = field(default_factory=list)
    model: str = ""
    lane: Lane | None = None
    fault: Fault | None = None
    outcome: Outcome | None = None
    stopped: bool = False
    paid: tuple[wire.Usage, Decimal | None] | None = None

    def begin_round(self) -> None:
        """Let every lane be tried again."""
        self.tried.clear()
        self.rounds += 1

    @cached_property
    def prompt_tokens(self) -> int:
        """How many tokens the prompt is estimated to have; counted only if anybody asks."""
        return wire.prompt_tokens(self.payload)

    @property
    def was_unsent(self) -> bool:
        """Whether the last attempt reached nobody, so that another adds nothing to an outage."""
        return isinstance(self.outcome, Lost) and self.outcome.unsent

    @property
    def streamed(self) -> bool:
        """Whether the caller asked for a stream."""
        return self.payload.get("stream") is True

    @property
    def wants_usage(self) -> bool:
        """Whether the caller asked for the event that tells the usage of a stream."""
        options = self.payload.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True


@lru_cache(maxsize=256)
def _name(path: str) -> str:
    known = (name for name in (ROUTED, *PINNED) if path.endswith(name))
    return next(known, _VERSION.sub("", path))


def send(trial: Trial, lane: Lane, policy: Policy, seconds: float) -> Send:
    """Address the call to one lane: its URL, its key, the chosen model, no header of ours.

    Raises RequestRefused if the call cannot be said in the endpoint's dialect.
    """
    call = trial.call
    spoken = dialect_of(lane.endpoint)
    target, body = _said(trial, spoken)
    return Send(
        lane=lane,
        method=call.method,
        url=lane.endpoint.base_url + target,
        headers=_headers(call, lane, spoken),
        body=body,
        relay=_relay(trial, spoken, policy),
        seconds=min(seconds, policy.first_content_seconds) if trial.streamed else seconds,
        idle_seconds=policy.idle_seconds,
        most_bytes=policy.answer_bytes,
        hedge=None if call.only_once or call.method != "POST" else policy.hedge_seconds,
    )


def dialect_of(endpoint: Endpoint) -> Dialect | None:
    """Return what translates for the endpoint; None if it speaks Chat Completions itself."""
    if endpoint.dialect == "openai":
        return None
    if not isinstance(endpoint.dialect, str):
        return endpoint.dialect
    from gateway_client import dialects  # noqa: PLC0415 - most pools never need a translator

    return dialects.dialect(endpoint.dialect)


def _said(trial: Trial, spoken: Dialect | None) -> tuple[str, bytes]:
    """Return the path and the body for an endpoint."""
    call = trial.call
    changes = _changes(trial)
    if spoken is not None and call.name == ROUTED:
        target, payload = spoken.outgoing(_asked(trial, changes), trial.model)
        return target, json.dumps(payload).encode()
    if not changes and TASK_FIELD not in trial.payload:
        return call.target, call.body
    return call.target, json.dumps(_asked(trial, changes), ensure_ascii=False).encode()


def _changes(trial: Trial) -> wire.Payload:
    """Return what is to be said otherwise than the caller did: the model, and to tell usage."""
    changes: wire.Payload = {}
    if trial.model and trial.payload.get("model") != trial.model:
        changes["model"] = trial.model
    if trial.streamed and trial.call.name == ROUTED and not trial.wants_usage:
        options = trial.payload.get("stream_options")
        told = options if isinstance(options, dict) else {}
        changes["stream_options"] = {**told, "include_usage": True}
    return changes


def _asked(trial: Trial, changes: wire.Payload) -> wire.Payload:
    asked = {**trial.payload, **changes}
    asked.pop(TASK_FIELD, None)
    return asked


def _headers(call: Call, lane: Lane, spoken: Dialect | None) -> dict[str, str]:
    secret = lane.key.secret if lane.key else None
    if spoken is not None:
        kept = {name: call.headers[name] for name in _SENT_ABROAD if name in call.headers}
        return {**kept, **spoken.headers(secret)}
    headers = {
        name: value
        for name, value in call.headers.items()
        if name not in _NOT_SENT and not name.startswith("x-gw-")
    }
    if secret:
        headers["authorization"] = f"Bearer {secret}"
    return headers


def _relay(trial: Trial, spoken: Dialect | None, policy: Policy) -> Relay | None:
    if not trial.streamed:
        return None
    translates = spoken is not None and trial.call.name == ROUTED
    return Relay(
        trial.prompt_tokens,
        translator=spoken.stream(trial.model, include_usage=True)
        if spoken and translates
        else None,
        hide_usage=trial.call.name == ROUTED and not trial.wants_usage,
        most_bytes=policy.answer_bytes,
    )


def understood(trial: Trial, lane: Lane, outcome: Outcome) -> Outcome:
    """Return the outcome in the words of OpenAI, whatever the endpoint speaks."""
    if not isinstance(outcome, Arrived) or outcome.body is None or outcome.understood:
        return outcome
    spoken = dialect_of(lane.endpoint)
    if spoken is None or trial.call.name != ROUTED:
        return outcome
    try:
        failed = outcome.status >= HTTPStatus.MULTIPLE_CHOICES
        body = b"" if failed else spoken.answer(outcome.body, trial.model)
    except ValueError:
        failed, body = True, b""
    body = spoken.error(outcome.status, outcome.body) if failed else body
    return replace(outcome, body=body, understood=True)


def usage(trial: Trial, arrived: Arrived) -> wire.Usage:
    """Return what an answer used, as reported or else estimated."""
    payload = arrived.payload or {}
    found = wire.reported_usage(payload)
    if found is None:
        written = wire.tokens(wire.written_text(payload))
        found = wire.Usage(trial.prompt_tokens, written, estimated=True)
    if trial.call.name.startswith("/images/"):
        made = payload.get("data")
        return replace(found, images=len(made) if isinstance(made, list) else 0)
    if trial.call.name == "/videos":
        return replace(found, video_seconds=wire.seconds(payload) or wire.seconds(trial.payload))
    return found


def returned(arrived: Arrived) -> dict[str, str]:
    """Return the headers that still hold once the body is decoded."""
    return {k: v for k, v in arrived.headers.items() if k.lower() not in _NOT_RETURNED}


def told(trial: Trial) -> dict[str, str]:
    """Say in the answer's headers what was decided and what it took."""
    return {
        "x-gw-model": _header(trial.model),
        "x-gw-endpoint": _header(trial.lane.endpoint.name if trial.lane else ""),
        LANE_HEADER: _header(trial.lane.label if trial.lane else ""),
        "x-gw-attempts": str(trial.attempts),
        "x-gw-reason": _header(trial.decision.reason),
    }


def cost_header(usd: Decimal | None) -> dict[str, str]:
    """Say what the answer cost, if that is known."""
    return {} if usd is None else {"x-gw-cost-usd": f"{usd:f}"}


def _header(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def refusal(error: GatewayError, headers: Mapping[str, str]) -> Answer:
    """Answer in an endpoint's place, in the form that clients of the protocol expect."""
    told = {"message": str(error), "type": type(error).__name__, "param": None, "code": None}
    body = json.dumps({"error": told}).encode()
    return Answer(error.status, {"content-type": "application/json", **headers}, body, error=error)
