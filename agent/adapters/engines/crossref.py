"""Searches Crossref, the registry of most DOIs, which knows of retractions."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from typing import TYPE_CHECKING, Any, Final

from agent.adapters.engines.scholarly import (
    ANOTHER,
    SECONDS,
    Service,
    at_home,
    batches,
    count,
    items,
    part,
    text,
    web_addresses,
    words,
)
from agent.domain.evidence import Hit, Publication
from agent.domain.identifiers import arxiv_id, doi
from agent.domain.text import one_line
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import httpx

    from agent.domain.question import Scope, SourceKind

CROSSREF: Final = "https://api.crossref.org/works"
FIELDS: Final = (
    "DOI,URL,title,author,issued,container-title,abstract,is-referenced-by-count,license,link,"
    "relation,type,update-to,updated-by"
)
RETRACTIONS: Final = frozenset(("retraction", "withdrawal", "removal", "partial_retraction"))
"""Kinds of updates that take a work back; corrections and expressions of concern do not."""
NO_WORKS: Final = frozenset(("journal", "journal-issue", "journal-volume", "component", "grant"))
"""Records that are no text to read."""
FULL_DATE: Final = 3

_MARKUP: Final = re.compile(r"<[^<>]*>")
_HEADING: Final = re.compile(r"<jats:title\b[^<>]*>\s*abstract\s*</jats:title>", re.IGNORECASE)
_OPEN_LICENCE: Final = re.compile(r"https?://creativecommons\.org/\S+", re.IGNORECASE)


class Crossref:
    """Crossref's works; whoever tells an address to write to is served by its better machines."""

    name = "crossref"
    kind: SourceKind = "scholar"

    def __init__(
        self,
        client: httpx.AsyncClient,
        address: str = CROSSREF,
        mailto: str = "",
        *,
        seconds: float = SECONDS,
    ) -> None:
        self._mailto = mailto
        more = ANOTHER if mailto else "tell it an address it may write to"
        self._service = Service("Crossref", client, address, more=more, seconds=seconds)

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` works, most relevant first; few say what language they are in."""
        filters = {"from-pub-date": scope.since, "until-pub-date": scope.until}
        answer = await self._service.ask(
            {
                "query": words(query),
                "filter": ",".join(f"{name}:{day}" for name, day in filters.items() if day),
                "rows": str(limit),
                "select": FIELDS,
                "mailto": self._mailto,
            }
        )
        works = part(answer, "message", "items")
        if not isinstance(works, list):
            raise SearchFailed("Crossref answered without a list of works")
        return [hit for hit in _hits(works) if scope.covers(hit.published)][:limit]

    async def retracted(self, dois: Sequence[str]) -> frozenset[str]:
        """Return those of some DOIs whose works a notice took back."""
        found: set[str] = set()
        for batch in batches(dois):
            answer = await self._service.ask(
                {
                    "filter": ",".join(f"doi:{name}" for name in batch),
                    "rows": str(len(batch)),
                    "select": "DOI,update-to,updated-by",
                    "mailto": self._mailto,
                }
            )
            works = items(part(answer, "message", "items"))
            found.update(doi(text(part(work, "DOI"))) for work in works if is_retracted(work))
        return frozenset(found)


def _hits(works: list[Any]) -> Iterator[Hit]:
    for work in works:
        if text(part(work, "type")) in NO_WORKS:
            continue
        licence = _open_licence(work)
        hit = Hit(
            kind="scholar",
            publication=Publication(
                doi=doi(text(part(work, "DOI"))),
                arxiv_id=_arxiv_id(work),
                venue=_first(part(work, "container-title")),
                citations=count(part(work, "is-referenced-by-count")),
                retracted=is_retracted(work),
                licence=licence,
            ),
            title=plain(_first(part(work, "title"))),
            url=text(part(work, "URL")),
            read_urls=_full_text(work) if licence else (),
            authors=tuple(map(_name, items(part(work, "author")))),
            published=published(part(work, "issued")),
            abstract=plain(part(work, "abstract")),
        )
        if found := at_home(hit):
            yield found


def published(issued: object) -> date | None:
    """Return the day of a date in parts; None if it is only a year or a month.

    Crossref has held those against the scope itself; a day made up for them would shut out here
    what it let through.
    """
    parts = items(next(iter(items(part(issued, "date-parts"))), None))
    if len(parts) != FULL_DATE or None in map(count, parts):
        return None
    try:
        return date(*parts)
    except (ValueError, OverflowError):
        return None


def plain(markup: object) -> str:
    """Return the text of JATS markup; what only looks like markup, as in "p < 0.05", stays."""
    if not isinstance(markup, str):
        return ""
    inner = _MARKUP.sub(_as_space, _HEADING.sub(" ", markup))
    return one_line(unescape(inner))


def _as_space(tag: re.Match[str]) -> str:
    """Return what stands for a tag: nothing within a word, a space between blocks."""
    if not re.match(r"</?[A-Za-z]|<!|<\?", tag[0]):
        return tag[0]
    inline = re.match(r"</?(?:jats:|mml:)?(?:italic|bold|sub|sup|sc|i|b|em|strong)\b", tag[0])
    return "" if inline else " "


def is_retracted(work: object) -> bool:
    """Whether a notice took the work back.

    ``updated-by`` stands at the work. ``update-to`` stands at the notice, which is no retracted
    work itself, unless a publisher wrote the notice into the work's own record.
    """
    own = doi(text(part(work, "DOI")))
    within = (one for one in items(part(work, "update-to")) if doi(text(part(one, "DOI"))) == own)
    updates = (*items(part(work, "updated-by")), *within)
    kinds = {text(part(update, "type")).lower() for update in updates}
    return not kinds.isdisjoint(RETRACTIONS)


def _first(value: object) -> str:
    return text(next(iter(items(value)), ""))


def _name(author: object) -> str:
    """Return a person as they sign, or a group by its name."""
    person = one_line(f"{text(part(author, 'given'))} {text(part(author, 'family'))}")
    return person or text(part(author, "name"))


def _open_licence(work: object) -> str:
    """Return the address of a Creative Commons licence; publishers' own allow no reading."""
    addresses = (text(part(one, "URL")) for one in items(part(work, "license")))
    return next(filter(_OPEN_LICENCE.fullmatch, addresses), "")


def _full_text(work: object) -> tuple[str, ...]:
    """Return the addresses of the full text, PDF first."""
    links = [link for link in items(part(work, "link")) if _is_for_readers(link)]
    links.sort(key=lambda link: part(link, "content-type") != "application/pdf")
    return web_addresses(*(part(link, "URL") for link in links))


def _is_for_readers(link: object) -> bool:
    return text(part(link, "intended-application")) != "similarity-checking"


def _arxiv_id(work: object) -> str:
    """Return the id of the preprint a work is at arXiv, or is a later version of."""
    preprints = items(part(work, "relation", "has-preprint"))
    known = (text(part(work, "DOI")), *(text(part(one, "id")) for one in preprints))
    return next(filter(None, map(arxiv_id, known)), "")
