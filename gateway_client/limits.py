"""Knows how much each key may be asked for in a minute, and how many retries are in order."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway_client.pool import Lane

MINUTE: Final = 60.0

RETRY_RESERVE: Final = 20.0
"""Retries in order before any call has earned one: a short program may meet a bad minute."""
RETRIES_PER_SECOND: Final = 0.5
"""Retries that time alone earns, so that rare calls may be retried after a long outage."""

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

_TOLD: Final = (
    ("requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    (
        "requests",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    ("tokens", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    (
        "tokens",
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    ),
)


@dataclass(slots=True)
class Taking:
    """One call's part of a key's minute."""

    at: float
    tokens: int


@dataclass(slots=True)
class _Minute:
    """What one key was asked for during the last minute."""

    takings: deque[Taking] = field(default_factory=deque)
    tokens: int = 0

    def forget(self, now: float) -> None:
        while self.takings and self.takings[0].at + MINUTE <= now:
            self.tokens -= self.takings.popleft().tokens


@dataclass(slots=True)
class _Left:
    """What an endpoint said is left, until it is full again."""

    amount: float
    until: float


class Limits:
    """Keeps every key under its limits: those configured, and those its endpoint tells.

    ``share`` is the part of the configured ones that is ours, if other processes use the keys too.

    Configured limits hold for any sixty seconds. What an endpoint tells is believed until the
    time at which it says that all is free again.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.share = 1.0
        self._minutes: dict[str, _Minute] = {}
        self._left: dict[tuple[str, str, str], _Left] = {}

    def knows(self, lane: Lane, model: str) -> bool:
        """Whether there is anything to keep to, so that nobody counts tokens in vain."""
        endpoint = lane.endpoint
        if endpoint.rpm or endpoint.tpm:
            return True
        return bool(self._left) and any(left for left in self._lefts(lane, model))

    def wait(self, lane: Lane, model: str, tokens: int) -> float:
        """Return the seconds until a call of so many tokens fits."""
        now = self._clock()
        told = (
            left.until
            for what, left in self._lefts(lane, model)
            if now < left.until and left.amount < (1 if what == "requests" else tokens)
        )
        return max(self._configured(lane, tokens, now), max(told, default=now)) - now

    def take(self, lane: Lane, model: str, tokens: int) -> Taking:
        """Count a call that is about to be sent."""
        now = self._clock()
        for what, left in self._lefts(lane, model):
            left.amount -= 1 if what == "requests" else tokens
        taking = Taking(now, tokens)
        if lane.endpoint.rpm or lane.endpoint.tpm:
            minute = self._minutes.setdefault(lane.label, _Minute())
            minute.forget(now)
            minute.takings.append(taking)
            minute.tokens += tokens
        return taking

    def correct(self, lane: Lane, taking: Taking, tokens: int) -> None:
        """Put what a call really used in place of what it was expected to use."""
        minute = self._minutes.get(lane.label)
        if minute is not None and taking.at + MINUTE > self._clock():
            minute.forget(self._clock())
            minute.tokens += tokens - taking.tokens
            taking.tokens = tokens

    def learn(self, lane: Lane, model: str, headers: Mapping[str, str]) -> None:
        """Read what the endpoint says is left."""
        for what, remaining, reset in _TOLD:
            amount = headers.get(remaining)
            if amount is None or not amount.strip().isdigit():
                continue
            seconds = seconds_until(headers.get(reset, ""), datetime.now(UTC))
            if seconds is not None:
                left = _Left(float(amount), self._clock() + seconds)
                self._left[lane.label, model, what] = left

    def _lefts(self, lane: Lane, model: str) -> list[tuple[str, _Left]]:
        if not self._left:
            return []
        found = ((what, self._left.get((lane.label, model, what))) for what in _KINDS)
        return [(what, left) for what, left in found if left]

    def _configured(self, lane: Lane, tokens: int, now: float) -> float:
        minute = self._minutes.get(lane.label)
        if minute is None:
            return now
        minute.forget(now)
        calls, used = len(minute.takings), minute.tokens
        ready = now
        rpm = (lane.endpoint.rpm or 0) * self.share or calls + 1
        tpm = (lane.endpoint.tpm or 0) * self.share or used + tokens
        for taking in minute.takings:  # oldest first, until enough of them are past
            if not calls or (calls + 1 <= rpm and used + tokens <= tpm):
                break
            calls, used = calls - 1, used - taking.tokens
            ready = taking.at + MINUTE
        return ready


_KINDS: Final = ("requests", "tokens")


def seconds_until(text: str, now: datetime) -> float | None:
    """Read a reset time: seconds, a duration such as ``6m0s`` or ``20ms``, or a date."""
    said = text.strip()
    if "T" in said:
        try:
            moment = datetime.fromisoformat(said)
        except ValueError:
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (aware - now).total_seconds())
    parts = _DURATION.findall(said)
    if not parts or "".join(number + unit for number, unit in parts) != said:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


class Retries:
    """A budget of retries, so that an outage does not multiply the traffic that meets it.

    Each call earns a part of a retry (Policy.retry_ratio), time earns a few, and at most
    RETRY_RESERVE are kept.
    """

    def __init__(self, ratio: float, clock: Callable[[], float]) -> None:
        self._ratio = ratio
        self._clock = clock
        self._saved = RETRY_RESERVE
        self._seen = clock()

    def earn(self) -> None:
        """Count a new call."""
        now = self._clock()
        earned = self._ratio + (now - self._seen) * RETRIES_PER_SECOND
        self._seen = now
        self._saved = min(self._saved + earned, RETRY_RESERVE)

    def take(self) -> bool:
        """Use up one retry; return whether there was one."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
