"""Tells which texts are one work: editions of a paper, press copies, mirrors.

A claim that rests on five copies of one text rests on one source. The same identifiers make one
work, and so does nearly the same text. Texts are compared by their shingles (runs of words;
Broder, 1997), of which those that begin with an anchor word are kept: the same ones in all texts,
so that what is shared can be counted.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import chain, compress
from itertools import count as natural
from typing import TYPE_CHECKING, Final
from zlib import crc32

from agent.domain.canonical import arxiv_key, canonical, doi_key, pmid_key, site
from agent.domain.evidence import Publication
from agent.domain.ranking import terms

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

COPY: Final = 0.5
"""Share of the shorter text's shingles that a copy has in common with the longer one. Copies with
another headline, a quarter less and every twentieth word changed keep more; articles that quote
three tenths of another one have less (benchmarks/duplicates.py)."""

COPY_AT_SITE: Final = 0.8
"""At one site pages share menus and notices; copies there are made by machine and are exact."""

SHORTEST_COPY: Final = 0.4
"""Length of a copy as a share of the original's: what is shorter is an extract. Two articles that
quote one abstract in full would become one work by way of it."""

TITLE_TERMS: Final = 4
"""A title of fewer terms ("Editorial", "Annual report 2024") is that of many works."""

SITE_PAGES: Final = 3
"""Pages of a site that have to share a shingle before it is taken for the site's furniture."""

WORDS: Final = 5
CHARACTERS: Final = 8
"""Length of a shingle, in words or in Chinese or Japanese characters."""

ANCHORS: Final = 6
"""One word in this many begins a shingle that is kept."""

FEWEST: Final = 5
"""Shingles below which nothing is said: about 30 words."""

_TOKEN: Final = re.compile(r"[^\W_]+")
_CHARACTER: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[a-z0-9]+")
_EAST_ASIAN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_HYPHEN: Final = re.compile(r"[-\u00ad\u2010\u2011]\s*")

_MARKS: Final = tuple(mark.encode() for mark in "“”‘’«»–—…·•")
_SPACED: Final = bytes(
    octet if octet > ord("~") or chr(octet).isalnum() else ord(" ") for octet in range(256)
)
_TELLING: Final = 2_000
"""Characters at the beginning that tell the script."""

UNPUBLISHED: Final = Publication()

Shingles = set[bytes]


@dataclass(frozen=True, slots=True)
class Described:
    """A text that was read, and what is known of where it stands.

    ``canonical_url`` is the address the page gives itself.
    """

    url: str
    text: str
    publication: Publication = UNPUBLISHED
    title: str = ""
    authors: tuple[str, ...] = ()
    canonical_url: str = ""


def independent_works(texts: Sequence[Described]) -> tuple[int, ...]:
    """Return for each text the position of the first text that is the same work.

    Of ``n`` texts, ``len(set(independent_works(texts)))`` are independent of each other.
    """
    shingles, plain = _all_shingles([text.text for text in texts])
    shared = _copies([site(text.url) for text in texts], shingles)
    names: list[list[Hashable]] = [
        [*_identifiers(text), *_by_title(text), *([("text", words)] if words else [])]
        for text, words in zip(texts, plain, strict=True)
    ]
    for one, other in shared:
        names[one].append(("copy", other))
        names[other].append(("copy", other))
    return joined(names)


def joined(names: Sequence[Iterable[Hashable]]) -> tuple[int, ...]:
    """Return for each member the first member it shares a name with, directly or through others."""
    first: list[int] = list(range(len(names)))

    def root(member: int) -> int:
        while first[member] != member:
            first[member] = member = first[first[member]]
        return member

    holders: dict[Hashable, int] = {}
    for member, own in enumerate(names):
        for name in own:
            one, other = root(member), root(holders.setdefault(name, member))
            first[max(one, other)] = min(one, other)
    return tuple(root(member) for member in range(len(names)))


def work_keys(urls: Iterable[str], publication: Publication) -> tuple[str, ...]:
    """Return the keys under which a work may be known: addresses and identifiers."""
    keys = [canonical(url) for url in urls if url.strip()]
    keys += [doi_key(publication.doi)] if publication.doi else []
    keys += [arxiv_key(publication.arxiv_id)] if publication.arxiv_id else []
    keys += [pmid_key(publication.pmid)] if publication.pmid else []
    return tuple(dict.fromkeys(keys))


def title_key(title: str) -> tuple[str, ...]:
    """Return what makes a title the same in other type, empty if it could be that of many."""
    found = tuple(terms(unicodedata.normalize("NFKC", title)))
    return found if len(found) >= TITLE_TERMS else ()


def _identifiers(text: Described) -> tuple[str, ...]:
    """Leave out a front page given as a page's own address: some sites say so on every page."""
    own = canonical(text.canonical_url)
    is_page = "/" in own.removeprefix("https://")
    return work_keys((text.url, own if is_page else ""), text.publication)


def _by_title(text: Described) -> list[Hashable]:
    """Name a scholarly work by title and authors: a preprint and its journal version."""
    known = text.publication
    title = title_key(text.title)
    if not title or not (known.doi or known.arxiv_id or known.pmid or known.venue):
        return []
    return [(title, terms(author)[-1]) for author in text.authors if terms(author)]


def _all_shingles(texts: Sequence[str]) -> tuple[list[Shingles], list[bytes]]:
    """Return each text's anchored shingles, and its words in a row."""
    met: set[bytes] = set()
    anchors: set[bytes] = set()
    shingles: list[Shingles] = []
    plain: list[bytes] = []
    for text in texts:
        words, width = _words(text)
        new = set(words).difference(met)
        met |= new
        anchors.update(word for word in new if crc32(word) % ANCHORS == 0)
        starts = compress(natural(), map(anchors.__contains__, words))
        shingles.append({b" ".join(words[at : at + width]) for at in starts})
        plain.append(b" ".join(words))
    return shingles, plain


def _words(text: str) -> tuple[list[bytes], int]:
    """Return the words without what differs between a PDF and a web page, and a shingle's length.

    Bytes are cut up several times faster than characters.
    """
    text = text if text.isascii() else unicodedata.normalize("NFKC", text)
    beginning = text[:_TELLING]
    if 2 * len(_EAST_ASIAN.findall(beginning)) > len(_TOKEN.findall(beginning)):
        return " ".join(_CHARACTER.findall(text.lower())).encode().split(), CHARACTERS
    octets = _HYPHEN.sub("", text.lower()).encode(errors="replace")
    for mark in () if text.isascii() else _MARKS:
        octets = octets.replace(mark, b" ")
    return octets.translate(_SPACED).split(), WORDS


def _copies(sites: Sequence[str], shingles: Sequence[Shingles]) -> list[tuple[int, int]]:
    """Return the texts that are copies, each with the longer text it is a copy of.

    Longest first, and only what is no copy is compared with: the order the texts came in makes
    no difference, and a hundred copies of one text cost no more than a hundred texts.
    """
    shared = _shared(shingles)
    furniture = _furniture(sites, [text & shared for text in shingles])
    own = [text - furniture.get(place, set()) for place, text in zip(sites, shingles, strict=True)]
    found: list[tuple[int, int]] = []
    holders: dict[bytes, list[int]] = {}
    for text in sorted(range(len(own)), key=lambda text: (-len(shingles[text]), text)):
        common = shingles[text] & shared
        held = filter(None, map(holders.get, common))
        originals = [
            other
            for other in Counter(chain.from_iterable(held))
            if _is_copy(shingles, own, text, other, same_site=sites[text] == sites[other] != "")
        ]
        found += [(text, other) for other in originals]
        if not originals:
            for shingle in common:
                holders.setdefault(shingle, []).append(text)
    return found


def _shared(shingles: Sequence[Shingles]) -> Shingles:
    """Return the shingles that more than one text has: few, unless there are copies."""
    met: Shingles = set()
    shared: Shingles = set()
    for text in shingles:
        shared |= met & text
        met |= text
    return shared


def _is_copy(
    shingles: Sequence[Shingles], own: Sequence[Shingles], one: int, other: int, *, same_site: bool
) -> bool:
    """Whether two texts are one: by what is no furniture of their site, if there is any."""
    sets = own if min(len(own[one]), len(own[other])) >= FEWEST else shingles
    shorter, longer = sorted((len(sets[one]), len(sets[other])))
    if shorter < FEWEST or shorter < SHORTEST_COPY * longer:
        return False
    return len(sets[one] & sets[other]) >= (COPY_AT_SITE if same_site else COPY) * shorter


def _furniture(sites: Sequence[str], shingles: Sequence[Shingles]) -> dict[str, Shingles]:
    """Return what at least SITE_PAGES pages of a site have in common."""
    counts: dict[str, Counter[bytes]] = {}
    pages = Counter(sites)
    for place, text in zip(sites, shingles, strict=True):
        if place and pages[place] >= SITE_PAGES:
            counts.setdefault(place, Counter()).update(text)
    return {
        place: {shingle for shingle, pages_with in count.items() if pages_with >= SITE_PAGES}
        for place, count in counts.items()
    }
