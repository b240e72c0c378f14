"""Compares what a claim and a sentence affirm: negation, direction, strength.

Each word of the claim is held against the word it is aligned with: a "no" on one side only, or the
opposite of a direction at the same place, turns the sentence round. The idea of comparing aligned
words in their scope of negation is MacCartney and Manning's (natural logic, 2008).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from agent.domain.support.opposites import CERTAINTIES, HAN_NEGATION, NEGATIONS, SIDES
from agent.domain.support.words import is_plain, stem

if TYPE_CHECKING:
    from collections.abc import Container

    from agent.domain.support.alignment import Pairs
    from agent.domain.support.words import Words

_TURNS: Final = frozenset({"but", "however", "although", "instead", "rather"})
SCOPE: Final = 3
"""Words of content that a negation before them covers."""
FOLLOWED: Final = 0.5
"""Share of the claim's words of content a sentence must follow for its silence to mean yes: of true
claims that nearly quote their evidence, none is then taken for a denial."""
TO_THAT: Final = 9
"""Words between a negation and the "that" of what it denies to be shown."""
REPORTS: Final = frozenset(
    stem(word)
    for word in (
        "show shown shows proof prove proved proven evidence claim claims claimed say says said "
        "true case find found finds believe believes believed suggest suggests suggested think "
        "thinks thought report reports reported confirm confirmed confirms sign signs indication "
        "indications indicate demonstrated demonstrates established establish support supports "
        "mean means argue argued argues conclude concluded certain clear"
    ).split()
)
NEAR: Final = 6
"""Words between the places of two opposites that are held to stand at the same place."""
_MAY: Final = (("可以",), ("可能",))
_NOT_ONLY: Final = frozenset(
    (word,) for word in ("only", "just", "merely", "least", "until", "doubt")
)


def negation_places(sentence: Words) -> tuple[int, ...]:
    """Return where words of negation stand ("not only" and "no doubt" deny nothing)."""
    return tuple(
        at
        for at, written in enumerate(sentence.written)
        if (_denies(written) or _cannot(sentence, at))
        and sentence.stems[at + 1 : at + 2] not in _NOT_ONLY
    )


def _cannot(sentence: Words, at: int) -> bool:
    """Whether 不可 is the beginning of "may not" or "impossible", and not of "unavoidable"."""
    return sentence.written[at] == "不可" and sentence.written[at + 1 : at + 2] in _MAY


@lru_cache(maxsize=65_536)
def _denies(written: str) -> bool:
    word = written.lower().replace("’", "'")
    return (
        word in NEGATIONS
        or word.endswith("n't")
        or (not word.isascii() and bool(HAN_NEGATION.match(word)))
    )


def covered(sentence: Words, place: int) -> tuple[int, ...]:
    """Return the words of content that a negation at this place covers."""
    found: list[int] = []
    for at in range(place + 1, min(len(sentence.written), place + 1 + 2 * SCOPE)):
        if sentence.stems[at] in _TURNS:
            break
        if not is_plain(sentence.written[at]):
            found.append(at)
            if len(found) == SCOPE:
                break
    return tuple(found)


def negations_apart(claim: Words, sentence: Words, pairs: Pairs) -> tuple[str, ...]:
    """Return the negations that stand on one side only though what they deny stands on both."""
    here, there = dict(pairs), {j: i for i, j in pairs}
    silent = not negation_places(sentence) and _follows(claim, pairs)
    return (
        *(
            _said(claim, at)
            for at in _alone(claim, here, sentence)
            if silent or _met(claim, at, here)
        ),
        *(
            _said(sentence, at)
            for at in _alone(sentence, there, claim)
            if _met(sentence, at, there)
        ),
    )


def _follows(claim: Words, pairs: Pairs) -> bool:
    """Whether the sentence has so much of the claim that a denial would have to stand there too."""
    return len(pairs) >= FOLLOWED * sum(1 for word in claim.written if not is_plain(word))


def unanswered(claim: Words, sentence: Words, pairs: Pairs) -> tuple[int, int]:
    """Return how many negations have none across from them: of the claim, and of the sentence.

    Of the sentence only those count that stand between words the claim has too.
    """
    here, there = dict(pairs), {j: i for i, j in pairs}
    low, high = (pairs[0][1] - SCOPE, pairs[-1][1]) if pairs else (0, -1)
    return (
        len(_alone(claim, here, sentence)),
        sum(1 for at in _alone(sentence, there, claim) if low <= at <= high),
    )


def _said(sentence: Words, place: int) -> str:
    return " ".join(sentence.written[at] for at in (place, *covered(sentence, place)[:1]))


def _met(sentence: Words, place: int, across: dict[int, int]) -> bool:
    """Whether what a negation denies stands on the other side too.

    That is one of the next two words of content; with none after it, one of the last two before.
    """
    return any(at in across for at in _scope(sentence, place)[:2])


def _scope(sentence: Words, place: int) -> tuple[int, ...]:
    """Return the words a negation covers, first those that somebody is said not to have shown.

    At the end of a sentence, it covers the two before it.
    """
    before = range(max(0, place - SCOPE - 1), place)
    return (
        *_reported(sentence, place),
        *(
            covered(sentence, place)
            or tuple(at for at in before if not is_plain(sentence.written[at]))[-2:]
        ),
    )


def _reported(sentence: Words, place: int) -> tuple[int, ...]:
    """Return the first words of what is denied in "no study has shown that …"."""
    clause = range(place + 1, min(len(sentence.written), place + 1 + TO_THAT))
    that = next((at for at in clause if sentence.written[at].lower() == "that"), None)
    if that is None or REPORTS.isdisjoint(sentence.stems[place + 1 : that]):
        return ()
    after = range(that + 1, min(len(sentence.written), that + 1 + 2 * SCOPE))
    return tuple(at for at in after if not is_plain(sentence.written[at]))[:SCOPE]


def _alone(one: Words, across: dict[int, int], other: Words) -> list[int]:
    """Return the negations of one side that deny no word which the other side denies as well."""
    places = negation_places(one)
    if not places:
        return []
    others = negation_places(other)
    denied = {at for place in others for at in _scope(other, place)} | set(others)
    words = {other.stems[at] for at in denied}  # clauses may stand in another order
    return [
        place
        for place in places
        if words.isdisjoint(one.stems[at] for at in _scope(one, place))
        and not denied.intersection(across[at] for at in _scope(one, place) if at in across)
    ]


def directions_apart(claim: Words, sentence: Words, pairs: Pairs) -> tuple[str, ...]:
    """Return pairs of opposites that stand at the same place of claim and sentence.

    A word that the sentence has too, near that place, is no opposite; nor is one denied on one
    side ("did not rise", "fell").
    """
    there = {word.lower() for word in sentence.written}
    sides: dict[int, list[tuple[bool, int]]] = {}
    for at, written in enumerate(sentence.written):
        for axis, side in SIDES.get(written.lower(), ()):
            sides.setdefault(axis, []).append((side, at))
    if not sides or not pairs:
        return ()
    claim_denied = {at for p in negation_places(claim) for at in covered(claim, p)}
    sentence_denied = {at for p in negation_places(sentence) for at in covered(sentence, p)}
    found: list[str] = []
    for i, written in enumerate(claim.written):
        if written.lower() not in SIDES or written.lower() in there:
            continue
        opposite = _opposite(written.lower(), _neighbourhood(i, pairs), sides)
        if opposite is not None and (opposite in sentence_denied) == (i in claim_denied):
            found.append(f"{written} / {sentence.written[opposite]}")
    return tuple(found)


def _opposite(
    word: str, place: tuple[int, int], sides: dict[int, list[tuple[bool, int]]]
) -> int | None:
    """Return where the opposite of a word stands, if near its place and no word of its side is."""
    low, high = place
    last = None
    for axis, side in SIDES[word]:
        near = [(s, at) for s, at in sides.get(axis, ()) if low - NEAR <= at <= high + NEAR]
        if any(s == side for s, _ in near):
            return None
        last = near[-1][1] if near else last
    return last


def directions_shared(claim: Words, sentence: Words) -> int:
    """Return how many words of direction the sentence has too, or a word of the same side."""
    there = {place for word in sentence.written for place in SIDES.get(word.lower(), ())}
    return sum(1 for word in claim.written if there.intersection(SIDES.get(word.lower(), ())))


def unheard_of(claim: Words, there: Container[str]) -> int:
    """Return how many words of direction are on the rarer side and not in the evidence at all.

    The second side of most oppositions (less, worse, loss) is said less often than the first, so
    that without any other sign it is the likelier to be wrong.
    """
    return sum(
        1
        for word, stemmed in zip(claim.written, claim.stems, strict=True)
        if stemmed not in there and any(side for _, side in SIDES.get(word.lower(), ()))
    )


def _neighbourhood(i: int, pairs: Pairs) -> tuple[int, int]:
    """Return where in the sentence the word at place ``i`` of the claim would stand."""
    before = [j for k, j in pairs if k <= i]
    after = [j for k, j in pairs if k >= i]
    low = before[-1] if before else (after[0] if after else 0)
    high = after[0] if after else low
    return low, high


def overstated(claim: Words, sentence: Words) -> tuple[str, ...]:
    """Return words that leave no doubt, if the sentence has none of that kind."""
    said = {word.lower() for word in sentence.written}
    if not CERTAINTIES.isdisjoint(said):
        return ()
    return tuple(word for word in claim.written if word.lower() in CERTAINTIES)
