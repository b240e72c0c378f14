"""Says why a claim is not supported: a closed set of kinds, each with the words concerned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "missing_number",
    "missing_percentage",
    "missing_date",
    "missing_unit",
    "missing_entity",
    "negation_differs",
    "direction_differs",
    "strength_differs",
    "roles_swapped",
    "another_in_its_place",
    "little_in_common",
    "nothing_to_compare",
]

SENTENCES: Final[dict[Kind, str]] = {
    "missing_number": "the evidence does not state the number {detail}",
    "missing_percentage": "the evidence does not state the percentage {detail}",
    "missing_date": "the evidence does not state the date {detail}",
    "missing_unit": "the evidence does not give this quantity in this unit: {detail}",
    "missing_entity": "the evidence does not name {detail}",
    "negation_differs": "one side says no where the other says yes: {detail}",
    "direction_differs": "the evidence points the other way: {detail}",
    "strength_differs": "the claim is stronger than the evidence: {detail}",
    "roles_swapped": "who does what to whom is turned round: {detail}",
    "another_in_its_place": "the evidence has another in its place: {detail}",
    "little_in_common": "the evidence does not speak of: {detail}",
    "nothing_to_compare": "there are no words to compare",
}
"""One English sentence for each kind; another language needs only another such table."""

HARD: Final[frozenset[Kind]] = frozenset(
    {
        "missing_number", "missing_percentage", "missing_date", "missing_unit", "missing_entity",
        "negation_differs", "direction_differs", "roles_swapped",
        "another_in_its_place",
    }
)  # fmt: skip
"""Kinds found by rule: a claim with one of them is never called supported."""


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """One thing that speaks against a claim, and the words it concerns."""

    kind: Kind
    detail: str = ""

    def __str__(self) -> str:
        """Return the reason as an English sentence."""
        return SENTENCES[self.kind].format(detail=self.detail)
