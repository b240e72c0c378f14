"""Writes the report as plain text for a mail: 72 columns, marks in brackets, quotes at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.domain.look import PLAIN
from agent.rendering.bibliography.styles import listed, marks
from agent.rendering.changes import since
from agent.rendering.clean_text import clean
from agent.rendering.exports.wrapping import columns, wrapped
from agent.rendering.method import moment
from agent.rendering.words import words_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.domain.evidence import Source
    from agent.domain.look import Look
    from agent.domain.report import Claim, Report
    from agent.rendering.words import Words

WIDTH: Final = 72
"""Columns that are left readable after a few have quoted a mail (RFC 3676 asks for 78 or fewer)."""


def as_plain_text(report: Report, look: Look = PLAIN) -> str:
    """Return report.txt."""
    words = words_for(report.brief.language)
    written = marks(report.cited, look.style, report.brief.language)
    by_source = {source.id: mark for source, mark in zip(report.cited, written, strict=True)}
    lines = [
        *_head(report, words),
        *_changes(report, words),
        *_summary(report, by_source, words),
        *_sections(report, by_source),
        *_disputes(report, by_source, words),
        *_gaps(report, words),
        *_sources(report, by_source, look, words),
    ]
    return "\n".join(lines).strip() + "\n"


def _head(report: Report, words: Words) -> Iterator[str]:
    run = report.run
    yield from _underlined(clean(report.brief.restated) or clean(run.question.text), "=")
    if run.status != "complete":
        yield from _paragraph(f"{words.say(run.status)} {clean(words.tell(run.reason))}")
    cited = words.count("sources", len(report.cited))
    held = words.count("claims", len(report.claims), sources=cited)
    yield from _paragraph(f"{held} · {words.say('finished')} {moment(run.finished)}")


def _changes(report: Report, words: Words) -> Iterator[str]:
    told = since(report, words, clean)
    if told is None:
        return
    yield from _underlined(words.say("changes"), "-")
    yield from _paragraph(told.said)
    for change in told.changes:
        line = f"{change.label}: {change.sentence} {change.why}"
        yield from wrapped(line.rstrip(), WIDTH, first="* ", rest="  ")
        for one in change.quotes:
            line = f"{one.when}: “{one.quote}” {one.title}, {one.day}"
            yield from wrapped(line, WIDTH, first="  ", rest="    ")
        yield ""


def _summary(report: Report, by_source: Mapping[str, str], words: Words) -> Iterator[str]:
    if not report.summary:
        return
    yield from _underlined(words.say("summary"), "-")
    for sentence in report.summary:
        held = _marked(report.condensed(sentence), by_source)
        yield from wrapped(f"{clean(sentence.sentence)} {held}", WIDTH, first="* ", rest="  ")
    yield ""


def _sections(report: Report, by_source: Mapping[str, str]) -> Iterator[str]:
    for section in report.sections:
        yield from _underlined(clean(section.title), "-")
        for claim in section.claims:
            yield from _paragraph(f"{clean(claim.sentence)} {_marked([claim], by_source)}")


def _disputes(report: Report, by_source: Mapping[str, str], words: Words) -> Iterator[str]:
    if not report.disagreements:
        return
    yield from _underlined(words.say("disputes"), "-")
    claims = {claim.id: claim for claim in report.claims}
    for dispute in report.disagreements:
        outcome = clean(words.tell(dispute.why)) or words.say("nobody_prevails")
        yield from wrapped(f"{clean(dispute.about)}: {outcome}", WIDTH)
        for side in dispute.sides:
            marked = _marked([claims[side.claim]], by_source)
            yield from wrapped(f"{clean(side.says)} {marked}", WIDTH, first="* ", rest="  ")
        yield ""


def _gaps(report: Report, words: Words) -> Iterator[str]:
    if not report.gaps:
        return
    yield from _underlined(words.say("gaps"), "-")
    for gap in report.gaps:
        yield from wrapped(clean(gap), WIDTH, first="* ", rest="  ")
    yield ""


def _sources(
    report: Report, by_source: Mapping[str, str], look: Look, words: Words
) -> Iterator[str]:
    yield from _underlined(words.say("sources"), "-")
    if not report.cited:
        yield words.say("sources_none")
    for source, reference in listed(report.cited, look.style, report.brief.language):
        first = f"{by_source[source.id]} " if look.is_numbered else ""
        yield from wrapped(reference, WIDTH, first=first, rest="    ")
        if source.publication.retracted:
            yield f"    {words.say('retracted')}"
        for quote in _quotes(report, source, words):
            yield from wrapped(quote, WIDTH, first="    ", rest="    ")
        yield ""


def _quotes(report: Report, source: Source, words: Words) -> Iterator[str]:
    """Yield what is quoted of a source, each quote once, in the order of the report."""
    cited = dict.fromkeys(c for claim in report.claims for c in claim.citations)
    for citation in cited:
        if citation.source == source.id:
            page = source.page(citation.start)
            at = f" ({words.say('page', n=page)})" if page else ""
            yield f"“{clean(citation.quote)}”{at}"


def _marked(claims: Sequence[Claim], by_source: Mapping[str, str]) -> str:
    cited = dict.fromkeys(c.source for claim in claims for c in claim.citations)
    return " ".join(by_source[source] for source in cited).replace("] [", "][")


def _underlined(title: str, rule: str) -> list[str]:
    lines = wrapped(title, WIDTH)
    return [*lines, rule * min(WIDTH, max(map(columns, lines))), ""]


def _paragraph(text: str) -> list[str]:
    return [*wrapped(text, WIDTH), ""]
