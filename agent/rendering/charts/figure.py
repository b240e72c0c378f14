"""A picture as values: shapes in units of a grid that is 360 wide, and the same as a table."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from agent.domain.question import SourceKind
    from agent.rendering.words import Words

WIDTH: Final = 360
"""About a phone's width in CSS pixels: there the letters have the size they were set in."""

SERIES: Final[dict[SourceKind, str]] = {"web": "a", "arxiv": "b", "scholar": "c", "corpus": "d"}
"""The colour of each kind of source, by the name the style sheet has for it."""

KEY_ROW: Final = 18.0
_KEY_GAP: Final = 30.0
_LETTER: Final = 6.9
_WIDE_LETTER: Final = 12.0
"""Widths of letters at the one size that is used, 12; a Chinese one is as wide as it is high."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: the lines of its label, its length, and its value in words beside it."""

    y: float
    label: tuple[str, ...]
    length: float
    value: str


@dataclass(frozen=True, slots=True)
class Block:
    """A coloured part of a column."""

    series: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its blocks from the ground up, its label below and its value above."""

    x: float
    width: float
    blocks: tuple[Block, ...]
    top: float
    label: str
    value: int


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend, ``up`` from its last row."""

    x: float
    up: float
    series: str
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A claim or a source; ``says`` is shown when it is pointed at."""

    x: float
    y: float
    radius: float
    label: str
    says: str
    series: str = ""
    threads: str = ""


@dataclass(frozen=True, slots=True)
class Bracket:
    """The stretch of claims that one section holds."""

    y: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, what it says in words, and its numbers as a table."""

    name: str
    title: str
    says: str
    height: float
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bars: tuple[Bar, ...] = ()
    columns: tuple[Column, ...] = ()
    legend: tuple[Key, ...] = ()
    claims: tuple[Dot, ...] = ()
    sources: tuple[Dot, ...] = ()
    brackets: tuple[Bracket, ...] = ()
    width: int = WIDTH


def legend(kinds: Collection[SourceKind], words: Words, width: int) -> tuple[Key, ...]:
    """Name the colours of the kinds that are drawn, in as many rows as they need."""
    named = [(SERIES[kind], words.say(kind)) for kind in SERIES if kind in kinds]
    whole = sum(_key_width(label) for _, label in named)
    in_a_row = len(named) if whole <= width else math.ceil(len(named) / 2)
    keys = []
    for start in range(0, len(named), in_a_row):
        row, x = named[start : start + in_a_row], 0.0
        up = 0.0 if start + in_a_row >= len(named) else KEY_ROW
        for series, label in row:
            keys.append(Key(round(x, 1), up, series, label))
            x += _key_width(label)
    return tuple(keys)


def _key_width(label: str) -> float:
    return _width(label) + _KEY_GAP


def lines_of(text: str, width: float, most: int) -> tuple[str, ...]:
    """Break a label into lines of a width; what is too much for them ends in an ellipsis."""
    lines = list(_broken(text, width))
    if len(lines) <= most:
        return tuple(lines)
    return (*lines[: most - 1], f"{lines[most - 1].rstrip()[:-1]}…")


def _broken(text: str, width: float) -> Iterator[str]:
    """Yield lines that fit, broken at a space or a Chinese letter, else anywhere."""
    line, after_break = "", 0
    for letter in text:
        if letter == " " or _is_wide(letter):
            after_break = len(line) + 1 if letter == " " else len(line)
        line += letter
        if _width(line) > width and line.strip():
            cut = after_break or len(line) - 1
            yield line[:cut].rstrip()
            line, after_break = line[cut:], 0
    if line.strip():
        yield line


def _width(text: str) -> float:
    return sum(_WIDE_LETTER if _is_wide(letter) else _LETTER for letter in text)


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"
