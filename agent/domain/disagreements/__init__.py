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
    from collections.abc import Iterator, Sequence

    from agent.domain.disagreements.conflicts import Conflict, Kind
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
    standing = Standing(sources)
    found = _conflicts(claims, standing)
    return tuple(
        _disagreement(group, kind, claims, found, standing) for kind, group in _groups(found)
    )


def _conflicts(claims: Sequence[Claim], standing: Standing) -> Conflicts:
    stated = [(at, one) for at, claim in enumerate(claims) for one in statements(claim.sentence)]
    found: Conflicts = {}
    for (at, one), (other_at, other) in _candidates(stated):
        if (at, other_at) in found or not standing.are_apart(claims[at], claims[other_at]):
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


def _groups(found: Conflicts) -> Iterator[tuple[Kind, list[int]]]:
    """Yield the claims that conflict in one way, directly or by way of others."""
    members: dict[int, tuple[Kind, list[int]]] = {}
    pairs = list(found)
    names = [[(found[pair][0].kind, claim) for claim in pair] for pair in pairs]
    for pair, first in zip(pairs, joined(names), strict=True):
        _, group = members.setdefault(first, (found[pair][0].kind, []))
        group += [claim for claim in pair if claim not in group]
    for kind, group in members.values():
        yield kind, sorted(group)


def _disagreement(
    group: Sequence[int],
    kind: Kind,
    claims: Sequence[Claim],
    found: Conflicts,
    standing: Standing,
) -> Disagreement:
    own = {
        pair: conflict
        for pair, conflict in found.items()
        if pair[0] in group and pair[1] in group and conflict[0].kind == kind
    }
    says: dict[int, str] = {}
    for pair, (conflicting, _) in own.items():
        for claim, said in zip(pair, conflicting.says, strict=True):
            says.setdefault(claim, said)
    winner, why = _winner(group, list(own), claims, standing)
    return Disagreement(
        about=_about(own),
        kind=kind,
        sides=tuple(Side(claims[at].id, says[at]) for at in group),
        prevails=claims[winner].id if winner is not None else "",
        why=why,
    )


def _winner(
    group: Sequence[int],
    pairs: Sequence[tuple[int, int]],
    claims: Sequence[Claim],
    standing: Standing,
) -> tuple[int | None, str]:
    """Return the first claim no rule is against, if those that are left agree, and the rules."""
    beaten: dict[int, str] = {}
    for one, other in pairs:
        for winner, loser in ((one, other), (other, one)):
            if rule := standing.beats(claims[winner], claims[loser]):
                beaten.setdefault(loser, rule)
    left = [at for at in group if at not in beaten]
    if not beaten or not left or any(one in left and other in left for one, other in pairs):
        return None, ""
    return left[0], " ".join(dict.fromkeys(beaten[at] for at in sorted(beaten)))


def _about(found: Conflicts) -> str:
    """Return the words all sides share, as the first side writes them and in its order."""
    conflicting, statement = next(iter(found.values()))
    common = frozenset.intersection(*(one.shared for one, _ in found.values()))
    return statement.phrase(common or conflicting.shared)
