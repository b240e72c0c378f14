"""Who used how many tokens for what, and what it cost; one ledger for each client."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Entry:
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
    """Takes entries and sums them up; may be read at any time."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def settle(self, entry: Entry) -> None:
        """Write down one call."""
        self._entries.append(entry)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries so far, in the order in which their calls ended."""
        return tuple(self._entries)

    def totals(self) -> Totals:
        """Return the sums over all calls so far."""
        return _sum(self._entries)

    def by_task(self) -> Mapping[str, Totals]:
        """Return the sums for each kind of work."""
        return self._grouped(lambda entry: entry.task)

    def by_model(self) -> Mapping[str, Totals]:
        """Return the sums for each model that answered."""
        return self._grouped(lambda entry: entry.model)

    def _grouped(self, name: Callable[[Entry], str]) -> Mapping[str, Totals]:
        groups: dict[str, list[Entry]] = {}
        for entry in self._entries:
            groups.setdefault(name(entry), []).append(entry)
        return {key: _sum(entries) for key, entries in groups.items()}


def _sum(entries: Iterable[Entry]) -> Totals:
    all_ = tuple(entries)
    return Totals(
        calls=len(all_),
        input_tokens=sum(entry.input_tokens for entry in all_),
        output_tokens=sum(entry.output_tokens for entry in all_),
        cached_tokens=sum(entry.cached_tokens for entry in all_),
        usd=sum((entry.usd for entry in all_ if entry.usd is not None), Decimal(0)),
        unpriced=tuple(dict.fromkeys(entry.model for entry in all_ if entry.usd is None)),
        estimated_calls=sum(entry.estimated for entry in all_),
    )
