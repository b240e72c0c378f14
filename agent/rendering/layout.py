"""Lays a report out once for Markdown and HTML; every text from outside passes one escape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.domain.report import Verified
from agent.rendering.method import Fact, facts, moment
from agent.rendering.references import Citing, Reference, cite, references, unnumbered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.domain.report import Report, Section
    from agent.rendering.references import Mark, Note
    from agent.rendering.words import Words


@dataclass(frozen=True, slots=True)
class Sentence:
    """One claim as it is read: a sentence and its marks; ``held_by`` if by more than one work."""

    number: int
    text: str
    repaired: bool
    held_by: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Condensed:
    """One sentence of the summary, the numbers of the claims it condenses, and their quotes."""

    text: str
    claims: tuple[int, ...]
    notes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One section; numbered, because a title makes no safe anchor."""

    number: int
    title: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A sub-question, and the number of the part that answers it, if one does."""

    text: str
    covered: bool
    part: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """A work that was found, and why it was read or not."""

    title: str
    chosen: bool
    why: str


@dataclass(frozen=True, slots=True)
class Layout:
    """All a template shows; outside texts are already escaped, labels are in ``words``."""

    words: Words
    language: str
    title: str
    typed: str
    status: str
    reason: str
    finished: str
    glance: tuple[str, ...]
    asked: tuple[Asked, ...]
    summary: tuple[Condensed, ...]
    parts: tuple[Part, ...]
    gaps: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    references: tuple[Reference, ...]
    notes: tuple[Note, ...]
    also_read: tuple[Reference, ...]
    web_queries: tuple[str, ...]
    arxiv_queries: tuple[str, ...]
    considered: tuple[Found, ...]
    failures: tuple[tuple[str, str], ...]
    facts: tuple[Fact, ...]


def lay_out(report: Report, words: Words, text: Callable[[str], str]) -> Layout:
    """Lay out a report; ``text`` escapes what came from outside, for one markup."""
    citing = cite(report, words, text)
    return Layout(
        words=words,
        language=text(report.brief.language),
        title=text(report.brief.restated) or text(report.run.question.text),
        typed=text(report.run.question.text),
        status=report.run.status,
        reason=text(report.run.reason),
        finished=moment(report.run.finished),
        glance=tuple(_glance(report, words)),
        asked=tuple(_asked(report, text)),
        summary=tuple(_summary(report, citing, text)),
        parts=tuple(_parts(report, citing, words, text)),
        gaps=tuple(map(text, report.gaps)),
        dropped=tuple((text(drop.sentence), text(drop.reason)) for drop in report.dropped),
        references=references(report, citing, words, text),
        notes=citing.notes,
        also_read=unnumbered(report, words, text),
        web_queries=tuple(map(text, report.brief.web_queries)),
        arxiv_queries=tuple(map(text, report.brief.arxiv_queries)),
        considered=tuple(_considered(report, text)),
        failures=tuple((text(failure.what), text(failure.why)) for failure in report.failures),
        facts=tuple(facts(report, words, text)),
    )


def _glance(report: Report, words: Words) -> Iterator[str]:
    yield words.count(
        "claims", len(report.claims), sources=words.count("sources", len(report.cited))
    )
    if report.independent < len(report.cited):
        yield words.count("independent", report.independent)
    repaired = sum(claim.verdict == "repaired" for claim in report.claims)
    if repaired:
        yield words.count("repaired", repaired)
    yield words.count("dropped", len(report.dropped))
    asked = report.brief.sub_questions
    if asked:
        answered = sum(Verified(report.sections).covers(part.id) for part in asked)
        yield words.say("answered", n=answered, all=len(asked))


def _asked(report: Report, text: Callable[[str], str]) -> Iterator[Asked]:
    for asked in report.brief.sub_questions:
        answering = (
            number
            for number, section in enumerate(report.sections, 1)
            if section.claims and asked.id in section.answers
        )
        part = next(answering, None)
        yield Asked(text(asked.text), part is not None, part)


def _considered(report: Report, text: Callable[[str], str]) -> Iterator[Found]:
    for work in report.considered:
        yield Found(text(work.title or work.url), work.chosen, text(work.why))


def _summary(report: Report, citing: Citing, text: Callable[[str], str]) -> Iterator[Condensed]:
    numbers = {claim.id: number for number, claim in enumerate(report.claims, 1)}
    for sentence in report.summary:
        claims = tuple(numbers[claim.id] for claim in report.condensed(sentence))
        notes = (note.number for n in claims for mark in citing.marks[n - 1] for note in mark.notes)
        yield Condensed(text(sentence.sentence), claims, tuple(dict.fromkeys(notes)))


def _parts(
    report: Report, citing: Citing, words: Words, text: Callable[[str], str]
) -> Iterator[Part]:
    marks = iter(citing.marks)
    number = 1
    for part, section in enumerate(report.sections, 1):
        sentences = tuple(_sentences(report, section, number, marks, words, text))
        number += len(sentences)
        yield Part(part, text(section.title), sentences)


def _sentences(
    report: Report,
    section: Section,
    first: int,
    marks: Iterator[tuple[Mark, ...]],
    words: Words,
    text: Callable[[str], str],
) -> Iterator[Sentence]:
    for number, claim in enumerate(section.claims, first):
        works = report.holding(claim)
        held_by = words.say("held_by", n=works) if works > 1 else ""
        repaired = claim.verdict == "repaired"
        yield Sentence(number, text(claim.sentence), repaired, held_by, next(marks))
