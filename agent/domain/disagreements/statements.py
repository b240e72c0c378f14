"""Reads a claim as statements, one a clause: what each is about, and what it says of that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from agent.domain.disagreements.quantities import PLACEHOLDER, SHARE, Quantity, measured
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
    NO_ADVERBS,
    QUANTIFIERS,
    RESTRICTING,
    SAME,
    TELLING,
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
JOINING: Final = 2
"""Words between two of them that are kept, as in "risk of heart disease"."""

_ATTRIBUTION: Final = re.compile(
    r"^\s*according to [^,]{2,60},\s*|,?\s*according to [^,]{2,60}(?=\.?\s*$)"
    r"|^.{0,60}?\b(?:find|found|report|estimate|show|say|said|suggest|conclude|state|announce|argue|"
    r"demonstrate|claim|confirm|calculate)(?:s|d|ed)?\s+that\s+"
    r"|^\s*(?:根)?据[^，]{2,20}，",
    re.IGNORECASE,
)
_SOMEBODYS: Final = re.compile(r"[A-Z][a-z]+['’]s\b|(?<=\s)[A-Z][a-z]+")
"""A name in an attribution: what "Kenya's ministry" reports may be so of Kenya only."""
_DEFINITION: Final = re.compile(
    r"\b(?:by|under|on|using|according to)\s+(?:the|a|an)\s+[^,;.]{2,40}?\s"
    r"(?:definition|standard|method|methodology|basis|measure)\b"
    r"|\b(?:including|excluding|not counting|counting|adjusted for|measured (?:as|by)|"
    r"in (?:nominal|real) terms)\b[^,;.]{0,50}"
    r"|按[^，。；]{2,15}?(?:口径|标准|定义|方法|计算)|(?:不包括|包括|不含|含|计入)[^，。；]{2,15}",
    re.IGNORECASE,
)
_POINTING: Final = re.compile(
    r"\W*(?:(?:the|this|that|these|those|its|their|his|her|our|it|they|he|she)\b|[该此这本其它他她])",
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
    """A word that points one way of an opposition, or of several."""

    written: str
    sides: frozenset[Place]


@dataclass(frozen=True, slots=True)
class Denial:
    """A negation with the word it denies, as written, and that word as it is compared."""

    said: str
    denied: str


@dataclass(frozen=True)
class Statement:
    """One clause: its text without quantities and years, and what that amounts to.

    ``subject`` gives, for each word that says what is spoken of, its place; ``details`` are the
    years and definitions the clause itself states, ``years`` also those of the claim's other
    clauses. It is ``loose`` if its denial may be so as well, and ``vague`` if it begins with what
    only its context names ("the company").
    """

    text: str
    sentence: Words
    subject: dict[str, int]
    quantities: tuple[Quantity, ...]
    years: frozenset[str]
    details: tuple[str, ...]
    turns: tuple[Turn, ...]
    denials: tuple[Denial, ...]
    han: bool
    loose: bool
    vague: bool

    @cached_property
    def is_event(self) -> bool:
        """Whether it tells of what happens once."""
        if self.han:
            return bool(EVENTS_HAN.search("".join(self.sentence.written)))
        return not EVENTS.isdisjoint(self.sentence.stems)

    @cached_property
    def core(self) -> frozenset[str]:
        """The words of the subject that point in no direction."""
        pointing = {word for turn in self.turns for word in turn.written.lower().split()}
        return self.subject_without(pointing)

    def subject_without(self, written: Container[str]) -> frozenset[str]:
        """Return the words of the subject, less some as they are written."""
        words_ = self.sentence.written
        return frozenset(k for k, at in self.subject.items() if words_[at].lower() not in written)

    def phrase(self, keys: frozenset[str]) -> str:
        """Return words of the subject as they are written in the clause, in their order."""
        if self.han:
            return self._runs(keys)
        keys = keys - {quantity.unit for quantity in self.quantities} or keys
        places = sorted(self.subject[key] for key in keys)[:LONGEST]
        links = ("", *(self._link(one, other) for one, other in pairwise(places)))
        written = self.sentence.written
        return "".join(f"{link}{written[at]}" for link, at in zip(links, places, strict=True))

    def _link(self, one: int, other: int) -> str:
        """Return what stands between two words, if it only joins them; else a space."""
        written = self.sentence.written
        gap = written[one + 1 : other]
        if not gap and f"{written[one]}-{written[other]}" in self.text:
            return "-"
        turns = {word for turn in self.turns for word in turn.written.split()}
        denials = {written[at] for at in _denying(self.sentence)}
        if len(gap) > JOINING or not {PLACEHOLDER, SHARE, "than", *turns, *denials}.isdisjoint(gap):
            return " "
        return " ".join(("", *gap, ""))

    def _runs(self, keys: frozenset[str]) -> str:
        """Return the stretches of a Chinese clause that are made of some characters and words.

        One that was left out may stand between two; units are no part of them.
        """
        units = "|".join(re.escape(quantity.unit) for quantity in self.quantities)
        text = re.sub(rf"0*{PLACEHOLDER}\s*(?:{units})", " ", self.text)
        some = f"(?:{'|'.join(map(re.escape, sorted(keys)))})"
        found = re.findall(rf"{some}+(?:.?{some}+)*", text, re.IGNORECASE)
        return " ".join(dict.fromkeys(run for run in found if len(run) > 1))[:LONGEST_HAN]

    def is_marked(self, key: str) -> bool:
        """Whether a statement without this word is another one: a name, a digit, "after"."""
        at = self.subject[key]
        written = self.sentence.written[at]
        is_name = at > 0 and written[0].isupper()
        return is_name or key in TELLING or any(map(str.isdigit, written))

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
        """Return the word another statement denies, as this one writes it; empty if it does not."""
        if self.han:
            return denial.denied
        places = (at for at, word in enumerate(self.sentence.stems) if word == denial.denied)
        at = next(places, None)
        return "" if at is None else self.sentence.written[at]

    def _key(self, at: int) -> str:
        stemmed = self.sentence.stems[at]
        return SAME.get(stemmed, stemmed)


def statements(sentence: str) -> tuple[Statement, ...]:
    """Return what a sentence states, clause by clause."""
    text, said_by = _unattributed(_ASIDE.sub(" ", sentence))
    local = bool(_SOMEBODYS.search(said_by))
    years = frozenset(measured(text).years)
    clauses = [clause for clause in _CLAUSES.split(text) if clause and clause.strip()]
    return tuple(_statement(clause, years, local=local) for clause in clauses)


def _unattributed(text: str) -> tuple[str, str]:
    """Return a sentence without what says whose it is, and that; a denial is part of it."""
    said_by = _ATTRIBUTION.search(text)
    if said_by is None or negation_places(words(said_by[0])) or HAN_NEGATION.search(said_by[0]):
        return text, ""
    return f"{text[: said_by.start()]} {text[said_by.end() :]}", said_by[0]


def _statement(clause: str, years: frozenset[str], *, local: bool) -> Statement:
    han = language_of_script(clause) == "zh"
    definitions = tuple(match[0].strip() for match in _DEFINITION.finditer(clause))
    found = measured(_DEFINITION.sub(" ", clause))
    sentence = _characters(found.rest) if han else words(found.rest)
    return Statement(
        text=found.rest,
        sentence=sentence,
        subject=_subject(sentence),
        quantities=found.quantities,
        years=years,
        details=(*found.years, *definitions),
        turns=_turns_in_han(found.rest) if han else _turns(sentence),
        denials=_denials_in_han(found.rest) if han else _denials(sentence),
        han=han,
        loose=_is_loose(clause, sentence, han=han),
        vague=local or _POINTING.match(found.rest) is not None,
    )


def _characters(text: str) -> Words:
    """Return a Chinese text as single characters, and its Latin words whole."""
    kept = HAN_LIGHT.sub(" ", HAN_NEGATION.sub(" ", _HAN_TURN.sub(" ", text)))
    written = tuple(re.findall(r"[A-Za-z0-9]+|[\u3400-\u4dbf\u4e00-\u9fff]", kept))
    return Words(written, tuple(word.lower() for word in written))


def _subject(sentence: Words) -> dict[str, int]:
    """Return the words that say what is spoken of, under one form each, and where they stand."""
    denying = _denying(sentence)
    found: dict[str, int] = {}
    for at, (written, stemmed) in enumerate(zip(sentence.written, sentence.stems, strict=True)):
        if written in {PLACEHOLDER, SHARE} or at in denying or stemmed in LIGHT:
            continue
        lower = written.lower()
        says_nothing = is_plain(written) or (lower.endswith("ly") and lower not in NO_ADVERBS)
        if stemmed in SAME or stemmed in TELLING or not says_nothing:
            found.setdefault(SAME.get(stemmed, stemmed), at)
    return found


def _turns(sentence: Words) -> tuple[Turn, ...]:
    """Return the words of direction that are said of the subject, not those that name it."""
    first = next((at for at, word in enumerate(sentence.written) if not is_plain(word)), -1)
    verb = next((at for at, w in enumerate(sentence.written) if w.lower() in VERBS), first)
    denying = _denying(sentence)
    found: list[Turn] = []
    for at, written in enumerate(sentence.written):
        sides = DIRECTIONS.get(written.lower(), frozenset())
        acts = at != first and any(axis in ACTS for axis, _ in sides)
        states = sides and first < verb < at
        if (acts or states) and at not in denying and not _grades(sentence, at):
            found.append(_turn(sentence, at, sides))
    return tuple(found)


def _turn(sentence: Words, at: int, sides: frozenset[Place]) -> Turn:
    """Return a word of direction with the word that grades it, if there is one."""
    written = sentence.written[at]
    if not at or not _grades(sentence, at - 1):
        return Turn(written, sides)
    grade = sentence.written[at - 1]
    flipped = frozenset((axis, not side) for axis, side in sides)
    return Turn(f"{grade} {written}", flipped if grade.lower() == "less" else sides)


def _grades(sentence: Words, at: int) -> bool:
    """Whether a word is the "more" of "more expensive", which points nowhere by itself."""
    following = sentence.written[at + 1].lower() if at + 1 < len(sentence.written) else ""
    return sentence.written[at].lower() in {"more", "less"} and following in DIRECTIONS


_HAN_TURN: Final = re.compile(
    "|".join(sorted((w for w in DIRECTIONS if _HAN.match(w)), key=lambda w: (-len(w), w)))
)


def _turns_in_han(text: str) -> tuple[Turn, ...]:
    return tuple(Turn(match[0], DIRECTIONS[match[0]]) for match in _HAN_TURN.finditer(text))


def _denying(sentence: Words) -> tuple[int, ...]:
    """Return the places of negations: "without" says under what, and "non-smokers" are a group."""
    places = negation_places(sentence)
    return tuple(at for at in places if sentence.written[at].lower() not in _NO_NEGATION)


def _denials(sentence: Words) -> tuple[Denial, ...]:
    """Return what is denied, by the first word of content after each negation."""
    found: list[Denial] = []
    for at in _denying(sentence):
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
