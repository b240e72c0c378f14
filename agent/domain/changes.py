"""What became of an earlier report, as values: new, changed, withdrawn or retracted since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from datetime import datetime

ChangeKind = Literal["new", "changed", "withdrawn", "retracted"]
KINDS: Final[tuple[ChangeKind, ...]] = ("new", "changed", "withdrawn", "retracted")
"""In the order they are told."""


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The run that a report goes on from, and when that run was finished."""

    run: str
    finished: datetime


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote, and where and when it stood: characters ``start`` to ``end`` of a stored text."""

    quote: str
    title: str
    url: str
    read_at: datetime
    sha256: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as the predecessor had it, with its evidence then and now.

    ``sentence`` is the claim, as it is said now or else as it was said; of a work that was
    retracted it is the title, and ``before`` what is quoted of it. ``claims`` are the ids of the
    report's claims that it bears on. ``gone`` says of a withdrawn claim that its page is not there
    any more, rather than silent on it.
    """

    kind: ChangeKind
    sentence: str
    before: tuple[Quoted, ...] = ()
    after: tuple[Quoted, ...] = ()
    claims: tuple[str, ...] = ()
    gone: bool = False
