"""A model that misbehaves as real ones do, at given rates, and keeps a log of what it planted.

What it does depends on its seed and on what it is asked, and on nothing else: the same run
misbehaves in the same way again. ``agent.testing.changing`` puts it in front of an honest endpoint.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from agent.testing.obedient import obeyed
from agent.testing.spoiling import (
    Spoiled,
    invented_passage,
    negated,
    with_another_name,
    with_another_number,
    with_invented_words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.testing.changing import Request

ItemFault: TypeAlias = Literal[
    "invented_id", "invented_quote", "invented_number", "flipped_negation", "swapped_entity"
]
AnswerFault: TypeAlias = Literal["prose", "wrong_language", "half_json", "empty", "obedient"]
Fault: TypeAlias = Literal[ItemFault, AnswerFault]

ITEM_FAULTS: Final[tuple[ItemFault, ...]] = get_args(ItemFault)
"""Faults of single items: a claim, a sentence of the summary, a quote, a section, a ruling."""

ANSWER_FAULTS: Final[tuple[AnswerFault, ...]] = get_args(AnswerFault)
"""Faults of whole answers, whatever the form."""

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Planted:
    """One thing that was planted, for harnesses that count what was caught.

    ``task`` is the name of the form that was filled. ``original`` and ``spoiled`` are the sentence,
    the quote or the id before and after; of a whole answer, the answer. ``words`` are those that
    make it false.
    """

    fault: Fault
    task: str
    original: str
    spoiled: str
    words: str


class Misbehaving:
    """Spoils answers: each item with the rate of an item's fault, each answer with an answer's.

    Rates are shares, from 0 to 1; an item has one fault at most, and so has an answer. An item that
    offers no hold for the fault drawn, such as a sentence without a name, stays as it is.
    """

    def __init__(self, faults: Mapping[Fault, float], *, seed: int = 0) -> None:
        for kinds in (ITEM_FAULTS, ANSWER_FAULTS):
            if sum(faults.get(kind, 0.0) for kind in kinds) > 1:
                message = f"rates of {', '.join(kinds)} must not add up to more than 1"
                raise ValueError(message)
        self._faults = faults
        self._seed = seed
        self.planted: list[Planted] = []

    def __call__(self, request: Request, answer: str) -> str:
        """Return the answer, spoiled or not."""
        chance = _chance(self._seed, request)
        given = json.loads(answer)
        fault = self._drawn(ANSWER_FAULTS, chance)
        if fault == "obedient":
            return self._obedient(request, answer, chance)
        if fault is not None:
            spoiled = _ANSWERS[fault](given, chance)
            self.planted.append(Planted(fault, request.form, answer, spoiled, spoiled))
            return spoiled
        read = _read(request.prompt)
        for item in _items(given):
            kind = self._drawn(ITEM_FAULTS, chance)
            if kind is not None:
                self._spoil(item, kind, request.form, read, chance)
        return json.dumps(given, ensure_ascii=False)

    def _drawn(self, kinds: tuple[Fault, ...], chance: Random) -> Fault | None:
        """Draw one of the faults, or none, by their rates."""
        drawn = chance.random()
        for kind in kinds:
            drawn -= self._faults.get(kind, 0.0)
            if drawn < 0:
                return kind
        return None

    def _spoil(self, item: Item, fault: Fault, form: str, read: str, chance: Random) -> None:
        holder, key = _target(item, fault, chance)
        if holder is None:
            return
        original = str(holder[key])
        spoiled = _ITEMS[fault](original, read, chance)
        if spoiled is not None and spoiled.text != original:
            holder[key] = spoiled.text
            self.planted.append(Planted(fault, form, original, spoiled.text, spoiled.words))

    def _obedient(self, request: Request, answer: str, chance: Random) -> str:
        obeying, orders = obeyed(request, json.loads(answer), chance)
        self.planted.extend(
            Planted("obedient", request.form, "", done, order) for order, done in orders
        )
        return json.dumps(obeying, ensure_ascii=False)


def evenly(rate: float, *kinds: Fault) -> dict[Fault, float]:
    """Return the rates of some faults that together have the given one."""
    return dict.fromkeys(kinds, rate / len(kinds))


def _chance(seed: int, request: Request) -> Random:
    """Return the chances of one request: concurrent calls may come in any order."""
    asked = json.dumps([seed, request.form, *request.turns])
    return Random(hashlib.sha256(asked.encode()).digest())  # noqa: S311 - faults, not secrets


# --- items --------------------------------------------------------------------------------------

_LISTS: Final = ("claims", "sentences", "quotes", "sections", "rulings")
_IDS: Final = ("claims", "sub_questions")


def _items(given: Mapping[str, Any]) -> list[Item]:
    """Return the items of an answer: what the lists of its form hold."""
    found = (given[name] for name in _LISTS if name in given)
    return [item for items in found for item in items if isinstance(item, dict)]


Target = tuple[dict[Any, Any] | list[Any] | None, Any]
"""What holds a text, and its key or index there; None if an item has no such text."""


def _target(item: Item, fault: Fault, chance: Random) -> Target:
    """Return where in an item the text stands that a fault spoils."""
    if fault not in {"invented_id", "invented_quote"}:
        return (item, "sentence") if "sentence" in item else (None, None)
    quotation = chance.choice(item["citations"]) if item.get("citations") else item
    if fault == "invented_quote":
        words = next((key for key in ("quote", "words") if quotation.get(key)), None)
        return (quotation, words) if words else (None, None)
    if "passage" in quotation:
        return quotation, "passage"
    named = next((item[key] for key in _IDS if isinstance(item.get(key), list) and item[key]), None)
    return (named, 0) if named else (None, None)


_PASSAGE: Final = re.compile(r"^(?:S\d+\.\d+|c\d+:|evidence \d+:) (.+)$", re.MULTILINE)


def _read(prompt: str) -> str:
    """Return the texts a prompt shows: passages, claims, evidence."""
    return "\n".join(_PASSAGE.findall(prompt))


_ITEMS: Final[Mapping[Fault, Callable[[str, str, Random], Spoiled | None]]] = {
    "invented_id": lambda text, _, chance: invented_passage(text, chance),
    "invented_quote": lambda text, _, chance: with_invented_words(text, chance),
    "invented_number": with_another_number,
    "flipped_negation": lambda text, _, chance: negated(text, chance),
    "swapped_entity": with_another_name,
}


# --- whole answers ------------------------------------------------------------------------------

_WORDED: Final = ("sentence", "title")

_TALK: Final = "Certainly! From what I know of the subject, most experts agree on the following."
_ELSEWHERE: Final = (
    "根据来源，实际情况与人们通常的看法有所不同。",
    "Nach dieser Quelle ist die Lage nicht so, wie sie von den meisten dargestellt wird.",
    "The source says that the matter is not what it is commonly taken to be in this field.",
)
"""In each of three languages: whichever a report is in, two are wrong."""


def _in_prose(given: Mapping[str, Any], chance: Random) -> str:
    said = [str(item["sentence"]) for item in _items(given) if "sentence" in item]
    chance.shuffle(said)
    return " ".join((_TALK, *said))


def _in_another_language(given: dict[str, Any], chance: Random) -> str:
    """Put every sentence in a language that is not the answer's; quotes, as told, stay."""
    for item in _items(given):
        for key in _WORDED:
            if key in item:
                item[key] = chance.choice(_ELSEWHERE[:2] if item[key].isascii() else _ELSEWHERE[1:])
    return json.dumps(given, ensure_ascii=False)


def _cut_in_half(given: Mapping[str, Any], chance: Random) -> str:
    text = json.dumps(given, ensure_ascii=False)
    return text[: chance.randint(1, max(1, len(text) * 9 // 10))]


def _emptied(given: Mapping[str, Any], chance: Random) -> str:
    """Return nothing, an object of nothing, or lists without items."""
    no_items = {key: [] if isinstance(value, list) else value for key, value in given.items()}
    return chance.choice(("", "{}", " \n", json.dumps(no_items, ensure_ascii=False)))


_ANSWERS: Final[Mapping[Fault, Callable[[dict[str, Any], Random], str]]] = {
    "prose": _in_prose,
    "wrong_language": _in_another_language,
    "half_json": _cut_in_half,
    "empty": _emptied,
}
