"""Reads the quantities of a sentence as what they leave open: an interval, with a unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from agent.domain.disagreements.vocabulary import LIGHT, SAME
from agent.domain.numbers import facts, stated
from agent.domain.ranking import STOP_WORDS
from agent.domain.support.words import is_plain, stem

ABOUT: Final = Decimal("0.1")
"""Share by which a number that is "about" right may be off."""
ROUND: Final = Decimal("0.02")
"""Share by which a number that ends in zeros may be off, for want of a word that says so."""

PLACEHOLDER: Final = "000"
SHARE: Final = "0000"
"""Stand where a quantity, or a percentage, stood: "of" after them means two things."""

_DIGITS: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_WORDS: Final = (
    r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    r"sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\b"
)
_SCALE: Final = (
    r"(?:\s*(?:thousand|million|billion|trillion|bn|百万|千万|万亿|[千万亿])|[kKMB](?![A-Za-z0-9]))"
)
_PERCENT: Final = r"\s*(?:%|％|percent\b(?!age)|per\s+cent\b)"
_AMOUNT: Final = (
    rf"(?:[$€£¥]\s?)?(?:{_DIGITS}|\b{_WORDS}){_SCALE}?(?:{_PERCENT})?"
    r"|百分之(?:[零一二三四五六七八九十百两]+(?:点[零一二三四五六七八九]+)?|\d+(?:\.\d+)?)"
)
_QUANTITY: Final = re.compile(
    rf"(?<![A-Za-z0-9_.,])(?<![A-Za-z0-9][-–])(?P<one>{_AMOUNT})(?![A-Za-z]*\d)"
    rf"(?:\s*(?P<joint>-|–|—|~|to|and|至|到)\s*(?P<two>{_AMOUNT}))?",
    re.IGNORECASE,
)
_UNIT: Final = re.compile(
    r"[\s-]?(?P<unit>°[CF]|[A-Za-zµ]+"
    r"|[\u4e00-\u9fff]{1,4}?(?=左右|上下|以上|以下|[^\u4e00-\u9fff]|$)|[\u4e00-\u9fff]{1,2})"
)
_YEAR: Final = re.compile(
    r"(?<![\d.,$€£¥])(?P<year>1[5-9]\d\d|20\d\d)(?![\d%％]|[.,]\d|\s*(?:percent|per cent))"
    r"(?P<suffix>\s*年)?(?=(?P<after>\s+[a-z]+)?)"
)
_DATE_BEFORE: Final = re.compile(
    r"\b(?:the|a|an|in|since|by|from|until|before|after|year|during|early|late|mid|through|january|"
    r"february|march|april|may|june|july|august|september|october|november|december)[\s-]*$",
    re.IGNORECASE,
)
_DATE_PERHAPS_BEFORE: Final = re.compile(r"(?:\b(?:of|to|between|and)|[-–(,])\s*$", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"(?:[a-z][ ]|\b)(?P<name>[A-Z][A-Za-z-]*|phase|type|table|figure|section|version|grade|class|"
    r"stage|level|chapter|step|category|no\.)\s$"
)
_OVER: Final = re.compile(
    r"(?:more than|over|above|at least|exceed(?:s|ed|ing)?|no (?:fewer|less) than|upwards of|"
    r"超过|至少|不少于|高于|逾)\s*$",
    re.IGNORECASE,
)
_UNDER: Final = re.compile(
    r"(?:less than|under|below|fewer than|at most|up to|no more than|不到|不足|至多|低于|最多)\s*$",
    re.IGNORECASE,
)
_NEARLY: Final = re.compile(
    r"(?:about|around|approximately|roughly|nearly|almost|some|circa|close to|an estimated|"
    r"~|≈|约为|约|大约|近|将近|接近)\s*$",
    re.IGNORECASE,
)
_OVER_AFTER: Final = re.compile("^(?:以上|多)")
_UNDER_AFTER: Final = re.compile("^以下")
_NEARLY_AFTER: Final = re.compile("^(?:左右|上下)| or so\\b")
_BY: Final = re.compile(
    r"(?:\bby|\b(?:increas|decreas|declin|reduc|gr[eo]w|r[oi]se|f[ae]ll|drop|cut)[a-z]*"
    r"|增长|增加|上升|提高|下降|减少|降低|了)\s*$",
    re.IGNORECASE,
)
_DIFFERENCE: Final = re.compile(
    r"^\s*(?:more|less|fewer|higher|lower|faster|slower|increase|decrease|decline|rise|growth|drop|"
    r"reduction|cheaper|larger|smaller|better|worse)\b",
    re.IGNORECASE,
)
_FROM: Final = re.compile(r"(?:\bfrom|从|由)\s*$", re.IGNORECASE)
_GIVEN: Final = re.compile(
    r"\b(?:at|with|after|within|among|using|during|aged|under)\s*$|^\s*(?:in|for|over)\s*$",
    re.IGNORECASE,
)
_ATTRIBUTE: Final = re.compile(r"-[a-z]", re.IGNORECASE)
"""After a number that tells one thing from another: an 8-layer model."""
_CURRENCIES: Final = {
    form: sign
    for sign, forms in {
        "$": "$ dollar dollars usd 美元",
        "€": "€ euro euros eur 欧元",
        "£": "£ sterling",
        "¥": "¥ yuan rmb cny 元 人民",
    }.items()
    for form in forms.split()
}
_SIGNS: Final = frozenset(_CURRENCIES.values())
TIMES: Final = frozenset(
    "second minut hour day week month year decad century 年 天 周 个月 小时".split()
)
"""Units of a stretch of time, which says over what something holds."""
_LONGEST_CUE: Final = 20
"""Characters before a number in which a word on it ends."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit: ``low`` to ``high`` is what it may be, ``step`` its last digit's.

    ``change`` says that something differs by it; ``given`` is a quantity under which something
    holds (after 12 weeks, in 3 studies), not one that is found.
    """

    said: str
    unit: str
    change: bool
    low: Decimal
    high: Decimal
    step: Decimal
    given: bool = False

    @property
    def kind(self) -> tuple[str, bool]:
        """What it can be compared with: 5 % more is no 5 %."""
        return self.unit, self.change

    @property
    def conditions(self) -> bool:
        """Whether it may say under what, or over what time, the rest of a statement holds."""
        return self.given or self.unit in TIMES

    def agrees_with(self, other: Quantity) -> bool:
        """Whether both can be so: they overlap, or one is the other with fewer digits."""
        if self.low <= other.high and other.low <= self.high:
            return True
        coarse, fine = (self, other) if self.step >= other.step else (other, self)
        apart = max(fine.low - coarse.high, coarse.low - fine.high)
        return coarse.step > fine.step and apart <= coarse.step / 2


@dataclass(frozen=True, slots=True)
class Measured:
    """The quantities and years of a text, and the text that is left without them."""

    quantities: tuple[Quantity, ...]
    years: tuple[str, ...]
    rest: str


def measured(text: str) -> Measured:
    """Take the quantities and years out of a text; numbers that belong to a name stay in it."""
    years = [match for match in _YEAR.finditer(text) if _is_year(match, text)]
    for match in reversed(years):
        text = f"{text[: match.start()]} {text[match.end() :]}"
    found: list[Quantity] = []
    rest: list[str] = []
    at = 0
    while match_ := _QUANTITY.search(text, at):
        quantity, end = _read(match_, text)
        rest.append(text[at : match_.start()])
        if quantity is None:
            rest.append(text[match_.start() : end])
        else:
            found.append(quantity)
            rest.append(f" {SHARE if quantity.unit == 'percent' else PLACEHOLDER} ")
        at = end
    rest.append(text[at:])
    names = tuple(dict.fromkeys(match["year"] for match in years))
    return Measured(tuple(found), names, "".join(rest))


def _is_year(match: re.Match[str], text: str) -> bool:
    """Whether four digits are a year: a word before them or after them says so."""
    before, following = text[: match.start()], (match["after"] or "").strip()
    if match["suffix"] or _DATE_BEFORE.search(before):
        return True
    is_counted = following != "" and following not in STOP_WORDS
    return not is_counted and (bool(following) or bool(_DATE_PERHAPS_BEFORE.search(before)))


def _read(match: re.Match[str], text: str) -> tuple[Quantity | None, int]:
    """Return a quantity and where its number ends; none if the number is part of a name."""
    before = text[max(0, match.start() - _LONGEST_CUE) : match.start()]
    two = match["two"] if _is_range(match, before) else None
    amount, end = (two, match.end("two")) if two else (match["one"], match.end("one"))
    kind, value = _value(amount)
    if kind != "percent" and _is_name(before):
        return None, end
    after = text[end : end + _LONGEST_CUE]
    least = _lower_end(match["one"], two) if two else value
    low, high = _opened(least, value, before, after)
    unit, unit_end = _unit(match["one"], kind, text, end)
    is_given = _GIVEN.search(before) or _ATTRIBUTE.match(after) or unit in LIGHT
    given = kind != "percent" and unit not in _SIGNS and bool(is_given)
    return Quantity(
        said=text[_with_cue(text, match.start()) : unit_end].strip(),
        unit=unit,
        change=bool(_BY.search(before) or _DIFFERENCE.search(after)),
        low=low,
        high=high,
        step=_step(amount, value),
        given=given,
    ), end


def _is_range(match: re.Match[str], before: str) -> bool:
    """Whether two numbers are the ends of one; those of a change (from 5 to 8) are two values."""
    if match["joint"] == "and":
        return before.rstrip().lower().endswith("between")
    return bool(match["two"]) and not _FROM.search(before)


def _is_name(before: str) -> bool:
    """Whether a number belongs to the word before it: Phase 3, Apollo 11, but not "About 3"."""
    word = _NAMED.search(before)
    return word is not None and not (is_plain(word["name"]) or stem(word["name"]) in LIGHT)


def _value(amount: str) -> tuple[str, Decimal]:
    """Return whether an amount is a number or a percentage, and its value."""
    found = facts(amount) or stated(amount)
    kind, value = max(found, key=lambda fact: fact[1])
    return ("percent" if amount.startswith("百分之") else kind), value


def _lower_end(one: str, two: str) -> Decimal:
    """Return the lower end of a range, which may leave the scale to the upper: 10 to 15 million."""
    low = _value(one)[1]
    scaled = re.search(_SCALE, two) and not re.search(_SCALE, one)
    return low * _worth(two, _value(two)[1]) if scaled else low


def _step(amount: str, value: Decimal) -> Decimal:
    """Return the worth of the last digit that is written and says something."""
    written = _written(amount)
    worth = _worth(amount, value)
    if "." in written:
        return worth.scaleb(-len(written.partition(".")[2]))
    zeros = len(written) - len(written.rstrip("0"))
    return max(worth, min(worth.scaleb(zeros), 2 * ROUND * abs(value)))


def _worth(amount: str, value: Decimal) -> Decimal:
    """Return what a written 1 is worth: a million in "5 million"."""
    written = Decimal(_written(amount) or 0)
    return abs(value / written) if written else Decimal(1)


def _written(amount: str) -> str:
    """Return the digits of an amount; none if it is in words."""
    digits = re.search(_DIGITS, amount)
    return digits[0].replace(",", "") if digits else ""


def _opened(low: Decimal, high: Decimal, before: str, after: str) -> tuple[Decimal, Decimal]:
    """Widen an interval by the words beside it: over, up to, about."""
    if _OVER.search(before) or _OVER_AFTER.search(after):
        return low, Decimal("Infinity")
    if _UNDER.search(before) or _UNDER_AFTER.search(after):
        return Decimal("-Infinity"), high
    if _NEARLY.search(before) or _NEARLY_AFTER.search(after):
        return low - ABOUT * abs(low), high + ABOUT * abs(high)
    return low, high


def _unit(amount: str, kind: str, text: str, end: int) -> tuple[str, int]:
    """Return the unit in one form (percent, a sign, or the word after the number), and its end."""
    if kind == "percent":
        return "percent", end
    if amount[0] in _SIGNS:
        return amount[0], end
    word = _UNIT.match(text, end)
    if word is None or word["unit"].lower() in STOP_WORDS:
        return "", end
    stemmed = stem(word["unit"])
    return _CURRENCIES.get(word["unit"].lower(), SAME.get(stemmed, stemmed)), word.end()


def _with_cue(text: str, start: int) -> int:
    """Return where a quantity begins with the word that widens it, such as "about"."""
    cues = (cue.search(text[:start]) for cue in (_OVER, _UNDER, _NEARLY))
    return next((cue.start() for cue in cues if cue), start)
