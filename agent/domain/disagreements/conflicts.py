"""Tells whether two statements are about the same thing and cannot both be so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from agent.domain.disagreements.vocabulary import CHANGE, STATES
from agent.domain.support.alignment import align

if TYPE_CHECKING:
    from agent.domain.disagreements.quantities import Quantity
    from agent.domain.disagreements.statements import Statement, Turn

Kind = Literal["number", "direction", "negation"]

Quantities = tuple["Quantity", ...]

FEWEST_SHARED: Final = 2
FEWEST_SHARED_HAN: Final = 4
"""Words, or Chinese characters, two statements must share to be about one thing."""

VAGUE: Final = 2
"""How many times as many they must share if one does not name what it is about."""

EXTRA: Final = 3
"""Words shared for each word of detail that one side may have beyond the other."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Of which kind two statements contradict each other, and what either says."""

    kind: Kind
    says: tuple[str, str]
    shared: frozenset[str]


def conflict(one: Statement, other: Statement) -> Conflict | None:
    """Return how two statements contradict each other, if they surely do."""
    if one.han != other.han:
        return None
    return _of_direction(one, other) or _of_negation(one, other) or _of_number(one, other)


def _of_direction(one: Statement, other: Statement) -> Conflict | None:
    """Find opposites at the end of otherwise equal statements.

    Not before it: "higher doses help" and "lower doses help" are about different doses.
    """
    if one.loose or other.loose or len(one.denials) != len(other.denials):
        return None
    if not one.turns or len(one.turns) != len(other.turns):
        return None
    opposed = [_opposed(a, b) for a, b in zip(one.turns, other.turns, strict=True)]
    if opposed[-1] is not True or any(found is not False for found in opposed[:-1]):
        return None
    last, others_last = one.turns[-1], other.turns[-1]
    shared = _same_subject(one, other, (last, others_last))
    if shared is None or one.years != other.years or not _same_order(one, other, shared):
        return None
    return Conflict("direction", (last.written, others_last.written), shared)


def _of_negation(one: Statement, other: Statement) -> Conflict | None:
    """Find a denial of what the other side affirms in the same words."""
    if one.loose or other.loose or sorted((len(one.denials), len(other.denials))) != [0, 1]:
        return None
    if len(one.turns) != len(other.turns):
        return None
    if any(_opposed(a, b) is not False for a, b in zip(one.turns, other.turns, strict=True)):
        return None
    shared = _same_subject(one, other)
    if shared is None or one.years != other.years or not _same_order(one, other, shared):
        return None
    if any(not a.agrees_with(b) for a in one.quantities for b in other.quantities):
        return None
    says = _stance(one, other, shared), _stance(other, one, shared)
    return Conflict("negation", says, shared)


def _of_number(one: Statement, other: Statement) -> Conflict | None:
    """Find another number of the same unit for the same thing."""
    if len(one.denials) != len(other.denials):
        return None
    apart = _apart(one, other)
    if apart is None:
        return None
    turns = (*one.turns, *other.turns)
    changes = tuple(turn for turn in turns if any(axis in CHANGE for axis, _ in turn.sides))
    paired = zip(one.turns, other.turns, strict=False)
    if len(one.turns) == len(other.turns) and any(_opposed(a, b) for a, b in paired):
        return None
    shared = _same_subject(one, other, changes)
    if shared is None:
        return None
    says = _with_details(one, apart[0]), _with_details(other, apart[1])
    return Conflict("number", says, shared)


def _opposed(one: Turn, other: Turn) -> bool | None:
    """Whether two words are on opposite sides; None if they are of different oppositions."""
    if one.sides & other.sides:
        return False
    flipped = {(axis, not side) for axis, side in one.sides}
    return True if flipped & other.sides else None


def _same_subject(
    one: Statement, other: Statement, leave_out: tuple[Turn, ...] = ()
) -> frozenset[str] | None:
    """Return the words two statements share if they speak of the same thing.

    Where each has a word the other has not, one thing was put in another's place. Where only one
    has, it may be a detail, but not one that restricts the statement or is a name.
    """
    gone = {word for turn in leave_out for word in turn.written.lower().split()}
    here, there = one.subject_without(gone), other.subject_without(gone)
    shared = here & there
    if len(shared) < _fewest(one, other, shared):
        return None
    if shared not in (here, there):
        return None
    longer, extra = (one, here - shared) if here != shared else (other, there - shared)
    if len(extra) * EXTRA > len(shared) or (extra and longer.han):
        return None
    if any(longer.is_marked(key) or longer.restricts(key, shared) for key in extra):
        return None
    return shared


def _fewest(one: Statement, other: Statement, shared: frozenset[str]) -> int:
    """Return how many words two statements must share: more, if one leaves it to its context."""
    fewest = FEWEST_SHARED_HAN if one.han else FEWEST_SHARED
    named = any(one.is_marked(key) or other.is_marked(key) for key in shared)
    return fewest if named or not (one.vague or other.vague) else VAGUE * fewest


def _same_order(one: Statement, other: Statement, shared: frozenset[str]) -> bool:
    """Whether both compare the same with the same, and not one with the other way round."""
    if one.han:  # characters in another order may be other words
        return _in_order(one, shared) == _in_order(other, shared)
    compares = any(axis in STATES for turn in (*one.turns, *other.turns) for axis, _ in turn.sides)
    return not compares or len(align(one.sentence, other.sentence)[1]) >= len(shared)


def _in_order(statement: Statement, shared: frozenset[str]) -> list[str]:
    return sorted(shared, key=statement.subject.__getitem__)


def _apart(one: Statement, other: Statement) -> tuple[str, str] | None:
    """Return what either says of the one quantity, or event's year, on which they differ."""
    years_differ = bool(one.years and other.years) and one.years != other.years
    if not (one.quantities or other.quantities):
        happened_once = one.is_event and other.is_event and one.years.isdisjoint(other.years)
        if not (years_differ and happened_once):
            return None
        return ", ".join(sorted(one.years)), ", ".join(sorted(other.years))
    pair = None if years_differ else _odd_pair(one.quantities, other.quantities)
    return pair and (pair[0].said, pair[1].said)


def _odd_pair(here: Quantities, there: Quantities) -> tuple[Quantity, Quantity] | None:
    """Return the only two quantities of one unit that differ, if they are what was found.

    Not if they say under what: where a share is stated too, that is the finding.
    """
    common = {q.kind for q in here} & {q.kind for q in there}
    if any(q.conditions and q.kind not in common for q in (*here, *there)):
        return None
    found: list[tuple[Quantity, Quantity]] = []
    for kind in sorted(common):
        ours, theirs = ([q for q in side if q.kind == kind] for side in (here, there))
        if len(ours) != len(theirs):
            return None
        found += _differing(ours, theirs)
    if len(found) != 1 or any(q.given for q in found[0]):
        return None
    is_share = found[0][0].unit == "percent"
    shares = any(unit == "percent" for unit, _ in common)
    return found[0] if is_share or not shares else None


def _differing(ours: list[Quantity], theirs: list[Quantity]) -> list[tuple[Quantity, Quantity]]:
    """Return the pairs that differ, place by place; none if only their order does."""
    if all(any(a.agrees_with(b) for b in theirs) for a in ours):
        return []
    return [(a, b) for a, b in zip(ours, theirs, strict=True) if not a.agrees_with(b)]


def _stance(statement: Statement, other: Statement, shared: frozenset[str]) -> str:
    """Return the denial of the side that denies, and of the other what it affirms."""
    if statement.denials:
        return statement.denials[0].said
    return statement.affirmed(other.denials[0]) or statement.phrase(shared)


def _with_details(statement: Statement, said: str) -> str:
    """Return a value with the years and definitions that are stated for it."""
    details = [detail for detail in statement.details if detail not in said]
    return f"{said} ({', '.join(details)})" if details else said
