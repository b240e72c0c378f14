"""Finds where the claims of a report contradict one another, and says who wins, if a rule says so.

Two claims disagree if they rest on different works, speak of the same thing and cannot both be so.
What is not sure is left out: a disagreement that is none costs a reader more than one not told.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from agent.domain.disagreements.conflicts import conflict
from agent.domain.disagreements.outcome import Standing
from agent.domain.disagreements.statements import statements
from agent.domain.duplicates import joined
from agent.domain.report import Disagreement, Side

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from agent.domain.disagreements.conflicts import Conflict
    from agent.domain.disagreements.statements import Statement
    from agent.domain.evidence import Source
    from agent.domain.report import Claim

__all__ = ["disagreements"]

Stated = tuple[int, "Statement"]
Conflicts = dict[tuple[int, int], tuple["Conflict", "Statement"]]
"""By the positions of two claims: how they conflict, and the first one's statement."""


def disagreements(claims: Sequence[Claim], sources: Sequence[Source]) -> tuple[Disagreement, ...]:
    """Return the disagreements among claims, in the order of their first sides.

    ``sources`` must hold every source that the claims cite.
    """
    by_id = {source.id: source for source in sources}
    standing = [Standing.of(claim, by_id) for claim in claims]
    found = _conflicts(claims, standing)
    return tuple(_disagreement(group, claims, standing) for group in _groups(found))


def _conflicts(claims: Sequence[Claim], standing: Sequence[Standing]) -> Conflicts:
    stated = [(at, one) for at, claim in enumerate(claims) for one in statements(claim.sentence)]
    found: Conflicts = {}
    for (at, one), (other_at, other) in _candidates(stated):
        if (at, other_at) in found or not standing[at].may_contradict(standing[other_at]):
            continue
        conflicting = conflict(one, other)
        if conflicting is not None:
            found[at, other_at] = conflicting, one
    return dict(sorted(found.items()))


def _candidates(stated: Sequence[Stated]) -> Iterator[tuple[Stated, Stated]]:
    """Yield the pairs of which one has the other's rarest word.

    No other pair speaks of the same thing, since all words of one side stand on the other.
    """
    counts = Counter(word for _, one in stated for word in one.core)
    holders: dict[str, list[int]] = {}
    for at, (_, one) in enumerate(stated):
        for word in one.core:
            holders.setdefault(word, []).append(at)
    pairs: set[tuple[int, int]] = set()
    for at, (_, one) in enumerate(stated):
        rarest = min(one.core, key=lambda word: (counts[word], word), default=None)
        for other in holders.get(rarest, ()) if rarest else ():
            if stated[at][0] != stated[other][0]:
                pairs.add((min(at, other), max(at, other)))
    for at, other in sorted(pairs):
        yield stated[at], stated[other]


def _groups(found: Conflicts) -> Iterator[Conflicts]:
    """Yield the conflicts of one kind that have claims in common, directly or by way of others."""
    names = [[(told[0].kind, claim) for claim in pair] for pair, told in found.items()]
    groups: dict[int, Conflicts] = {}
    for (pair, told), first in zip(found.items(), joined(names), strict=True):
        groups.setdefault(first, {})[pair] = told
    yield from groups.values()


def _disagreement(
    group: Conflicts, claims: Sequence[Claim], standing: Sequence[Standing]
) -> Disagreement:
    says: dict[int, str] = {}
    for pair, (conflicting, _) in group.items():
        for claim, said in zip(pair, conflicting.says, strict=True):
            says.setdefault(claim, said)
    winner, why = _winner(group, standing)
    conflicting, _ = next(iter(group.values()))
    return Disagreement(
        about=_about(group),
        kind=conflicting.kind,
        sides=tuple(Side(claims[at].id, says[at]) for at in sorted(says)),
        prevails="" if winner is None else claims[winner].id,
        why=why,
    )


def _winner(
    pairs: Collection[tuple[int, int]], standing: Sequence[Standing]
) -> tuple[int | None, str]:
    """Return the first claim no rule is against, if those that are left agree, and the rules."""
    beaten: dict[int, str] = {}
    for one, other in pairs:
        for winner, loser in ((one, other), (other, one)):
            if rule := standing[winner].beats(standing[loser]):
                beaten.setdefault(loser, rule)
    left = {at for pair in pairs for at in pair} - beaten.keys()
    if not beaten or not left or any(left.issuperset(pair) for pair in pairs):
        return None, ""
    return min(left), " ".join(dict.fromkeys(beaten[at] for at in sorted(beaten)))


def _about(found: Conflicts) -> str:
    """Return the words all sides share, as the first side writes them and in its order."""
    conflicting, statement = next(iter(found.values()))
    common = frozenset.intersection(*(one.shared for one, _ in found.values()))
    return statement.phrase(common or conflicting.shared)
