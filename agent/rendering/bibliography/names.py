"""Takes the name of an author apart, where it surely is a person's, and leaves it whole else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agent.rendering.clean_text import clean

_CORPORATE: Final = re.compile(
    r"\d|&|,? (?:inc|ltd|llc|gmbh)\b|\b(?:and|of|for|the|on|academy|administration|agency|"
    r"association|bank|bureau|centre|center|collaboration|commission|committee|company|"
    r"consortium|corporation|council|department|foundation|government|group|institute|"
    r"laboratory|ministry|network|office|organi[sz]ation|project|society|team|union|university)\b"
    r"|^others$",
    re.IGNORECASE,
)
"""Words that no person's name has: BibTeX would take such a name apart, or split it at `and`, and
`others` alone would mean et al."""

_UNSPACED: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")
"""Scripts in which the family name stands first and nothing tells where it ends."""

_SUFFIX: Final = re.compile(r"(?:jr|sr)\.?|I{2,3}|IV", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name in its parts, or a name that is not to be taken apart as ``family`` alone."""

    family: str
    given: str = ""
    suffix: str = ""

    @property
    def is_person(self) -> bool:
        """Whether it could be taken apart."""
        return bool(self.given)


def name_of(author: str) -> Name:
    """Return a name in its parts; all of its characters stand in one of them."""
    whole = clean(author).strip(" ,")
    if not whole or _CORPORATE.search(whole) or _UNSPACED.search(whole) or whole.count(",") > 1:
        return Name(whole)
    family, comma, given = whole.partition(",")
    return Name(family.strip(), given.strip()) if comma else _in_speaking_order(whole)


def names_of(authors: tuple[str, ...]) -> tuple[Name, ...]:
    """Return the names that say anything."""
    return tuple(name for name in map(name_of, authors) if name.family)


def _in_speaking_order(whole: str) -> Name:
    *words, last = whole.split()
    suffix = last if len(words) > 1 and _SUFFIX.fullmatch(last) else ""
    words = words if suffix else [*words, last]
    particles = (place for place, word in enumerate(words) if place and word[0].islower())
    first = next(particles, len(words) - 1)  # where the family name begins: van der Berg, Lee
    return Name(" ".join(words[first:]), " ".join(words[:first]), suffix)
