"""Writes the cited sources as RIS, which EndNote, Mendeley and RefWorks read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.rendering.bibliography.keys import keyed
from agent.rendering.bibliography.names import Name, names_of
from agent.rendering.clean_text import clean
from agent.rendering.links import linkable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.domain.evidence import Source
    from agent.domain.report import Report

_TYPES: Final = {"web": "ELEC", "arxiv": "UNPB", "scholar": "JOUR", "corpus": "GEN"}


def as_ris(report: Report) -> str:
    """Return references.ris; a report that cites nothing gives an empty file."""
    return "\n".join(_entry(source, key) for source, key in keyed(report.cited))


def _entry(source: Source, key: str) -> str:
    lines = (f"{tag}  - {text}\n" for tag, text in _lines(source, key) if text)
    return f"{''.join(lines)}ER  - \n"


def _lines(source: Source, key: str) -> Iterator[tuple[str, str]]:
    """Yield tags with their texts, each of which is one line; the type has to come first."""
    work = source.publication
    yield "TY", _TYPES[source.kind]
    yield "ID", key
    yield "TI", clean(source.title) or clean(source.url)
    for name in names_of(source.authors):
        yield "AU", _author(name)
    if source.published:
        yield "PY", f"{source.published.year:04}"
        yield "DA", f"{source.published:%Y/%m/%d}"
    yield "T2", clean(work.venue) or clean(source.site)
    yield "DO", clean(work.doi)
    yield "AN", _accession(source)
    yield "UR", linkable(source.url) or ""
    yield "Y2", f"{source.read_at:%Y/%m/%d}"
    yield "N1", "Retracted" if work.retracted else ""


def _accession(source: Source) -> str:
    """Return the number by which an index knows the work."""
    work = source.publication
    if work.arxiv_id:
        return f"arXiv:{clean(work.arxiv_id)}"
    return f"PMID:{clean(work.pmid)}" if work.pmid else ""


def _author(name: Name) -> str:
    return ", ".join(part for part in (name.family, name.given, name.suffix) if part)
