"""Writes the cited sources as BibTeX, with keys that stay the same from run to run."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agent.rendering.clean_text import clean
from agent.rendering.links import linkable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.domain.evidence import Source
    from agent.domain.report import Report

_MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec".split()

_ARXIV: Final = re.compile(
    r"arxiv\.org/(?:abs|pdf|html)/(?P<id>(?:[a-z.-]+/)?[\d.]+(?:v\d+)?)", re.IGNORECASE
)

_SPECIAL: Final = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_"}
    # BibTeX counts braces even behind a backslash, so a lone one would swallow the file.
    | {"{": r"\textbraceleft{}", "}": r"\textbraceright{}", "\\": r"\textbackslash{}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)

_LETTERS: Final = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
"""Latin letters that Unicode does not take apart into a letter and a mark."""

_CORPORATE: Final = re.compile(
    r"\d|&|,? (?:inc|ltd|llc|gmbh)\b|\b(?:and|of|for|the|on|academy|administration|agency|"
    r"association|bank|bureau|centre|center|collaboration|commission|committee|company|"
    r"consortium|corporation|council|department|foundation|government|group|institute|"
    r"laboratory|ministry|network|office|organi[sz]ation|project|society|team|union|university)\b",
    re.IGNORECASE,
)
"""Words that no person's name has: BibTeX would take such a name apart, or split it at `and`."""

_UNTELLING: Final = frozenset(
    "a an and are can do does for how in is of on the to what why".split()
)


def as_bibtex(report: Report) -> str:
    """Return references.bib: one entry a cited source, in the order of the reference list."""
    entries = [_entry(source, key) for source, key in _keyed(report.cited)]
    return "\n".join(entries) if entries else "% No source is cited in this report.\n"


def _keyed(sources: tuple[Source, ...]) -> Iterator[tuple[Source, str]]:
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


def _entry(source: Source, key: str) -> str:
    lines = "".join(f"  {name} = {value},\n" for name, value in _fields(source))
    return f"@misc{{{key},\n{lines}}}\n"


def _fields(source: Source) -> Iterator[tuple[str, str]]:
    """Yield the fields; all kinds are @misc, the one type every style knows for them."""
    yield "title", f"{{{{{_escaped(source.title) or _escaped(source.url)}}}}}"
    authors = [_author(name) for name in source.authors if clean(name)]
    if authors:
        yield "author", f"{{{' and '.join(authors)}}}"
    if source.published:
        yield "year", f"{{{source.published.year}}}"
        yield "month", _MONTHS[source.published.month - 1]
    found = _ARXIV.search(source.url) if source.kind == "arxiv" else None
    eprint = found["id"] if found else source.publication.arxiv_id
    if eprint:
        yield "eprint", f"{{{_escaped(eprint)}}}"
        yield "archivePrefix", "{arXiv}"
    if source.publication.venue:
        yield "howpublished", f"{{{_escaped(source.publication.venue)}}}"
    if source.publication.doi:
        yield "doi", f"{{{_escaped(source.publication.doi)}}}"
    url = linkable(source.url)
    if url:
        yield "url", f"{{{url}}}"  # taken verbatim by readers of BibTeX; braces are encoded
    yield "urldate", f"{{{source.read_at.date().isoformat()}}}"


def _author(name: str) -> str:
    """Brace a name that is no person's, or has more commas than BibTeX can make sense of."""
    whole = _CORPORATE.search(name) or name.count(",") > 1
    return f"{{{_escaped(name)}}}" if whole else _escaped(name).strip(",")


def _escaped(text: str) -> str:
    return clean(text).translate(_SPECIAL)
