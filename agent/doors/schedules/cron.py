"""What the five fields of a cron expression stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agent.errors import InvalidOption

FIELDS: Final = ("minute", "hour", "day of the month", "month", "day of the week")
RANGES: Final = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec".split()
WEEKDAYS: Final = "sun mon tue wed thu fri sat".split()
SUNDAY: Final = 7
NICKNAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
MEND: Final = "give minute, hour, day, month and weekday, as in '0 7 * * 1' for Mondays at 7:00"


@dataclass(frozen=True, slots=True)
class Cron:
    """The values each field stands for, in order; 0 is Sunday.

    ``text`` is the expression with numbers for names, as every cron reads it. ``either_day``: both
    kinds of day are restricted, and then cron takes a day that fits one of them.
    """

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either_day: bool


def cron(text: str) -> Cron:
    """Return what an expression stands for; raise InvalidOption, naming the field, if nothing."""
    words = NICKNAMES.get(text.strip().lower(), text).split()
    if len(words) != len(FIELDS):
        raise InvalidOption("cron", f"{text!r} is no cron expression of 5 fields", mend=MEND)
    words = [_in_numbers(at, word) for at, word in enumerate(words)]
    minutes, hours, days, months, weekdays = (_values(at, word) for at, word in enumerate(words))
    return Cron(
        text=" ".join(words),
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=tuple(sorted({day % SUNDAY for day in weekdays})),
        either_day=not any(word.startswith("*") for word in (words[2], words[4])),
    )


def _in_numbers(at: int, word: str) -> str:
    """Return a field with numbers for the names of months or weekdays."""
    names = {3: MONTHS, 4: WEEKDAYS}.get(at, [])
    numbers = {name: str(number) for number, name in enumerate(names, RANGES[at][0])}
    return re.sub("[a-z]+", lambda name: numbers.get(name[0], name[0]), word.lower())


def _values(at: int, word: str) -> tuple[int, ...]:
    return tuple(sorted({value for part in word.split(",") for value in _part(at, part)}))


def _part(at: int, part: str) -> range:
    """Return the values of ``*``, ``5`` or ``1-5``; a step as in ``*/2`` needs a range."""
    span, slash, step = part.partition("/")
    low, high = RANGES[at]
    first, dash, last = span.partition("-")
    if span != "*":
        low = _number(at, first)
        high = _number(at, last) if dash else low
    elif at == FIELDS.index("day of the week"):
        high = SUNDAY - 1
    every = int(step or 0) if step.isdecimal() else 0 if slash else 1
    if every < 1 or low > high or (slash and low == high):
        raise InvalidOption("cron", f"{part!r} is no {FIELDS[at]} of a cron expression", mend=MEND)
    return range(low, high + 1, every)


def _number(at: int, word: str) -> int:
    low, high = RANGES[at]
    if not (word.isascii() and word.isdecimal() and low <= int(word) <= high):
        raise InvalidOption(
            "cron",
            f"{word!r} is no {FIELDS[at]} of a cron expression: that is {low} to {high}",
            mend=MEND,
        )
    return int(word)
