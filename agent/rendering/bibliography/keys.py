"""Gives every source a key that a person can read and that stays the same from run to run."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agent.rendering.clean_text import clean
from agent.rendering.links import linkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.domain.evidence import Source

_LETTERS: Final = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
"""Latin letters that Unicode does not take apart into a letter and a mark."""

_UNTELLING: Final = frozenset(
    "a an and are can do does for how in is of on the to what why".split()
)


def keyed(sources: Sequence[Source]) -> Iterator[tuple[Source, str]]:
    """Yield every source with its key; no two keys are the same."""
    taken: dict[str, int] = {}
    for source in sources:
        key = _key(source)
        taken[key] = taken.get(key, 0) + 1
        yield source, key if taken[key] == 1 else f"{key}-{taken[key]}"


def _key(source: Source) -> str:
    """Return first author (or else the host), year, first telling word of the title."""
    who = _ascii(_family_name(source.authors[0])) if source.authors else ""
    who = who or _ascii(_host(source.url).removeprefix("www.").partition(".")[0]) or source.kind
    year = str(source.published.year) if source.published else "nd"
    words = (_ascii(word) for word in re.split(r"[\W_]+", source.title))
    return who + year + next((word for word in words if word and word not in _UNTELLING), "")


def _family_name(author: str) -> str:
    family, comma, _ = clean(author).partition(",")
    return family if comma else family.rpartition(" ")[2]


def _host(url: str) -> str:
    safe = linkable(url)
    return urlsplit(safe).netloc if safe else ""


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
    return re.sub(r"[^a-z0-9]", "", plain)
