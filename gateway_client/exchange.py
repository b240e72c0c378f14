"""What goes into the attempt loop and comes out of it: calls, sends, answers; values only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway_client import wire
from gateway_client.errors import TimedOut
from gateway_client.faults import Lost

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from gateway_client.errors import GatewayError
    from gateway_client.faults import Fault, Outcome
    from gateway_client.pool import Lane
    from gateway_client.routing.router import Decision
    from gateway_client.streaming import Relay, Settlement
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


@dataclass(slots=True)
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
        self.name = _name(self.path.partition("?")[0])

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
    be read through ``relay``. After that it may be silent for ``idle_seconds``. A stream that is
    gathered is to be read to its end, within ``last_seconds``. If ``hedge`` is set and the endpoint
    is silent that long, send back Slow.
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
    last_seconds: float
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


@dataclass(slots=True)
class Trial:
    """One call on its way: what was decided, tried, and what last went wrong.

    It is ``hurried`` if the caller said how long it waits.
    """

    call: Call
    payload: wire.Payload
    task: str
    decision: Decision
    deadline: float
    hurried: bool
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
    _prompt_tokens: int | None = None

    def begin_round(self) -> None:
        """Let every lane be tried again."""
        self.tried.clear()
        self.rounds += 1

    @property
    def prompt_tokens(self) -> int:
        """How many tokens the prompt is estimated to have; counted only if anybody asks."""
        if self._prompt_tokens is None:
            self._prompt_tokens = wire.prompt_tokens(self.payload)
        return self._prompt_tokens

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
