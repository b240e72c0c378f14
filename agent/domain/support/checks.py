"""Checks a claim against its evidence by rule; each check returns the reasons it found, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.domain.support import named
from agent.domain.support.features import closest
from agent.domain.support.places import replaced as others_in_place
from agent.domain.support.polarity import directions_apart, negations_apart
from agent.domain.support.reasons import Reason
from agent.domain.support.roles import swapped as exchanged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.domain.support.reasons import Kind

Reasons = tuple[Reason, ...]


def missing_numbers(claim: str, evidence: str) -> Reasons:
    """Return the plain numbers of the claim that the evidence does not state."""
    return _reasons("missing_number", named.missing_numbers(claim, evidence))


def missing_percentages(claim: str, evidence: str) -> Reasons:
    """Return the percentages of the claim that the evidence does not state as percentages."""
    return _reasons("missing_percentage", named.missing_percentages(claim, evidence))


def missing_dates(claim: str, evidence: str) -> Reasons:
    """Return the years, months and days of the week that the evidence does not state."""
    return _reasons("missing_date", named.missing_dates(claim, evidence))


def missing_units(claim: str, evidence: str) -> Reasons:
    """Return the quantities that the evidence gives in another unit."""
    return _reasons("missing_unit", named.missing_units(claim, evidence))


def missing_entities(claim: str, evidence: str) -> Reasons:
    """Return the names of which a word is missing in the evidence."""
    return _reasons("missing_entity", named.missing_entities(claim, evidence))


def flipped(claim: str, evidence: str) -> Reasons:
    """Return negations on one side only, and opposites at the same place of both sides.

    The claim is held against the sentence of the evidence whose words, in order, carry most of it.
    """
    found = closest(claim, evidence)
    if found is None:
        return ()
    return (
        *_reasons("negation_differs", negations_apart(*found)),
        *_reasons("direction_differs", directions_apart(*found)),
    )


def swapped(claim: str, evidence: str) -> Reasons:
    """Return words whose roles are exchanged in the closest sentence of the evidence."""
    found = closest(claim, evidence)
    return () if found is None else _reasons("roles_swapped", exchanged(found[0], found[1]))


def replaced(claim: str, evidence: str) -> Reasons:
    """Return names and numbers in whose place the closest sentence has others."""
    found = closest(claim, evidence)
    return () if found is None else _reasons("another_in_its_place", others_in_place(*found))


def _reasons(kind: Kind, details: Iterable[str]) -> Reasons:
    return tuple(Reason(kind, detail) for detail in dict.fromkeys(details))
