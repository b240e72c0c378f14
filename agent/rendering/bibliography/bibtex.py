"""Writes the cited sources as BibTeX, with keys that stay the same from run to run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agent.rendering.bibliography.keys import keyed
from agent.rendering.bibliography.names import Name, names_of
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


def as_bibtex(report: Report) -> str:
    """Return references.bib: one entry a cited source, in the order of the reference list."""
    entries = [_entry(source, key) for source, key in keyed(report.cited)]
    return "\n".join(entries) if entries else "% No source is cited in this report.\n"


def _entry(source: Source, key: str) -> str:
    lines = "".join(f"  {name} = {value},\n" for name, value in _fields(source))
    return f"@misc{{{key},\n{lines}}}\n"


def _fields(source: Source) -> Iterator[tuple[str, str]]:
    """Yield the fields; all kinds are @misc, the one type every style knows for them."""
    yield "title", f"{{{{{_escaped(source.title) or _escaped(source.url)}}}}}"
    authors = [_author(name) for name in names_of(source.authors)]
    if authors:
        yield "author", f"{{{' and '.join(authors)}}}"
    if source.published:
        yield "year", f"{{{source.published.year}}}"
        yield "month", _MONTHS[source.published.month - 1]
        yield "day", f"{{{source.published.day}}}"
    found = _ARXIV.search(source.url) if source.kind == "arxiv" else None
    eprint = found["id"] if found else source.publication.arxiv_id
    if eprint:
        yield "eprint", f"{{{_escaped(eprint)}}}"
        yield "archivePrefix", "{arXiv}"
    if source.publication.venue:
        yield "howpublished", f"{{{_escaped(source.publication.venue)}}}"
    if source.publication.doi:
        yield "doi", f"{{{_escaped(source.publication.doi)}}}"
    if source.publication.pmid:
        yield "pmid", f"{{{_escaped(source.publication.pmid)}}}"
    url = linkable(source.url)
    if url:
        yield "url", f"{{{url}}}"  # taken verbatim by readers of BibTeX; braces are encoded
    yield "urldate", f"{{{source.read_at.date().isoformat()}}}"


def _author(name: Name) -> str:
    """Write family name first, the one order BibTeX cannot mistake; brace what is no person's."""
    if not name.is_person:
        return f"{{{_escaped(name.family)}}}"
    return ", ".join(_escaped(part) for part in (name.family, name.suffix, name.given) if part)


def _escaped(text: str) -> str:
    return clean(text).translate(_SPECIAL)
