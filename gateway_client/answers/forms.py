"""The means of getting an answer in a given form, and which endpoints refused which of them."""

from __future__ import annotations

import time
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

REFUSED_SECONDS: Final = 900.0
"""How long a refusal is believed. Asking in vain costs one request that no model answers, and
gateways change what stands behind them."""


class Form(IntEnum):
    """The means, best first."""

    SCHEMA = 0
    FUNCTION = 1
    JSON = 2
    PROMPT = 3


class Place(NamedTuple):
    """Who answered: an endpoint, empty if it did not say, and its model."""

    endpoint: str
    model: str


class Memory:
    """Which means work where; one memory for each client, and for no longer than it lives.

    Nobody knows before a call where the pool will send it. So a call begins with the best means
    that any place it was answered at takes, and one weak endpoint costs only its own share of
    the calls a refused request.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._places: dict[str, set[Place]] = {}
        self._refused: dict[tuple[Place, Form], float] = {}

    def first_for(self, caller: str) -> Form:
        """Return the means to begin with for this kind of call."""
        places = self._places.get(caller, ())
        return min((self.best_at(place) for place in places), default=Form.SCHEMA)

    def best_at(self, place: Place) -> Form:
        """Return the best means that was not refused there."""
        now = self._clock()
        refused = {form for form in Form if self._refused.get((place, form), now) > now}
        return next((form for form in Form if form not in refused), Form.PROMPT)

    def works(self, caller: str, place: Place, form: Form) -> None:
        """Remember that this was answered as it should be."""
        self._places.setdefault(caller, set()).add(place)
        self._refused.pop((place, form), None)

    def fails(self, caller: str, place: Place, form: Form) -> None:
        """Remember that this was refused, or passed over as if it had not been asked for."""
        self._places.setdefault(caller, set()).add(place)
        self._refused[place, form] = self._clock() + REFUSED_SECONDS

    def learnt(self) -> dict[str, list[list[object]]]:
        """Return what is known, as JSON has it, with the seconds for which it will be believed."""
        now = self._clock()
        return {
            "places": [[caller, *place] for caller, its in self._places.items() for place in its],
            "refused": [
                [*place, int(form), until - now] for (place, form), until in self._refused.items()
            ],
        }

    def recall(self, learnt: Mapping[str, Iterable[Any]]) -> None:
        """Know what was ``learnt`` then, and nothing else."""
        now = self._clock()
        self._places = {}
        for caller, *place in learnt["places"]:
            self._places.setdefault(caller, set()).add(Place(*place))
        self._refused = {
            (Place(endpoint, model), Form(form)): now + seconds
            for endpoint, model, form, seconds in learnt["refused"]
        }
