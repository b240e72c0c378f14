"""Measures how far evidence carries a claim: a row of numbers, each of which points one way.

Words are compared in order (common subsequence, runs, ordered pairs), against the best sentence
and the best two in a row; then what is missing, denied, reversed or exchanged is counted. The
measures of overlap are ROUGE's (Lin, 2004: n-grams, subsequences, skip-bigrams), taken of the
claim only, since evidence may say more.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from agent.domain.support import named, places, polarity, roles
from agent.domain.support.alignment import align
from agent.domain.support.words import (
    Words,
    is_plain,
    joined,
    kin,
    split,
    weight,
    without,
    without_references,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.domain.support.alignment import Pairs

WINDOWS: Final = 3
"""Sentences looked at closely; they are chosen by the weight of words shared. Three
keep the pace above 500 claims a second; other numbers were not tried."""
LONGEST_WINDOW: Final = 160
"""Words of a sentence looked at closely; more is a list, not a sentence."""

AROUND: Final = 30
"""Length, in words of content, of the stretches looked at: about two sentences. Of 15, 30 and
60, 30 told supported from unsupported best, taken over the sets."""
TOGETHER: Final = 5
"""Words of content within which two words stand together."""
LETTERS: Final = 8
"""Length of the strings of characters compared, in any language."""

_LETTERS: Final = re.compile(r"\w+")
_CLAUSE: Final = re.compile(
    r"[,;:()—–，；：、（）]|\b(?:and|but|which|while|because|who|whose|where)\b"
)
_SPEAKER: Final = frozenset("i my me we our us you your im i'm i've i'd i'll you're we're".split())
_CAUSE: Final = frozenset(
    "because due therefore thus hence so cause causes caused since result results consequently "
    "leading thereby 因为 由于 因此 所以 导致".split()
)
_TALK: Final = frozenset(
    "yes yeah oh wow sure cool nice great love think guess hope favorite hear agree sorry really "
    "actually maybe probably haha ok okay know lol well sounds amazing interesting".split()
)


@dataclass(frozen=True, slots=True)
class Measured:
    """The numbers of a claim and its evidence, by name, and the words they come from."""

    values: dict[str, float]
    lost: tuple[str, ...]
    negations: tuple[str, ...]
    directions: tuple[str, ...]
    strength: tuple[str, ...]
    exchanged: tuple[str, ...]
    others: tuple[str, ...]
    numbers: tuple[str, ...]
    percentages: tuple[str, ...]
    dates: tuple[str, ...]
    names: tuple[str, ...]
    units: tuple[str, ...]


def measure(claim: str, evidence: str) -> Measured | None:
    """Return the measures of a claim against its evidence, or None if either has no words."""
    clean = without_references(claim)
    said, sentences = _read(claim, evidence)
    if not said.stems or not sentences:
        return None
    single, pair = _windows(said, sentences)
    found = _against(said, single, pair)
    whole = _coverage(said, sentences)
    values = _overlap(said, sentences) | found.values
    values |= _gathered(said, sentences) | {"letters": _letters(clean, evidence)}
    values |= _gaps(clean, said, whole)
    values["length"] = math.log1p(sum(len(part.stems) for part in sentences))
    values |= _manner(clean, said, {s for part in sentences for s in part.stems})
    lost = tuple(
        dict.fromkeys(
            word
            for word, covered in zip(said.written, whole, strict=True)
            if not covered and not is_plain(word)
        )
    )
    numbers = named.missing_numbers(claim, evidence)
    percentages = named.missing_percentages(claim, evidence)
    dates, units = named.missing_dates(claim, evidence), named.missing_units(claim, evidence)
    lost_names = named.missing_entities(claim, evidence)
    values |= {
        "lost_numbers": math.sqrt(len(numbers) + len(percentages)),
        "any_lost_number": float(bool(numbers or percentages)),
        "numbers_off": named.numbers_off(claim, evidence),
        "lost_dates": math.sqrt(len(dates)),
        "lost_units": math.sqrt(len(units)),
        "lost_names": math.sqrt(len(lost_names)),
        "share_of_names_lost": len(lost_names) / max(1, len(named.names(claim))),
    }
    return Measured(
        values, lost, found.negations, found.directions, found.strength, found.exchanged,
        found.others, numbers, percentages, dates, lost_names, units,
    )  # fmt: skip


def closest(claim: str, evidence: str) -> tuple[Words, Words, Pairs] | None:
    """Return the words of a claim, those of the sentence that carries most, and how they align."""
    said, sentences = _read(claim, evidence)
    if not said.stems or not sentences:
        return None
    _, pairs, sentence = _best(said, _windows(said, sentences)[0])
    return said, sentence, pairs


def _read(claim: str, evidence: str) -> tuple[Words, list[Words]]:
    sentences = [words(part) for part in split(without_references(evidence))]
    return words(without_references(claim)), [part for part in sentences if part.stems]


def _best(claim: Words, sentences: list[Words]) -> tuple[float, Pairs, Words]:
    """Return the sentence with the heaviest alignment; of equals, the shorter one."""
    aligned = [(*align(claim, sentence), sentence) for sentence in sentences]
    return max(aligned, key=lambda found: found[0] - 1e-3 * len(found[2].stems))


@dataclass(frozen=True, slots=True)
class _Close:
    values: dict[str, float]
    negations: tuple[str, ...]
    directions: tuple[str, ...]
    strength: tuple[str, ...]
    exchanged: tuple[str, ...]
    others: tuple[str, ...]


def _windows(claim: Words, sentences: list[Words]) -> tuple[list[Words], list[Words]]:
    """Return the sentences, and the pairs in a row, that share the most words with the claim."""
    wanted = {s: weight(w) for s, w in zip(claim.stems, claim.written, strict=True)}
    near = {kin(s): 0.5 * value for s, value in wanted.items() if kin(s)}
    shared: list[dict[str, float]] = []
    for part in sentences:
        here = {s: wanted[s] for s in wanted.keys() & set(part.stems)}
        for stemmed in part.stems:
            if kin(stemmed) in near and stemmed not in here:
                here.setdefault("~" + kin(stemmed), near[kin(stemmed)])
        shared.append(here)
    scored = [sum(here.values()) for here in shared]
    order = sorted(range(len(sentences)), key=lambda at: -scored[at])[:WINDOWS]
    doubles = sorted(
        {at for best in order[:2] for at in (best - 1, best) if 0 <= at < len(sentences) - 1},
        key=lambda at: -sum((shared[at] | shared[at + 1]).values()),
    )[:2]
    return (
        [_short(sentences[at]) for at in order],
        [joined((_short(sentences[at]), _short(sentences[at + 1]))) for at in doubles],
    )


def _short(sentence: Words) -> Words:
    if len(sentence.stems) <= LONGEST_WINDOW:
        return sentence
    return Words(sentence.written[:LONGEST_WINDOW], sentence.stems[:LONGEST_WINDOW])


def _against(claim: Words, single: list[Words], double: list[Words]) -> _Close:
    """Return the measures of order, and the conflicts with the sentence closest to the claim."""
    content = sum(weight(w) for w in claim.written if not is_plain(w)) or 1.0
    value, pairs, nearest = _best(claim, single)
    wide = max([value, *(align(claim, two)[0] for two in double)])
    negations = polarity.negations_apart(claim, nearest, pairs)
    directions = polarity.directions_apart(claim, nearest, pairs)
    strength = polarity.overstated(claim, nearest)
    exchanged = roles.swapped(claim, nearest)
    others = places.replaced(claim, nearest, pairs)
    here, there = polarity.unanswered(claim, nearest, pairs)
    wide_stems = set(nearest.stems).union(*(two.stems for two in double[:1]))
    shared = sum(
        weight(w)
        for s, w in zip(claim.stems, claim.written, strict=True)
        if s in set(nearest.stems) and not is_plain(w)
    )
    capitals = [
        s
        for s, w in zip(claim.stems, claim.written, strict=True)
        if (w[0].isupper() or w[0].isdigit()) and not is_plain(w)
    ]
    return _Close(
        {
            "in_order": value / content,
            "in_order_two": wide / content,
            "negations": float(len(negations)),
            "directions": float(len(directions)),
            "says_no": float(here),
            "denies": float(there),
            "directions_shared": math.sqrt(polarity.directions_shared(claim, nearest)),
            "disorder": 1 - min(1.0, value / shared) if shared else 0.0,
            "names_elsewhere": math.sqrt(sum(1 for s in capitals if s not in wide_stems)),
            "strength": float(len(strength) > 0),
            "exchanged": float(len(exchanged) > 0),
            "others_in_place": float(len(others) > 0),
        },
        negations,
        directions,
        strength,
        exchanged,
        others,
    )


def _coverage(claim: Words, sentences: Sequence[Words]) -> list[float]:
    """Return how far each word of the claim occurs anywhere: 1, akin, or 0."""
    there = {s for part in sentences for s in part.stems}
    near = {kin(s) for s in there}
    return [1.0 if s in there else (0.5 if kin(s) and kin(s) in near else 0.0) for s in claim.stems]


def _overlap(claim: Words, sentences: Sequence[Words]) -> dict[str, float]:
    """Return how much of the claim's words, pairs and triples the evidence has anywhere.

    Words of negation are left out of both: they say little by being there, all by where.
    """
    plain = without(claim, polarity.negation_places(claim))
    parts = [part.stems for part in sentences]
    if plain is not claim or any(map(polarity.negation_places, sentences)):
        parts = [without(part, polarity.negation_places(part)).stems for part in sentences]
    whole = _coverage(plain, sentences)
    total = sum(map(weight, plain.written)) or 1.0
    pairs = {both for part in parts for both in pairwise(part)}
    threes = {three for part in parts for three in zip(part, part[1:], part[2:], strict=False)}
    stems = plain.stems
    mine2 = list(pairwise(stems))
    mine3 = list(zip(stems, stems[1:], stems[2:], strict=False))
    covered = sum(c * weight(w) for c, w in zip(whole, plain.written, strict=True)) / total
    return {
        "words": covered,
        "most_words": max(0.0, covered - 0.8) * 5,
        "pairs": sum(1 for both in mine2 if both in pairs) / len(mine2) if mine2 else 0.0,
        "threes": sum(1 for three in mine3 if three in threes) / len(mine3) if mine3 else 0.0,
    }


def _gathered(claim: Words, sentences: Sequence[Words]) -> dict[str, float]:
    """Return how much of the claim's content stands together in the evidence, in any order."""
    wanted = {
        s: weight(w) for s, w in zip(claim.stems, claim.written, strict=True) if not is_plain(w)
    }
    there = [
        s
        for part in sentences
        for s, w in zip(part.stems, part.written, strict=True)
        if not is_plain(w)
    ]
    hits = [(at, s) for at, s in enumerate(there) if s in wanted]
    total = sum(wanted.values()) or 1.0
    order = list(wanted)
    ranks = {s: at for at, s in enumerate(order)}
    met = {
        (min(ranks[a], ranks[b]), max(ranks[a], ranks[b]))
        for k, (at, a) in enumerate(hits)
        for other, b in hits[k + 1 : k + 1 + TOGETHER]
        if other - at <= TOGETHER
    }
    near = [(a, b) for a in range(len(order)) for b in range(a + 1, min(a + 4, len(order)))]
    return {
        "around": _most_within(hits, wanted, AROUND) / total,
        "neighbours": sum(1 for both in near if both in met) / len(near) if near else 0.0,
        "density": math.sqrt(len(hits) / max(1, len(there))),
    }


def _most_within(hits: list[tuple[int, str]], wanted: dict[str, float], span: int) -> float:
    """Return the most weight of different words that any stretch of this length holds."""
    best = held = 0.0
    counts = dict.fromkeys(wanted, 0)
    first = 0
    for at, stemmed in hits:
        if not counts[stemmed]:
            held += wanted[stemmed]
        counts[stemmed] += 1
        while hits[first][0] <= at - span:
            gone = hits[first][1]
            counts[gone] -= 1
            if not counts[gone]:
                held -= wanted[gone]
            first += 1
        best = max(best, held)
    return best


def _letters(claim: str, evidence: str) -> float:
    """Return the share of the claim's strings of eight characters that the evidence has."""
    here, there = (" ".join(_LETTERS.findall(text.lower())) for text in (claim, evidence))
    starts = range(max(1, len(here) - LETTERS + 1))
    return sum(1 for at in starts if here[at : at + LETTERS] in there) / len(starts)


def _gaps(text: str, claim: Words, whole: list[float]) -> dict[str, float]:
    """Return how much of the claim is missing, and how much of it in one place."""
    lost = [
        0.0 if is_plain(word) else (1 - covered) * weight(word)
        for word, covered in zip(claim.written, whole, strict=True)
    ]
    longest = run = 0.0
    for word, value in zip(claim.written, lost, strict=True):
        if is_plain(word):
            continue
        run = run + value if value >= 0.5 else 0.0  # noqa: PLR2004 - akin is not lost
        longest = max(longest, run)
    worst, at = 1.0, 0
    for clause in _CLAUSE.split(text):
        size = len(words(clause).stems)
        part = range(at, min(at + size, len(lost)))
        heavy = sum(weight(claim.written[k]) for k in part if not is_plain(claim.written[k]))
        if heavy > 2:  # noqa: PLR2004 - two words at least
            worst = min(worst, 1 - sum(lost[k] for k in part) / heavy)
        at += size
    return {
        "lost_words": math.sqrt(sum(1 for value in lost if value)),
        "longest_gap": math.sqrt(longest),
        "worst_clause": worst,
    }


def _manner(text: str, claim: Words, there: set[str]) -> dict[str, float]:
    """Return how a claim is put: as talk, as a question, as a cause; and how long it is."""
    said = [word.lower() for word in claim.written]
    return {
        "speaker": float(sum(1 for word in said if word in _SPEAKER and word not in there) > 0),
        "talk": math.sqrt(sum(1 for word in said if word in _TALK and word not in there)),
        "question": float("?" in text or "？" in text),
        "rarer_side": float(polarity.unheard_of(claim, there)),
        "cause": float(any(word in _CAUSE and word not in there for word in said)),
    }
