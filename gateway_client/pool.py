"""Takes turns over every key of every endpoint, by weight; who is fit to serve, others say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway_client.catalog import Endpoint, Key


@dataclass(frozen=True, slots=True)
class Lane:
    """One way to a model: an endpoint and one of its keys, or none if it asks for none."""

    endpoint: Endpoint
    key: Key | None

    @property
    def label(self) -> str:
        """How messages and the ledger call it, for example ``primary#1``."""
        return self.key.label if self.key else self.endpoint.name

    @property
    def weight(self) -> float:
        """Its part of the endpoint's weight."""
        return self.endpoint.weight / max(1, len(self.endpoint.keys))


class Pool:
    """Smooth weighted round robin: of any run of calls, each lane gets its share, well mixed."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.lanes = tuple(
            Lane(endpoint, key) for endpoint in endpoints for key in endpoint.keys or (None,)
        )
        self._credit = dict.fromkeys((lane.label for lane in self.lanes), 0.0)

    def pick(self, fit: Iterable[Lane], tried: Sequence[Lane]) -> Lane | None:
        """Return the next of the fit lanes that was not tried; None if all were.

        An endpoint that was tried less often goes first, whatever its weight: after a failure
        another endpoint is a better bet than another key of the same one.
        """
        fresh = [lane for lane in fit if lane not in tried]
        if len(fresh) <= 1:  # taking turns alone changes nothing
            return fresh[0] if fresh else None
        visits = [lane.endpoint.name for lane in tried]
        fewest = min(visits.count(lane.endpoint.name) for lane in fresh)
        return self._next([x for x in fresh if visits.count(x.endpoint.name) == fewest])

    def _next(self, lanes: Sequence[Lane]) -> Lane:
        for lane in lanes:
            self._credit[lane.label] += lane.weight
        chosen = max(lanes, key=lambda lane: self._credit[lane.label])
        self._credit[chosen.label] -= sum(lane.weight for lane in lanes)
        return chosen
