"""Finds what a claim names or measures and its evidence does not: names, dates, units."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from agent.domain.numbers import Fact, facts, stated
from agent.domain.ranking import STOP_WORDS
from agent.domain.support.words import is_plain, kin, stem, without_references

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_ACRONYM: Final = 6

_NAME: Final = re.compile(r"[A-ZÀ-ÞΑ-ΩА-Я][\w'’.-]*\w|\b[A-Z]\b|\b[a-z]+[A-Z]\w*")
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
_SENTENCE_START: Final = re.compile(r"(?:^|[.!?:;]\s+|\n\s*)[\"'“‘(\[]*$")
_QUOTED_HAN: Final = re.compile(r"[《“「『]([^》”」』]{2,20})[》”」』]")
_YEAR: Final = re.compile(r"(?<![\d.,])(1[0-9]{3}|20[0-9]{2}|21[0-9]{2})(?!\d|[.,]\d|\s*%)")
_DAY: Final = re.compile(
    r"\b(monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b|星期[一二三四五六日天]|周[一二三四五六日]",
    re.IGNORECASE,
)
_UNITS: Final = {
    form: unit
    for unit, forms in {
        "kilometre": "km kilometer kilometers kilometre kilometres 公里 千米",
        "metre": "metre metres meter meters 米",
        "centimetre": "cm centimeter centimeters centimetre centimetres 厘米",
        "millimetre": "mm millimeter millimeters millimetre millimetres 毫米",
        "nanometre": "nm nanometer nanometers nanometre nanometres 纳米",
        "mile": "mile miles mi 英里",
        "foot": "ft foot feet 英尺",
        "inch": "inch inches 英寸",
        "gram": "g gram grams 克",
        "kilogram": "kg kilogram kilograms 公斤 千克",
        "milligram": "mg milligram milligrams 毫克",
        "tonne": "tonne tonnes ton tons 吨",
        "pound": "lb lbs",
        "litre": "l litre litres liter liters 升",
        "millilitre": "ml milliliter milliliters millilitre millilitres 毫升",
        "second": "s sec second seconds 秒",
        "millisecond": "ms millisecond milliseconds 毫秒",
        "minute": "min minute minutes 分钟",
        "hour": "h hr hrs hour hours 小时",
        "day": "day days 天",
        "week": "week weeks 周",
        "month": "month months 个月",
        "year": "year years yr yrs",
        "watt": "w watt watts 瓦",
        "kilowatt": "kw kilowatt kilowatts 千瓦",
        "megawatt": "mw megawatt megawatts 兆瓦",
        "gigawatt": "gw gigawatt gigawatts 吉瓦",
        "kilobyte": "kb", "megabyte": "mb", "gigabyte": "gb", "terabyte": "tb",
        "dollar": "dollar dollars usd 美元",
        "euro": "euro euros eur 欧元",
        "yuan": "yuan rmb cny 人民币",
        "celsius": "°c celsius 摄氏度",
        "fahrenheit": "°f fahrenheit 华氏度",
        "percent": "percent pct % ％",
        "hectare": "ha hectare hectares 公顷",
        "acre": "acre acres 英亩",
    }.items()
    for form in forms.split()
}  # fmt: skip
_QUANTITY: Final = re.compile(
    r"(?P<sign>[$€£¥])?\s?(?<![\w.])(?P<number>\d[\d,]*(?:\.\d+)?)"
    r"(?:\s?(?:million|billion|thousand|trillion|万|亿|百万))?"
    r"[\s-]?(?P<unit>°[CF]|[%％]|[A-Za-z]{1,12}|[\u4e00-\u9fff]{1,3})?"
)
_SIGNS: Final = {"$": "dollar", "€": "euro", "£": "sterling", "¥": "yuan"}
_COMMON_CAPITALS: Final = frozenset(
    "january february march april may june july august september october november december "
    "monday tuesday wednesday thursday friday saturday sunday mr mrs ms dr sir".split()
)


def missing_numbers(claim: str, evidence: str) -> tuple[str, ...]:
    """Return the plain numbers of the claim that the evidence does not state."""
    return tuple(_said(value) for value in _missing(claim, evidence, "number"))


def missing_percentages(claim: str, evidence: str) -> tuple[str, ...]:
    """Return the percentages of the claim that the evidence does not state as percentages."""
    return tuple(f"{_said(value)} %" for value in _missing(claim, evidence, "percent"))


def missing_dates(claim: str, evidence: str) -> tuple[str, ...]:
    """Return the years, months and days of the week of the claim that the evidence lacks."""
    months = [f"month {_said(value)}" for value in _missing(claim, evidence, "month")]
    years = set(_YEAR.findall(without_references(claim)))
    absent = years - set(_YEAR.findall(evidence)) if years else set()
    # 1200 may be 1,200 of something
    absent = {
        year for year in absent if ("number", Decimal(year).normalize()) not in _stated(evidence)
    }
    days = {match[0].lower() for match in _DAY.finditer(claim)}
    low = evidence.lower() if days else ""
    return (*sorted(absent), *months, *sorted(day for day in days if day not in low))


def _missing(claim: str, evidence: str, kind: str) -> list[Decimal]:
    """Return the facts of one kind that the evidence does not state, as numbers.missing has it."""
    wanted = [value for found, value in facts(without_references(claim)) if found == kind]
    if not wanted:
        return []
    there = _stated(evidence)
    return sorted(
        value
        for value in wanted
        if (kind, value) not in there and not (kind == "number" and ("percent", value) in there)
    )


def numbers_off(claim: str, evidence: str) -> float:
    """Return how far missing numbers are from the nearest stated one, 0..1 each, added up.

    A rounded number, or a year written short, is nearly stated.
    """
    lost = [*_missing(claim, evidence, "number"), *_missing(claim, evidence, "percent")]
    there = [float(value) for kind, value in _stated(evidence) if kind != "month"] if lost else []
    return sum(min((_apart(float(value), one) for one in there), default=1.0) for value in lost)


def _apart(one: float, other: float) -> float:
    largest = max(abs(one), abs(other))
    return abs(one - other) / largest if largest else 0.0


@lru_cache(maxsize=64)
def _stated(evidence: str) -> frozenset[Fact]:
    return stated(without_references(evidence))


def _said(value: Decimal) -> str:
    return f"{value:f}"


def missing_units(claim: str, evidence: str) -> tuple[str, ...]:
    """Return quantities the evidence gives in another unit: 5 km for 5 miles.

    A number that the evidence does not state at all is another reason, and not told here.
    """
    wanted = [(number, unit) for number, unit in _quantities(claim) if unit]
    if not wanted:
        return ()
    there: dict[str, set[str]] = {}
    for number, unit in _quantities(evidence):
        there.setdefault(number, set()).add(unit)
    return tuple(
        f"{number} {unit}"
        for number, unit in wanted
        if there.get(number) and unit not in there[number] and "" not in there[number]
    )


def missing_entities(claim: str, evidence: str) -> tuple[str, ...]:
    """Return the names of the claim (capitals, acronyms, titles) of which a word is missing.

    A name stands in the evidence if each of its words does, in any form and case; an acronym also
    if the initials of a run of words there spell it. A capital at the start of a sentence counts
    only if the word is not one that any sentence may start with.
    """
    wanted = names(claim)
    there = _Vocabulary.of(evidence) if wanted else None
    lost = [
        name
        for name in wanted
        if there and not all(there.has(part) for part in _WORD.findall(name))
    ]
    titles = [title for title in _QUOTED_HAN.findall(claim) if title not in evidence]
    return tuple(dict.fromkeys([*lost, *titles]))


def names(text: str) -> tuple[str, ...]:
    """Return the names of a text: runs of words with capitals, and acronyms."""
    clean = without_references(text)
    found: list[list[str]] = []
    last = -2
    for match in _NAME.finditer(clean):
        word = match[0].removesuffix("'s").removesuffix("’s")
        starts = bool(_SENTENCE_START.search(clean, max(0, match.start() - 6), match.start()))
        if starts and (is_plain(word) or not _is_name_at_start(word, clean, match.end())):
            continue
        if word.lower() in _COMMON_CAPITALS or word.lower() in STOP_WORDS or word == "I":
            continue
        if match.start() - last <= 1 and found:
            found[-1].append(word)
        else:
            found.append([word])
        last = match.end()
    return tuple(" ".join(run) for run in found)


def _is_name_at_start(word: str, text: str, end: int) -> bool:
    """Whether the first word of a sentence has a capital within, or another one after it."""
    return not word[1:].islower() or bool(re.match(r"\s[A-Z][a-z]", text[end : end + 3]))


class _Vocabulary:
    """The words of a text, however inflected, and the initials its words spell."""

    def __init__(self, text: str) -> None:
        written = _WORD.findall(text)
        self._stems = {stem(word) for word in written} | {
            stem(part)
            for word in text.split()
            for part in [word.strip(".,;:()[]'\"").replace(".", "")]
        }
        self._kin = {kin(stemmed) for stemmed in self._stems} - {""}
        self._initials = "".join(word[0].lower() for word in written)
        self._initials_of_content = "".join(
            word[0].lower() for word in written if not is_plain(word)
        )
        self._text = text.lower()

    @staticmethod
    @lru_cache(maxsize=64)
    def of(text: str) -> _Vocabulary:
        return _Vocabulary(text)

    def has(self, word: str) -> bool:
        stemmed = stem(word)
        if stemmed in self._stems or is_plain(word):
            return True
        if word.isupper() and 1 < len(word) <= LONGEST_ACRONYM:
            return word.lower() in self._initials or word.lower() in self._initials_of_content
        return bool(kin(stemmed)) and kin(stemmed) in self._kin


def _quantities(text: str) -> Iterable[tuple[str, str]]:
    """Yield each number with the unit after it, in one form; without a unit, with nothing."""
    for match in _QUANTITY.finditer(text):
        raw = (match["unit"] or "").lower()
        unit = _UNITS.get(raw) or _UNITS.get(raw[:2]) or _UNITS.get(raw[:1]) if (
            raw and not raw.isascii() and not raw.startswith("°")
        ) else _UNITS.get(raw)  # fmt: skip
        yield (
            match["number"].replace(",", "").rstrip("."),
            unit or _SIGNS.get(match["sign"] or "", ""),
        )
