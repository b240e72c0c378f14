"""Reads a claim as statements, one a clause: what each is about, and what it says of that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from agent.domain.disagreements.quantities import PLACEHOLDER, Quantity, measured
from agent.domain.disagreements.vocabulary import (
    ACTS,
    DETERMINERS,
    DIRECTIONS,
    EVENTS,
    EVENTS_HAN,
    HAN_HEDGES,
    HAN_LIGHT,
    HEDGES,
    LIGHT,
    QUANTIFIERS,
    RESTRICTING,
    SAME,
    VERBS,
    Place,
)
from agent.domain.language import language_of_script
from agent.domain.support.opposites import HAN_NEGATION
from agent.domain.support.polarity import covered, negation_places
from agent.domain.support.words import Words, is_plain, words

if TYPE_CHECKING:
    from collections.abc import Container

LONGEST: Final = 6
LONGEST_HAN: Final = 16
"""Words, or Chinese characters, in the phrase that says what a statement is about."""

_ATTRIBUTION: Final = re.compile(
    r"^\s*according to [^,]{2,60},\s*|,?\s*according to [^,]{2,60}(?=\.?\s*$)"
    r"|^.{0,60}?\b(?:find|found|report|estimate|show|say|said|suggest|conclude|state|announce|argue|"
    r"demonstrate|claim|confirm|calculate)(?:s|d|ed)?\s+that\s+"
    r"|^\s*(?:根)?据[^，]{2,20}，",
    re.IGNORECASE,
)
_DEFINITION: Final = re.compile(
    r"\b(?:by|under|on|using|according to)\s+(?:the|a|an)\s+[^,;.]{2,40}?\s"
    r"(?:definition|standard|method|methodology|basis|measure)\b"
    r"|\b(?:including|excluding|not counting|counting|adjusted for|measured (?:as|by)|"
    r"in (?:nominal|real) terms)\b[^,;.]{0,50}"
    r"|按[^，。；]{2,15}?(?:口径|标准|定义|方法|计算)|(?:不包括|包括|不含|含|计入)[^，。；]{2,15}",
    re.IGNORECASE,
)
_ASIDE: Final = re.compile(r"\((?:[^()]*\b(?:CI|confidence|n\s*=)[^()]*|[A-Z]{2,6})\)")
_CLAUSES: Final = re.compile(
    r"\s*;\s*|；|,?\s*\b(?:but|whereas|although|though|while|however|yet)\b,?\s*"
    r"|,?\s*\band\s+(?=(?:it\s+|they\s+)?(?:does|do|did|is|was|were|are|has|have|can|could|will)"
    r"(?:n['’]t|\s+not)\b)"
    r"|，?(?:但是|但|然而|却|虽然|而(?!且))",
    re.IGNORECASE,
)
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_NO_NEGATION: Final = frozenset("without non lack lacks lacked lacking".split())
_NOT_ALL: Final = frozenset("all every always necessarily each entirely both".split())


@dataclass(frozen=True, slots=True)
class Turn:
    """A word that points one way of an opposition, and the place where it stands."""

    written: str
    sides: frozenset[Place]
    at: int


@dataclass(frozen=True, slots=True)
class Denial:
    """A negation with the word it denies, as written, and that word as it is compared."""

    said: str
    denied: str


@dataclass(frozen=True)
class Statement:
    """One clause, without its quantities: words as written, and what they amount to.

    ``subject`` gives, for each word that says what is spoken of, its place; ``details`` are the
    years and definitions the clause itself states, ``years`` also those of the claim's other
    clauses.
    """

    sentence: Words
    subject: dict[str, int]
    quantities: tuple[Quantity, ...]
    years: frozenset[str]
    details: tuple[str, ...]
    turns: tuple[Turn, ...]
    denials: tuple[Denial, ...]
    han: bool
    loose: bool

    @cached_property
    def is_event(self) -> bool:
        """Whether it tells of what happens once."""
        if self.han:
            return bool(EVENTS_HAN.search("".join(self.sentence.written)))
        return not EVENTS.isdisjoint(self.sentence.stems)

    @cached_property
    def core(self) -> frozenset[str]:
        """The words of the subject that point in no direction."""
        pointing = {turn.written.lower() for turn in self.turns}
        return self.keys_without(pointing)

    def keys_without(self, written: Container[str]) -> frozenset[str]:
        """Return the words of the subject, less some as they are written."""
        words_ = self.sentence.written
        return frozenset(k for k, at in self.subject.items() if words_[at].lower() not in written)

    def phrase(self, keys: frozenset[str], sentence: str) -> str:
        """Return words of the subject as they are written in the claim, in their order."""
        keys = keys - {quantity.unit for quantity in self.quantities}
        if self.han:
            return _runs(keys, sentence)
        places = sorted(self.subject[key] for key in keys)[:LONGEST]
        found = ""
        for word in (self.sentence.written[at] for at in places):
            hyphened = f"{found.rpartition(' ')[2]}-{word}"
            found += f"-{word}" if found and hyphened in sentence else f" {word}"
        return found.strip()

    def is_marked(self, key: str) -> bool:
        """Whether a word is a name or has a digit: with another one it is about something else."""
        at = self.subject[key]
        written = self.sentence.written[at]
        return any(map(str.isdigit, written)) or (at > 0 and written[0].isupper())

    def restricts(self, key: str, shared: frozenset[str]) -> bool:
        """Whether a word says of whom, where or when the statement holds."""
        at = self.subject[key]
        after = self.sentence.written[at + 1 : at + 2]
        if after and self._key(at + 1) in shared:
            return True  # it stands before a noun: rural households
        for before in range(at - 1, -1, -1):
            word = self.sentence.written[before].lower()
            if word == "of":
                return PLACEHOLDER not in self.sentence.written[max(0, before - 2) : before]
            if word in RESTRICTING:
                return True
            if word not in DETERMINERS and (self._key(before) in shared or is_plain(word)):
                return False
        return False

    def affirmed(self, denial: Denial) -> str:
        """Return the word another statement denies, as this one writes it."""
        if self.han:
            return denial.denied
        places = (at for at, word in enumerate(self.sentence.stems) if word == denial.denied)
        at = next(places, None)
        return denial.denied if at is None else self.sentence.written[at]

    def _key(self, at: int) -> str:
        stemmed = self.sentence.stems[at]
        return SAME.get(stemmed, stemmed)


def statements(sentence: str) -> tuple[Statement, ...]:
    """Return what a sentence states, clause by clause."""
    text = _ATTRIBUTION.sub(" ", _ASIDE.sub(" ", sentence))
    years = frozenset(measured(text).years)
    han = language_of_script(text) == "zh"
    clauses = [clause for clause in _CLAUSES.split(text) if clause and clause.strip()]
    return tuple(_statement(clause, years, han=han) for clause in clauses)


def _statement(clause: str, years: frozenset[str], *, han: bool) -> Statement:
    definitions = tuple(match[0].strip() for match in _DEFINITION.finditer(clause))
    found = measured(_DEFINITION.sub(" ", clause))
    sentence = _characters(found.rest) if han else words(found.rest)
    turns = _turns_in_han(found.rest) if han else _turns(sentence)
    return Statement(
        sentence=sentence,
        subject=_subject(sentence),
        quantities=found.quantities,
        years=years,
        details=(*found.years, *definitions),
        turns=turns,
        denials=_denials_in_han(found.rest) if han else _denials(sentence),
        han=han,
        loose=_is_loose(clause, sentence, han=han),
    )


def _characters(text: str) -> Words:
    """Return a Chinese text as single characters, and its Latin words whole."""
    kept = HAN_LIGHT.sub(" ", HAN_NEGATION.sub(" ", _without_turns(text)))
    written = tuple(re.findall(r"[A-Za-z0-9]+|[\u3400-\u4dbf\u4e00-\u9fff]", kept))
    return Words(written, tuple(word.lower() for word in written))


def _subject(sentence: Words) -> dict[str, int]:
    """Return the words that say what is spoken of, under one form each, and where they stand."""
    denied = {*negation_places(sentence)}
    found: dict[str, int] = {}
    for at, (written, stemmed) in enumerate(zip(sentence.written, sentence.stems, strict=True)):
        if written == PLACEHOLDER or at in denied or stemmed in LIGHT:
            continue
        says_nothing = is_plain(written) or written.lower().endswith("ly")
        if stemmed in SAME or not says_nothing:
            found.setdefault(SAME.get(stemmed, stemmed), at)
    return found


def _runs(characters: frozenset[str], sentence: str) -> str:
    """Return the stretches of a Chinese sentence that are made of some characters.

    What stands after a number is its unit; a character that was left out may stand between two.
    """
    some = f"[{re.escape(''.join(sorted(characters)))}]"
    found = re.findall(rf"(?<![\d百千万亿.]){some}+(?:.?{some}+)*", sentence)
    runs = [run for run in found if len(run) > 1]
    return " ".join(dict.fromkeys(runs))[:LONGEST_HAN]


def _turns(sentence: Words) -> tuple[Turn, ...]:
    """Return the words of direction that are said of the subject, not those that name it."""
    content = [at for at, word in enumerate(sentence.written) if not is_plain(word)]
    first = content[0] if content else -1
    verb = next((at for at, w in enumerate(sentence.written) if w.lower() in VERBS), None)
    found: list[Turn] = []
    denials = negation_places(sentence)
    for at, written in enumerate(sentence.written):
        if at in denials:
            continue
        sides = DIRECTIONS.get(written.lower(), frozenset())
        acts = frozenset(place for place in sides if place[0] in ACTS)
        if acts and at != first:
            found.append(Turn(written, sides, at))
        elif sides and verb is not None and verb < at:
            found.append(Turn(written, sides, at))
    return tuple(found)


_HAN_TURN: Final = re.compile(
    "|".join(sorted((w for w in DIRECTIONS if _HAN.match(w)), key=lambda w: (-len(w), w)))
)


def _turns_in_han(text: str) -> tuple[Turn, ...]:
    return tuple(
        Turn(match[0], DIRECTIONS[match[0]], match.start()) for match in _HAN_TURN.finditer(text)
    )


def _without_turns(text: str) -> str:
    return _HAN_TURN.sub(" ", text)


def _denials(sentence: Words) -> tuple[Denial, ...]:
    """Return what is denied: "without" says under what, and "non-smokers" are a group."""
    found: list[Denial] = []
    for at in negation_places(sentence):
        if sentence.written[at].lower() in _NO_NEGATION:
            continue
        denied = covered(sentence, at)[:1]
        said = " ".join(sentence.written[place] for place in (at, *denied))
        found.append(Denial(said, sentence.stems[denied[0]] if denied else ""))
    return tuple(found)


def _denials_in_han(text: str) -> tuple[Denial, ...]:
    return tuple(
        Denial(text[match.start() : match.end() + 2], text[match.end() : match.end() + 2])
        for match in HAN_NEGATION.finditer(text)
    )


def _is_loose(clause: str, sentence: Words, *, han: bool) -> bool:
    """Whether a statement holds of some only, or perhaps, so that its denial may be so as well."""
    if han:
        return bool(HAN_HEDGES.search(clause))
    said = {word.lower() for word in sentence.written}
    if not said.isdisjoint(HEDGES | QUANTIFIERS):
        return True
    after = (sentence.written[at + 1 : at + 2] for at in negation_places(sentence))
    return any(word and word[0].lower() in _NOT_ALL for word in after)
