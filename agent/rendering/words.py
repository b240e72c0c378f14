"""Speaks for the report: its headings and labels, one file a language in ``templates/``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from agent import resources
from agent.rendering.sayings import Sayings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FALLBACK: Final = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """The interface words of one language; ``counted`` holds a form for one and one for more."""

    language: str
    plain: Mapping[str, str]
    counted: Mapping[str, tuple[str, ...]]
    sayings: Sayings

    def say(self, key: str, **values: object) -> str:
        """Return a phrase with its gaps filled."""
        return self.plain[key].format_map(values)

    def count(self, key: str, number: int, **values: object) -> str:
        """Return a phrase about so many of something."""
        forms = self.counted[key]
        return (forms[0] if number == 1 else forms[-1]).format(n=number, **values)

    def tell(self, english: str) -> str:
        """Say what the program says of a run in English; what it does not know stays as it is."""
        return self.sayings.tell(english)


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
    plain = read["plain"]
    next_, mended = plain["told_next"], plain["told_mended"]
    sayings = Sayings.of(read["told"], read["mends"], next_=next_, mended=mended)
    return Words(language, plain, counted, sayings)


def _folder() -> Path:
    return resources.folder("templates") / "5-render" / "strings"
