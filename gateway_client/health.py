"""Remembers who failed and until when to leave them alone; nobody is left alone for ever.

HEALTHY ──429──► COOLING ──time──► HEALTHY
HEALTHY ──several failures, key refused, quota spent, model unknown──► OPEN
OPEN ──time──► HALF_OPEN ──one probe──► HEALTHY, or OPEN again for longer
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from gateway_client.faults import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway_client.faults import Fault
    from gateway_client.pool import Lane

OPEN_AFTER: Final = 3
"""Failures in a row before a lane is left alone: below the four attempts of one request, and
with one call in five failing a healthy lane is left alone once in 125 calls."""

OPEN_SECONDS: Final = 2.0
MAX_OPEN_SECONDS: Final = 30.0
COOL_SECONDS: Final = 1.0
MAX_COOL_SECONDS: Final = 300.0
"""The longest a Retry-After is believed: beyond it, asking again is the better guess."""

SET_ASIDE_SECONDS: Final = {Kind.REFUSED: 300.0, Kind.UNKNOWN_MODEL: 600.0, Kind.QUOTA: 1800.0}
"""How long to leave alone what a person has to mend."""

PROBE_SECONDS: Final = 30.0
"""How long one probe is waited for before another is let through, should it have got lost."""
PROBE_POLL_SECONDS: Final = 0.25

_ANY: Final = "*"
Spot = tuple[str, str, str]
"""Endpoint, key and model that a fault is about; ``*`` where it is about all of them."""


class State(Enum):
    """Whether a lane may be used."""

    HEALTHY = "healthy"
    COOLING = "cooling"
    OPEN = "open"
    HALF_OPEN = "half open"


@dataclass(slots=True)
class Ward:
    """What is remembered of one spot."""

    faults: int = 0
    until: float = 0.0
    last: Fault | None = None
    probe_until: float = 0.0

    def state(self, now: float) -> State:
        """Return how it stands at this time."""
        cooling = self.last is None or self.last.kind is Kind.LIMITED
        if now < self.until:
            return State.COOLING if cooling else State.OPEN
        return State.HEALTHY if cooling or not self.until else State.HALF_OPEN

    def count(self, fault: Fault) -> None:
        """Add a failure to the row; one of another kind begins a new row."""
        same = self.last is not None and self.last.kind is fault.kind
        self.faults = self.faults + 1 if same else 1
        self.until = self.until if same else 0.0
        self.last = fault

    def ready_at(self, now: float) -> float:
        """Return when it is worth asking again; now, if it may be used."""
        if now < self.until:
            return self.until
        probing = self.state(now) is State.HALF_OPEN and now < self.probe_until
        return now + PROBE_POLL_SECONDS if probing else now


class Health:
    """The wards of all spots; ``clock`` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wards: defaultdict[Spot, Ward] = defaultdict(Ward)

    def state(self, lane: Lane, model: str) -> State:
        """Return the state of the worst spot of the lane."""
        now = self._clock()
        states = {ward.state(now) for ward in self._of(lane, model)}
        worst_first = (State.OPEN, State.COOLING, State.HALF_OPEN)
        return next((state for state in worst_first if state in states), State.HEALTHY)

    def ready_at(self, lane: Lane, model: str) -> float:
        """Return when the lane may be used again."""
        now = self._clock()
        return max((ward.ready_at(now) for ward in self._of(lane, model)), default=now)

    def usable(self, lane: Lane, model: str) -> bool:
        """Whether the lane may be used now."""
        if not self._wards:  # all is well: the usual case
            return True
        return self.ready_at(lane, model) <= self._clock()

    def blame(self, lane: Lane, model: str) -> Fault | None:
        """Return the fault for which the lane is left alone the longest, if it is."""
        now = self._clock()
        blocking = [ward for ward in self._of(lane, model) if ward.ready_at(now) > now]
        return max(blocking, key=lambda ward: ward.ready_at(now)).last if blocking else None

    def admit(self, lane: Lane, model: str) -> None:
        """Let one call through; on a half-open spot it is the probe."""
        now = self._clock()
        for ward in self._of(lane, model):
            if ward.state(now) is State.HALF_OPEN:
                ward.probe_until = now + PROBE_SECONDS

    def release(self, lane: Lane, model: str) -> None:
        """Take back an admission that came to nothing, such as a cancelled call."""
        for ward in self._of(lane, model):
            ward.probe_until = 0.0

    def succeeded(self, lane: Lane, model: str) -> None:
        """Forget what is past; a pause that still runs was set by others and stays."""
        if not self._wards:
            return
        now = self._clock()
        for spot in _spots(lane, model):
            if spot in self._wards and self._wards[spot].until <= now:
                del self._wards[spot]

    def failed(self, lane: Lane, model: str, fault: Fault) -> None:
        """Remember a failure; one that comes during a pause belongs to the same trouble."""
        now = self._clock()
        ward = self._wards[_spot(lane, model, fault.kind)]
        if ward.until <= now:
            ward.count(fault)
        pause = _pause(fault, ward.faults)
        if pause:
            ward.until = max(ward.until, now + pause)
        self.release(lane, model)

    def _of(self, lane: Lane, model: str) -> list[Ward]:
        if not self._wards:
            return []
        return [self._wards[spot] for spot in _spots(lane, model) if spot in self._wards]


def _spots(lane: Lane, model: str) -> tuple[Spot, ...]:
    name, label = lane.endpoint.name, lane.label
    return ((name, label, model), (name, label, _ANY), (name, _ANY, model))


def _spot(lane: Lane, model: str, kind: Kind) -> Spot:
    """Name what is at fault: the key for all models, the model for all keys, or just this."""
    this, key, model_everywhere = _spots(lane, model)
    if kind in {Kind.REFUSED, Kind.QUOTA}:
        return key
    return model_everywhere if kind is Kind.UNKNOWN_MODEL else this


def _pause(fault: Fault, faults: int) -> float:
    """Return the seconds to leave a spot alone after so many failures in a row."""
    if fault.kind in SET_ASIDE_SECONDS:
        return SET_ASIDE_SECONDS[fault.kind]
    if fault.kind is Kind.BROKEN:
        return _doubled(OPEN_SECONDS, faults - OPEN_AFTER, MAX_OPEN_SECONDS)
    if fault.retry_after is not None:
        return min(fault.retry_after, MAX_COOL_SECONDS)
    return _doubled(COOL_SECONDS, faults - 1, MAX_COOL_SECONDS)


def _doubled(seconds: float, times: int, most: float) -> float:
    return min(seconds * 2.0 ** min(times, 30), most) if times >= 0 else 0.0
