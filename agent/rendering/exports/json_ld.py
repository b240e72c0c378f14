"""Writes the report as JSON-LD in the words of schema.org, fit to stand inside an HTML page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from agent.rendering.bibliography.names import Name, names_of
from agent.rendering.clean_text import clean
from agent.rendering.links import linkable

if TYPE_CHECKING:
    from agent.domain.evidence import Source
    from agent.domain.report import Report, Section

_TYPES: Final = {
    "web": "WebPage",
    "arxiv": "ScholarlyArticle",
    "scholar": "ScholarlyArticle",
    "corpus": "DigitalDocument",
}

_LIVE_IN_HTML: Final = {
    ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"
}
"""What could end a script element or a line of script; JSON reads the escape as the same text."""


def as_json_ld(report: Report) -> str:
    """Return report.jsonld: a schema.org Report that cites its sources."""
    told = json.dumps(_known(_report(report)), ensure_ascii=False, indent=2)
    return told.translate(_LIVE_IN_HTML) + "\n"


def _report(report: Report) -> dict[str, object]:
    day = report.run.finished.date().isoformat()
    return {
        "@context": "https://schema.org",
        "@type": "Report",
        "identifier": clean(report.run.id),
        "name": clean(report.brief.restated) or clean(report.run.question.text),
        "about": clean(report.run.question.text),
        "inLanguage": clean(report.brief.language),
        "dateCreated": day,
        "creativeWorkStatus": report.run.status,
        "creator": {"@type": "SoftwareApplication", "name": "deep-research-agent"},
        "abstract": " ".join(clean(sentence.sentence) for sentence in report.summary),
        "hasPart": [_section(section) for section in report.sections],
        "citation": [_known(_source(source)) for source in report.cited],
    }


def _section(section: Section) -> dict[str, object]:
    return {
        "@type": "CreativeWork",
        "name": clean(section.title),
        "text": " ".join(clean(claim.sentence) for claim in section.claims),
    }


def _source(source: Source) -> dict[str, object]:
    work = source.publication
    return {
        "@type": _TYPES[source.kind],
        "name": clean(source.title) or clean(source.url),
        "author": [_author(name) for name in names_of(source.authors)],
        "datePublished": source.published.isoformat() if source.published else "",
        "url": linkable(source.url) if source.kind != "corpus" else "",
        "isPartOf": clean(work.venue),
        "sameAs": linkable(f"https://doi.org/{work.doi}") if work.doi else "",
        "creativeWorkStatus": "Retracted" if work.retracted else "",
    }


def _author(name: Name) -> dict[str, object]:
    if not name.is_person:
        return {"@type": "Thing", "name": name.family}  # it may be a person's in another script
    whole = " ".join(part for part in (name.given, name.family, name.suffix) if part)
    return {
        "@type": "Person",
        "name": whole,
        "givenName": name.given,
        "familyName": name.family,
    }


def _known(told: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in told.items() if value}
