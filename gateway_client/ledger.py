"""Who used how many tokens for what, and what it cost; one ledger for each client."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Entry(NamedTuple):
    """One answered call. ``usd`` is exact, never rounded, and None if the price is unknown.

    ``estimated`` means that the endpoint did not say how many tokens it counted. A call given up
    on its way is also here, estimated by its prompt, since it may have to be paid.
    """

    task: str
    model: str
    endpoint: str
    key: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    usd: Decimal | None
    estimated: bool = False
    images: int = 0
    video_seconds: int = 0

    def as_json(self) -> str:
        """Return it as JSON, with every digit of the dollars."""
        return json.dumps(self._asdict(), default=str)

    @classmethod
    def from_json(cls, text: str) -> Entry:
        """Return the entry that was written so."""
        told = json.loads(text)
        usd = told["usd"]
        return cls(**{**told, "usd": None if usd is None else Decimal(usd)})


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over entries; what the ``unpriced`` models cost is not known and not in ``usd``."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    usd: Decimal = Decimal(0)
    unpriced: tuple[str, ...] = ()
    estimated_calls: int = 0


class Ledger:
    """Takes entries and sums them up; may be read at any time.

    ``keep`` bounds how many of the latest entries are kept, for programs that run on and on; the
    sums over older ones stay.
    """

    def __init__(self, keep: int | None = None) -> None:
        self._keep = keep
        self._entries: deque[Entry] = deque()
        self._past: dict[tuple[str, str], Totals] = {}

    def settle(self, entry: Entry) -> None:
        """Write down one call."""
        self._entries.append(entry)
        if self._keep is not None and len(self._entries) > self._keep:
            oldest = self._entries.popleft()
            of = oldest.task, oldest.model
            self._past[of] = _sum([self._past.get(of, Totals()), _alone(oldest)])

    def restart(self, entries: Iterable[Entry]) -> None:
        """Forget everything but these entries."""
        self._past.clear()
        self._entries.clear()
        for entry in entries:
            self.settle(entry)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries that are kept, in the order in which their calls ended."""
        return tuple(self._entries)

    def totals(self) -> Totals:
        """Return the sums over all calls so far."""
        return _sum(totals for _, totals in self._all())

    def by_task(self) -> Mapping[str, Totals]:
        """Return the sums for each kind of work."""
        return self._grouped(0)

    def by_model(self) -> Mapping[str, Totals]:
        """Return the sums for each model that answered."""
        return self._grouped(1)

    def _all(self) -> Iterator[tuple[tuple[str, str], Totals]]:
        yield from self._past.items()
        for entry in self._entries:
            yield (entry.task, entry.model), _alone(entry)

    def _grouped(self, by: int) -> Mapping[str, Totals]:
        groups: dict[str, list[Totals]] = {}
        for of, totals in self._all():
            groups.setdefault(of[by], []).append(totals)
        return {name: _sum(parts) for name, parts in groups.items()}


def _alone(entry: Entry) -> Totals:
    return Totals(
        calls=1,
        input_tokens=entry.input_tokens,
        output_tokens=entry.output_tokens,
        cached_tokens=entry.cached_tokens,
        usd=entry.usd or Decimal(0),
        unpriced=(entry.model,) if entry.usd is None else (),
        estimated_calls=int(entry.estimated),
    )


def _sum(parts: Iterable[Totals]) -> Totals:
    all_ = tuple(parts)
    return Totals(
        calls=sum(part.calls for part in all_),
        input_tokens=sum(part.input_tokens for part in all_),
        output_tokens=sum(part.output_tokens for part in all_),
        cached_tokens=sum(part.cached_tokens for part in all_),
        usd=sum((part.usd for part in all_), Decimal(0)),
        unpriced=tuple(dict.fromkeys(model for part in all_ for model in part.unpriced)),
        estimated_calls=sum(part.estimated_calls for part in all_),
    )
