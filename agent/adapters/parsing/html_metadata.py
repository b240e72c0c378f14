"""Reads what a web page states of itself for citing: Highwire and Dublin Core tags, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from agent.domain.evidence import Publication
from agent.domain.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LONGEST: Final = 200
"""Characters of a name; what is longer is none."""
MOST_AUTHORS: Final = 3_000
"""Papers of particle physics have as many."""

DOI_TAGS: Final = ("citation_doi", "bepress_citation_doi", "prism.doi", "dc.identifier.doi", "doi")
IDENTIFIER_TAGS: Final = ("dc.identifier", "dcterms.identifier")
VENUE_TAGS: Final = ("citation_journal_title", "citation_conference_title", "prism.publicationname")
AUTHOR_TAGS: Final = ("citation_author", "citation_authors")
SITE_TAGS: Final = ("og:site_name", "application-name")

_DOI: Final = re.compile(r"\b10\.\d{4,9}/[^\s\"<>]+")
_ARXIV: Final = re.compile(
    r"(?:^|arxiv[:/. ]|abs/|pdf/)(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?$",
    re.IGNORECASE,
)
_PMID: Final = re.compile(r"\d{1,9}")
_CREATIVE_COMMONS: Final = re.compile(
    r"creativecommons\.org/(?:licenses/([a-z-]+)/([\d.]+)|publicdomain/zero/([\d.]+))",
    re.IGNORECASE,
)

Tags = dict[str, list[str]]
"""What the meta tags of a page say, by their names in lower case."""


@dataclass(frozen=True, slots=True)
class Statements:
    """What a page says of itself; what it does not say is empty."""

    site: str = ""
    canonical_url: str = ""
    authors: tuple[str, ...] = ()
    doi: str = ""
    arxiv_id: str = ""
    pmid: str = ""
    venue: str = ""
    licence: str = ""

    def publication(self, *, licence: str) -> Publication:
        """Return the work; ``licence`` is what its text says, if its tags say nothing."""
        return Publication(
            doi=self.doi,
            arxiv_id=self.arxiv_id,
            pmid=self.pmid,
            venue=self.venue,
            licence=self.licence or licence[:LONGEST],
        )


def stated(tree: Any, url: str) -> Statements:  # noqa: ANN401 - lxml has no types
    """Return what the page of this tree, fetched from ``url``, states in its tags."""
    tags = _tags(tree)
    links = {
        relation: link.get("href", "")
        for link in tree.iter("link")
        for relation in reversed(link.get("rel", "").lower().split())
    }
    identifiers = _all(tags, IDENTIFIER_TAGS)
    return Statements(
        site=_first(tags, SITE_TAGS),
        canonical_url=_web_address(links.get("canonical") or _first(tags, ("og:url",)), url),
        authors=tuple(_names(tags)),
        doi=_found(_DOI, [*_all(tags, DOI_TAGS), *identifiers]).rstrip(".,;").lower(),
        arxiv_id=_found(_ARXIV, [*_all(tags, ("citation_arxiv_id",)), *identifiers]),
        pmid=_found(_PMID, _all(tags, ("citation_pmid",))),
        venue=_first(tags, VENUE_TAGS),
        licence=_licence(links.get("license", "")),
    )


def _tags(tree: Any) -> Tags:  # noqa: ANN401 - as above
    tags: Tags = {}
    for tag in tree.iter("meta"):
        name = (tag.get("name") or tag.get("property") or "").lower()
        if name and (content := one_line(tag.get("content") or "")):
            tags.setdefault(name, []).append(content)
    return tags


def _all(tags: Mapping[str, Sequence[str]], names: Iterable[str]) -> list[str]:
    return [content for name in names for content in tags.get(name, ())]


def _first(tags: Mapping[str, Sequence[str]], names: Iterable[str]) -> str:
    return next((said for said in _all(tags, names) if len(said) <= LONGEST), "")


def _found(pattern: re.Pattern[str], said: Iterable[str]) -> str:
    """Return the first match, or its first group."""
    matches = (pattern.search(text) for text in said if len(text) <= LONGEST)
    return next((match[match.lastindex or 0] for match in matches if match), "")


def _names(tags: Mapping[str, Sequence[str]]) -> Iterable[str]:
    """Yield the authors of a work, ``Lee, Ann`` as Ann Lee."""
    names = [name for said in _all(tags, AUTHOR_TAGS) for name in said.split(";")]
    for name in dict.fromkeys(name.strip() for name in names[:MOST_AUTHORS]):
        family, comma, given = name.partition(",")
        if name and len(name) <= LONGEST:
            is_inverted = comma and given.strip() and "," not in given
            yield f"{given.strip()} {family.strip()}" if is_inverted else name


def _web_address(address: str, url: str) -> str:
    """Return an address a page names, made whole, if it leads to the web."""
    try:
        whole = urljoin(url, one_line(address)) if address else ""
        parts = urlsplit(whole)
    except ValueError:
        return ""
    return whole if parts.scheme in {"http", "https"} and parts.netloc else ""


def _licence(address: str) -> str:
    """Return a licence's usual name, or its address."""
    if match := _CREATIVE_COMMONS.search(address):
        return f"CC0 {match[3]}" if match[3] else f"CC {match[1].upper()} {match[2]}"
    return one_line(address)[:LONGEST] if address.startswith(("http://", "https://")) else ""
