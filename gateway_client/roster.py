"""Says who can be asked for a call, and when the next of them can."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from gateway_client.errors import NoModel, RateLimited
from gateway_client.exchange import SAID_BY_ALL
from gateway_client.faults import Fault, Kind
from gateway_client.health import MAX_COOL_SECONDS
from gateway_client.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway_client.config import Config
    from gateway_client.exchange import Trial
    from gateway_client.health import Health
    from gateway_client.limits import Limits
    from gateway_client.pool import Lane

_PAST_DEADLINE: Final = Fault(
    Kind.LIMITED, RateLimited("no endpoint was free in time", mend="wait, or add keys to the pool")
)
_AT_LIMIT: Final = Fault(
    Kind.LIMITED,
    RateLimited("every key is at its rpm or tpm limit", mend="wait, or add keys to the pool"),
)


class Roster:
    """All lanes with their health and their limits.

    ``expected`` returns how many tokens a call may take; it is asked only where limits are known.
    """

    def __init__(
        self,
        config: Config,
        health: Health,
        limits: Limits,
        clock: Callable[[], float],
        expected: Callable[[Trial], int],
    ) -> None:
        self._health = health
        self._limits = limits
        self._pool = Pool(config.endpoints)
        self._clock = clock
        self._expected = expected
        self._serving = lru_cache(maxsize=256)(self._found)

    def choose(self, trial: Trial) -> Lane | None:
        """Choose the first model that anyone can be asked for, and whom to ask.

        A model is passed over only if nobody can be asked for it: one failure is no reason to
        give the caller a lesser one.
        """
        for model in trial.decision.models:
            fit = self._fit(trial, model)
            if fit:
                trial.tried = trial.tried if model == trial.model else []
                trial.model = model
                return self._pick(trial, fit)
        return None

    def another(self, trial: Trial) -> Lane | None:
        """Choose one more lane for the model that is being asked."""
        return self._pick(trial, self._fit(trial, trial.model))

    def wait(self, trial: Trial) -> tuple[float, bool]:
        """Return the seconds until a lane may be asked again, and whether it only cools down.

        Waiting for one that is broken costs patience; for a refused key nobody waits.
        """
        now = self._clock()
        waits = [(float("inf"), True)]
        for lane, model in self._places(trial):
            blame = self._health.blame(lane, model)
            room = self._seconds_to_room(trial, lane, model)
            if blame is None:
                waits.append((room, True))
            elif blame.kind in {Kind.LIMITED, Kind.BROKEN}:
                ready = self._health.ready_at(lane, model) - now
                waits.append((max(ready, room), blame.kind is Kind.LIMITED))
        return min(waits)

    def blocking(self, trial: Trial) -> Fault:
        """Return the fault because of which nobody could be asked; a pause before anything."""
        places = list(self._places(trial))
        if not places:
            return Fault(Kind.REFUSED, _nobody(trial))
        found = [fault for lane, model in places if (fault := self._health.blame(lane, model))]
        pauses = [fault for fault in found if fault.kind is Kind.LIMITED]
        full = [_AT_LIMIT] if len(found) < len(places) else []
        return (pauses or full or found or [_PAST_DEADLINE])[0]

    def retry_after(self, trial: Trial, fault: Fault) -> int:
        """Return the whole seconds after which asking again makes sense."""
        ready = self.wait(trial)[0]
        said = fault.retry_after if fault.retry_after is not None else 1.0
        return max(1, -int(-min(said if ready == float("inf") else ready, MAX_COOL_SECONDS) // 1))

    def _fit(self, trial: Trial, model: str) -> list[Lane]:
        return [lane for lane in self._lanes(trial, model) if self._health.usable(lane, model)]

    def _pick(self, trial: Trial, fit: list[Lane]) -> Lane | None:
        free = [lane for lane in fit if self._seconds_to_room(trial, lane, trial.model) <= 0]
        return self._pool.pick(free, trial.tried)

    def _seconds_to_room(self, trial: Trial, lane: Lane, model: str) -> float:
        """Return how long it takes until the lane's limits leave room for the call."""
        if not self._limits.knows(lane, model):
            return 0.0
        return self._limits.wait(lane, model, self._expected(trial))

    def _places(self, trial: Trial) -> Iterator[tuple[Lane, str]]:
        for model in trial.decision.models:
            for lane in self._lanes(trial, model):
                yield lane, model

    def _lanes(self, trial: Trial, model: str) -> list[Lane]:
        call = trial.call
        lanes = self._serving(model, call.name in SAID_BY_ALL, call.wanted_lane)
        return [lane for lane in lanes if lane not in trial.barred] if trial.barred else list(lanes)

    def _found(self, model: str, said_by_all: bool, wanted: str) -> tuple[Lane, ...]:  # noqa: FBT001 - it is cached by position
        return tuple(
            lane
            for lane in self._pool.lanes
            if (not model or lane.endpoint.serves(model))
            and (said_by_all or lane.endpoint.dialect in {"openai", "responses"})
            and (not wanted or wanted in {lane.endpoint.name, lane.label})
        )


def _nobody(trial: Trial) -> NoModel:
    call = trial.call
    if call.wanted_lane:
        text = f"no endpoint and no key is called {call.wanted_lane}, or it cannot take this call"
        return NoModel(text, mend="check the x-gw-lane header")
    return NoModel(f"no endpoint of this pool can take {call.name}", mend="add one that can")
