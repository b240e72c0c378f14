"""Writes the cited sources as CSL-JSON, which Zotero, Pandoc and citation processors read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from agent.rendering.bibliography.keys import keyed
from agent.rendering.bibliography.names import Name, names_of
from agent.rendering.clean_text import clean
from agent.rendering.links import linkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from agent.domain.evidence import Source
    from agent.domain.report import Report

TYPES: Final = {
    "web": "webpage",
    "arxiv": "article",
    "scholar": "article-journal",
    "corpus": "document",
}
"""CSL 1.0.2 calls a preprint ``article``."""


def as_csl_json(report: Report) -> str:
    """Return references.csl.json, in the order of the reference list."""
    return json.dumps(items(report.cited), ensure_ascii=False, indent=2) + "\n"


def items(sources: Sequence[Source]) -> list[dict[str, object]]:
    """Return one CSL item a source; what is not known of it is left out."""
    return [_item(source, key) for source, key in keyed(sources)]


def _item(source: Source, key: str) -> dict[str, object]:
    work = source.publication
    told = {
        "id": key,
        "type": TYPES[source.kind],
        "title": clean(source.title) or clean(source.url),
        "author": [_name(name) for name in names_of(source.authors)],
        "issued": _day(source.published) if source.published else None,
        "accessed": _day(source.read_at.date()),
        "container-title": clean(work.venue) or clean(source.site),
        "publisher": "arXiv" if source.kind == "arxiv" else "",
        "number": f"arXiv:{clean(work.arxiv_id)}" if work.arxiv_id else "",
        "DOI": clean(work.doi),
        "PMID": clean(work.pmid),
        "URL": linkable(source.url) if source.kind != "corpus" else None,
        "note": "Retracted" if work.retracted else "",
    }
    return {name: value for name, value in told.items() if value}


def _name(name: Name) -> dict[str, str]:
    if not name.is_person:
        return {"literal": name.family}
    parts = {"family": name.family, "given": name.given, "suffix": name.suffix}
    return {part: words for part, words in parts.items() if words}


def _day(day: date) -> dict[str, object]:
    return {"date-parts": [[day.year, day.month, day.day]]}
