"""An honest model that words things its own way: what it writes is true, and no copy.

For measuring false alarms: a check that refuses one of these sentences refuses a true one.
"""

from __future__ import annotations

import json
import re
from random import Random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.testing.changing import Request

REWORDED_FORMS: Final = ("SectionReply", "RepairReply")


class Rewording:
    """Rewords the sentences of claims, and leaves their quotes verbatim.

    The same sentence is always reworded alike. ``reworded`` lists each as it was and as it became.
    """

    def __init__(self) -> None:
        self.reworded: dict[str, str] = {}

    def __call__(self, request: Request, answer: str) -> str:
        """Return the answer with its claims reworded."""
        if request.form not in REWORDED_FORMS:
            return answer
        given = json.loads(answer)
        for claim in given["claims"]:
            said = claim["sentence"]
            claim["sentence"] = self.reworded.setdefault(said, reworded(said))
        return json.dumps(given, ensure_ascii=False)


def reworded(sentence: str) -> str:
    """Return another sentence that says the same: about half of what can be reworded, is."""
    chance = Random(sentence)  # noqa: S311 - chosen by the sentence, not secret
    changes = [change for change in _CHANGES if change(sentence) != sentence]
    for change in changes:
        if len(changes) == 1 or chance.random() < 1 / 2:
            sentence = change(sentence)
    return sentence


_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_LOWERED: Final = re.compile(
    r"(?:The|A|An|In|On|At|For|With|By|From|To|Most|Many|Some|Few|All|Each|Every|No|One|Two|Three"
    r"|When|If|While|Because|Since|Although|After|Before|Once|Unless|As|Where|Whether|What|How)\b"
)
_ASIDE: Final = re.compile(r"\s*\([^()]*\)|（[^（）]*）")
_SUBORDINATE: Final = "if|when|because|although|while|after|before|unless|once|whenever"
_FIRST: Final = re.compile(rf"({_SUBORDINATE})\s([^,;:]+), ([^,;:]+)\.", re.IGNORECASE)
_LAST: Final = re.compile(rf"([^,;:]+?),? ({_SUBORDINATE}) ([^,;:]+)\.")
_THOUSANDS: Final = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?![\d,.]\d|\w)")
_PERCENT: Final = re.compile(r"(?<=\d)\s?%(?!\w)")
_MILLIONS: Final = re.compile(r"(?<![\w.,])(\d{1,3}) million\b")
_CONTRACTED: Final = (
    (re.compile(r"\b(is|are|was|were|do|does|did|has|have|should|would|could) not\b"), r"\1n't"),
    (re.compile(r"\bcannot\b"), "can't"),
    (re.compile(r"\bwill not\b"), "won't"),
    (re.compile(r"\bit is\b"), "it's"),
)
_SYNONYMS: Final = (
    dict(
        pair.split("/")
        for pair in (
            "often/frequently usually/normally mostly/mainly nearly/almost whole/entire "
            "method/approach methods/approaches problem/issue problems/issues requires/needs "
            "shows/demonstrates show/demonstrate begins/starts begin/start buys/purchases "
            "buy/purchase keeps/retains keep/retain quickly/rapidly therefore/thus"
        ).split()
    ),
    dict(pair.split("/") for pair in "如果/假如 因为/由于 使用/采用 非常/十分 大约/约".split()),
)


def _told(sentence: str) -> str:
    """Say whose words they are."""
    if _HAN.search(sentence):
        return f"据该来源，{sentence}"
    if _LOWERED.match(sentence):
        return f"According to the source, {sentence[0].lower()}{sentence[1:]}"
    return f"{sentence[:-1]}, according to the source." if sentence.endswith(".") else sentence


def _without_asides(sentence: str) -> str:
    return _ASIDE.sub("", sentence)


def _turned(sentence: str) -> str:
    """Put the other clause first."""
    if found := _FIRST.fullmatch(sentence):
        main = f"{found[3][0].upper()}{found[3][1:]}"
        return f"{main} {found[1].lower()} {found[2]}."
    if (found := _LAST.fullmatch(sentence)) and _LOWERED.match(sentence):
        main = f"{found[1][0].lower()}{found[1][1:]}"
        return f"{found[2].capitalize()} {found[3]}, {main}."
    return sentence


def _with_other_numbers(sentence: str) -> str:
    """Write the same numbers in another form."""
    plain = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), sentence)
    plain = _MILLIONS.sub(r"\1,000,000", plain)
    return plain if _HAN.search(plain) else _PERCENT.sub(" percent", plain)


def _contracted(sentence: str) -> str:
    for pattern, short in _CONTRACTED:
        sentence = pattern.sub(short, sentence)
    return sentence


def _with_synonyms(sentence: str) -> str:
    latin, han = _SYNONYMS
    sentence = re.sub(r"\b[a-z]+\b", lambda found: latin.get(found[0], found[0]), sentence)
    for word, other in han.items():
        sentence = sentence.replace(word, other)
    return sentence


_CHANGES: Final[tuple[Callable[[str], str], ...]] = (
    _without_asides,
    _with_synonyms,
    _contracted,
    _with_other_numbers,
    _turned,
    _told,
)
