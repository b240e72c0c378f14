"""Speaks for the report: its headings and labels, one file a language in ``templates/``."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from agent import resources

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FALLBACK: Final = "en"

LONGEST_SAYING: Final = 600
"""Characters of a text that may be a saying; a longer one was written by somebody else."""

_GAP: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Words:
    """The interface words of one language; ``counted`` holds a form for one and one for more.

    ``sayings`` are the English sentences of the program, as patterns, and how to say them.
    """

    language: str
    plain: Mapping[str, str]
    counted: Mapping[str, tuple[str, ...]]
    sayings: tuple[tuple[re.Pattern[str], str], ...] = ()

    def say(self, key: str, **values: object) -> str:
        """Return a phrase with its gaps filled."""
        return self.plain[key].format_map(values)

    def count(self, key: str, number: int, **values: object) -> str:
        """Return a phrase about so many of something."""
        forms = self.counted[key]
        return (forms[0] if number == 1 else forms[-1]).format(n=number, **values)

    def tell(self, english: str) -> str:
        """Say what the program says of a run in English; what it does not know stays as it is.

        A text may be several sayings, parted by semicolons, and end in a mend behind a dash.
        """
        if not self.sayings or len(english) > LONGEST_SAYING:
            return english
        parts = english.split("; ")
        said = [self._said(part) for part in parts]
        whole = None if all(said) else self._said(english)
        if whole or not any(said):
            return whole or english
        return "；".join(one or part for one, part in zip(said, parts, strict=True))

    def _said(self, english: str) -> str:
        """Say one saying; nothing if it is none."""
        for pattern, said in self.sayings:
            if found := pattern.fullmatch(english):
                gaps = found.groupdict()
                return said.format_map(gaps | {"told": self.tell(gaps.get("told") or "")})
        head, dash, mend = english.partition(" - ")
        said_before = self._said(head) if dash else ""
        return f"{said_before} - {mend}" if said_before else ""


def languages() -> tuple[str, ...]:
    """Return the languages there are words for."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def words_for(language: str) -> Words:
    """Return the words for a BCP 47 tag, or English if its language has none."""
    primary = language.partition("-")[0].lower()
    return _load(primary if primary in languages() else FALLBACK)


@cache
def _load(language: str) -> Words:
    read = tomllib.loads((_folder() / f"{language}.toml").read_text(encoding="utf-8"))
    counted = {key: tuple(forms) for key, forms in read["counted"].items()}
    sayings = tuple((_pattern(key), said) for key, said in read["told"].items())
    return Words(language, read["plain"], counted, sayings)


def _pattern(saying: str) -> re.Pattern[str]:
    """Return what matches an English saying, whatever fills its gaps."""
    parts = _GAP.split(saying)  # every second one is the name of a gap
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)),
        re.DOTALL,
    )


def _folder() -> Path:
    return resources.folder("templates") / "5-render" / "strings"
