"""Reads the numbers, percentages and months of a sentence, so that they can be compared."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_SCALES: Final = {
    "hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12,
    "k": 3, "m": 6, "b": 9, "bn": 9, "t": 12,
    "百": 2, "千": 3, "万": 4, "萬": 4, "百万": 6, "千万": 7, "亿": 8, "億": 8, "万亿": 12,
}  # fmt: skip
_NUMBER: Final = re.compile(
    r"(?<![A-Za-z0-9_.])(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:\s*(?P<scale>hundred|thousand|million|billion|trillion|百万|千万|万亿|[百千万萬亿億])"
    r"|(?P<suffix>[kKMB]|bn)(?![A-Za-z0-9]))?"
    r"(?P<percent>\s*(?:%|％|percent\b|per\s+cent\b))?",
    re.IGNORECASE,
)
_WORDS: Final = {
    word: Decimal(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {
    word: Decimal(value)
    for word, value in zip(
        "thirty forty fifty sixty seventy eighty ninety".split(), range(30, 100, 10), strict=True
    )
}
_WORD: Final = re.compile(
    rf"\b({'|'.join(_WORDS)})(?:[\s-]+(hundred|thousand|million|billion|trillion))?"
    r"(\s+(?:percent|per\s+cent)\b)?(?![A-Za-z])",
    re.IGNORECASE,
)
_HAN_DIGITS: Final = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_HAN_UNITS: Final = {"十": 10, "百": 100, "千": 1_000}
_HAN: Final = re.compile(
    r"(百分之)?([零〇一二三四五六七八九两十百千万亿点]+)(?:(成)([一二三四五六七八九])?)?"
)
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|"
        "september sep sept|october oct|november nov|december dec".split("|"),
        start=1,
    )
    for name in names.split()
}
_MONTH: Final = re.compile(
    rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?)?({'|'.join(_MONTHS)})\b\.?,?\s+\d"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?({'|'.join(_MONTHS)})\b",
    re.IGNORECASE,
)
_ISO_MONTH: Final = re.compile(r"\b\d{4}[-/](\d{1,2})(?:[-/]\d{1,2})?\b|(?<!\d)(\d{1,2})\s*月")

Fact = tuple[str, Decimal]
"""A kind (``number``, ``percent`` or ``month``) and a value."""


def facts(text: str) -> frozenset[Fact]:
    """Return the numbers, percentages and months a sentence states in digits or by name.

    ``1,000``, ``1 thousand``, ``1k`` and ``0.1万`` are one number; ``5 %`` and ``5 percent`` one
    percentage. Digits inside a name (``H100``) are not numbers; ``GPT-4`` has a 4.
    """
    found: set[Fact] = set()
    for match in _NUMBER.finditer(text):
        value = Decimal(match["digits"].replace(",", ""))
        scale = match["scale"] or match["suffix"]
        if scale:
            value = value.scaleb(_SCALES[scale.lower()])
        found.add(("percent" if match["percent"] else "number", value.normalize()))
    for match in _MONTH.finditer(text):
        found.add(("month", Decimal(_MONTHS[(match[1] or match[2]).lower()])))
    return frozenset(found)


def stated(text: str) -> frozenset[Fact]:
    """Return all that evidence states: the same, and also numbers in words and months in digits."""
    found = set(facts(text))
    for match in _WORD.finditer(text):
        value = _WORDS[match[1].lower()]
        if match[2]:
            value = value.scaleb(_SCALES[match[2].lower()])
        found.add(("percent" if match[3] else "number", value.normalize()))
    for match in _HAN.finditer(text):
        value = _han(match[2])
        if match[3]:
            tenths = value + Decimal(_HAN_DIGITS.get(match[4] or "", 0)) / 10
            found.add(("percent", (tenths * 10).normalize()))
        found.add(("percent" if match[1] else "number", value.normalize()))
    for match in _ISO_MONTH.finditer(text):
        found.add(("month", Decimal(match[1] or match[2])))
    return frozenset(found)


def missing(sentence: str, evidence: str) -> tuple[str, ...]:
    """Return, in words for a person, each number, percentage or month the evidence does not state.

    A plain number may rest on a percentage of the same value, but not the other way round.
    """
    there = stated(evidence)
    return tuple(
        sorted(
            _said(kind, value)
            for kind, value in facts(sentence)
            if (kind, value) not in there and not (kind == "number" and ("percent", value) in there)
        )
    )


def _said(kind: str, value: Decimal) -> str:
    return {"percent": f"{value:f} %", "month": f"month {value:f}"}.get(kind, f"{value:f}")


def _han(numeral: str) -> Decimal:
    """Return the value of a Chinese numeral such as 三百二十 or 九点五; parts add up."""
    whole, _, fraction = numeral.partition("点")
    total = section = digit = 0
    for character in whole:
        if character in _HAN_DIGITS:
            digit = _HAN_DIGITS[character]
        elif character in _HAN_UNITS:
            section += (digit or 1) * _HAN_UNITS[character]
            digit = 0
        else:  # 万 and 亿 multiply all that stands before them
            total = (total + section + digit or 1) * 10 ** _SCALES[character]
            section = digit = 0
    value = Decimal(total + section + digit)
    digits = "".join(str(_HAN_DIGITS[c]) for c in fraction if c in _HAN_DIGITS)
    return value + Decimal(f"0.{digits}") if digits else value
