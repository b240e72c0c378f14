"""Lays a report out once for Markdown and HTML; every text from outside passes one escape."""

from __future__ import annotations

import math
from base64 import b64encode
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from agent.domain.report import Verified
from agent.rendering import charts
from agent.rendering.changes import Since, since
from agent.rendering.findings import checked, key_claims, standing
from agent.rendering.method import Fact, facts, moment
from agent.rendering.references import Citing, Reference, cite, references, unnumbered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.domain.look import Look
    from agent.domain.report import Claim, Disagreement, Report, Section, Side
    from agent.rendering.charts import Figure
    from agent.rendering.references import Mark, Note
    from agent.rendering.words import Words

SENTENCES_A_PARAGRAPH: Final = 4
"""About ninety words."""

_PICTURES: Final = {
    f".{kind}": "image/" + kind.replace("jpg", "jpeg") for kind in ("png", "jpg", "gif", "webp")
}
"""Media types of covers; a cover can be nothing that holds a script."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One claim as it is read: a sentence, its marks, and how it stands in words.

    ``warning`` says that every source it rests on was retracted.
    """

    number: int
    text: str
    repaired: bool
    held_by: str
    checked: str
    marks: tuple[Mark, ...]
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Condensed:
    """One sentence of the summary, the numbers of the claims it condenses, and their quotes."""

    text: str
    claims: tuple[int, ...]
    notes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One of the key findings: a claim's sentence, its number, and who holds it."""

    text: str
    claim: int
    held_by: str
    notes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One section, in paragraphs; numbered, because a title makes no safe anchor."""

    number: int
    title: str
    paragraphs: tuple[tuple[Sentence, ...], ...]


@dataclass(frozen=True, slots=True)
class Stand:
    """One side of a disagreement, with the first mark of the claim that takes it."""

    says: str
    claim: int
    sentence: str
    mark: Mark
    prevails: bool


@dataclass(frozen=True, slots=True)
class Dispute:
    """A disagreement as it is shown; ``outcome`` says why one prevails, or that none does."""

    about: str
    kind: str
    sides: tuple[Stand, ...]
    outcome: str


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
class Picture:
    """The cover: where its bytes are, here or in a file beside the report, and who drew it."""

    data: str
    file: str
    model: str


@dataclass(frozen=True, slots=True)
class Layout:
    """All a template shows; outside texts are already escaped, labels are in ``words``."""

    words: Words
    language: str
    numbered: bool
    cover: Picture | None
    title: str
    typed: str
    status: str
    reason: str
    finished: str
    glance: tuple[str, ...]
    asked: tuple[Asked, ...]
    since: Since | None
    summary: tuple[Condensed, ...]
    findings: tuple[Finding, ...]
    parts: tuple[Part, ...]
    disputes: tuple[Dispute, ...]
    figures: tuple[Figure, ...]
    outcome: str
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
    figures_of_making: tuple[Figure, ...]


def lay_out(report: Report, words: Words, text: Callable[[str], str], look: Look) -> Layout:
    """Lay out a report; ``text`` escapes what came from outside, for one markup."""
    citing = cite(report, words, text, look)
    return Layout(
        words=words,
        language=text(report.brief.language),
        numbered=look.is_numbered,
        cover=_cover(report, look, text),
        title=text(report.brief.restated) or text(report.run.question.text),
        typed=text(report.run.question.text),
        status=report.run.status,
        reason=text(words.tell(report.run.reason)),
        finished=moment(report.run.finished),
        glance=tuple(_glance(report, words)),
        asked=tuple(_asked(report, text)),
        since=since(report, words, text),
        summary=tuple(_summary(report, citing, text)),
        findings=tuple(_findings(report, citing, words, text)),
        parts=tuple(_parts(report, citing, words, text)),
        disputes=tuple(_disputes(report, citing, words, text)),
        figures=charts.of_evidence(report, words, text, citing.labels),
        outcome=_outcome(report, words),
        gaps=tuple(map(text, report.gaps)),
        dropped=tuple(
            (text(drop.sentence), text(words.tell(drop.reason))) for drop in report.dropped
        ),
        references=references(report, citing, words, text, look),
        notes=citing.notes,
        also_read=unnumbered(report, words, text),
        web_queries=tuple(map(text, report.brief.web_queries)),
        arxiv_queries=tuple(map(text, report.brief.arxiv_queries)),
        considered=tuple(_considered(report, words, text)),
        failures=tuple(
            (text(words.tell(failure.what)), text(words.tell(failure.why)))
            for failure in report.failures
        ),
        facts=tuple(facts(report, words, text)),
        figures_of_making=charts.of_making(report, words, text),
    )


def _cover(report: Report, look: Look, text: Callable[[str], str]) -> Picture | None:
    """Return the cover; without the bytes of its file there is none."""
    cover = report.cover
    kind = _PICTURES.get(PurePath(cover.file).suffix) if cover and look.cover else None
    if cover is None or kind is None:
        return None
    data = f"data:{kind};base64,{b64encode(look.cover).decode()}"
    return Picture(data, text(cover.file), text(cover.model))


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


def _outcome(report: Report, words: Words) -> str:
    repaired = sum(claim.verdict == "repaired" for claim in report.claims)
    held, dropped = len(report.claims) - repaired, len(report.dropped)
    written = held + repaired + dropped
    if not written:
        return ""
    return words.say("outcome_counts", all=written, held=held, repaired=repaired, dropped=dropped)


def _considered(report: Report, words: Words, text: Callable[[str], str]) -> Iterator[Found]:
    asked = {part.id: f"“{part.text}”" for part in report.brief.sub_questions}
    for work in report.considered:
        part = work.sub_question
        why = work.why.replace(part, asked.get(part, part), 1) if part else work.why
        yield Found(text(work.title or work.url), work.chosen, text(words.tell(why)))


def _summary(report: Report, citing: Citing, text: Callable[[str], str]) -> Iterator[Condensed]:
    numbers = _numbers(report)
    for sentence in report.summary:
        claims = tuple(numbers[claim.id] for claim in report.condensed(sentence))
        yield Condensed(text(sentence.sentence), claims, _notes(citing, claims))


def _findings(
    report: Report, citing: Citing, words: Words, text: Callable[[str], str]
) -> Iterator[Finding]:
    numbers = _numbers(report)
    for claim in key_claims(report):
        number = numbers[claim.id]
        held_by = standing(claim, report, words)
        yield Finding(text(claim.sentence), number, held_by, _notes(citing, (number,)))


def _numbers(report: Report) -> dict[str, int]:
    return {claim.id: number for number, claim in enumerate(report.claims, 1)}


def _notes(citing: Citing, claims: tuple[int, ...]) -> tuple[int, ...]:
    notes = (note.number for n in claims for mark in citing.marks[n - 1] for note in mark.notes)
    return tuple(dict.fromkeys(notes))


def _parts(
    report: Report, citing: Citing, words: Words, text: Callable[[str], str]
) -> Iterator[Part]:
    numbered = enumerate(citing.marks, 1)
    for part, section in enumerate(report.sections, 1):
        sentences = tuple(_sentences(report, section, numbered, words, text))
        yield Part(part, text(section.title), tuple(_paragraphs(sentences)))


def _sentences(
    report: Report,
    section: Section,
    numbered: Iterator[tuple[int, tuple[Mark, ...]]],
    words: Words,
    text: Callable[[str], str],
) -> Iterator[Sentence]:
    for claim in section.claims:
        number, marks = next(numbered)
        yield Sentence(
            number=number,
            text=text(claim.sentence),
            repaired=claim.verdict == "repaired",
            held_by=standing(claim, report, words),
            checked=checked(claim, words),
            marks=marks,
            warning=words.say("only_retracted") if _only_retracted(claim, report) else "",
        )


def _only_retracted(claim: Claim, report: Report) -> bool:
    retracted = {source.id for source in report.cited if source.publication.retracted}
    return all(citation.source in retracted for citation in claim.citations)


def _paragraphs(sentences: tuple[Sentence, ...]) -> Iterator[tuple[Sentence, ...]]:
    """Share the sentences out evenly, so that no paragraph is longer than is read with ease."""
    count = math.ceil(len(sentences) / SENTENCES_A_PARAGRAPH)
    for number in range(count):
        first, after = (len(sentences) * n // count for n in (number, number + 1))
        yield sentences[first:after]


def _disputes(
    report: Report, citing: Citing, words: Words, text: Callable[[str], str]
) -> Iterator[Dispute]:
    for dispute in report.disagreements:
        sides = tuple(_stand(side, dispute, report, citing, text) for side in dispute.sides)
        outcome = text(words.tell(dispute.why)) or words.say("nobody_prevails")
        yield Dispute(text(dispute.about), words.say(f"dispute_{dispute.kind}"), sides, outcome)


def _stand(
    side: Side,
    dispute: Disagreement,
    report: Report,
    citing: Citing,
    text: Callable[[str], str],
) -> Stand:
    number = _numbers(report)[side.claim]
    claim = report.claims[number - 1]
    return Stand(
        says=text(side.says),
        claim=number,
        sentence=text(claim.sentence),
        mark=citing.marks[number - 1][0],
        prevails=side.claim == dispute.prevails,
    )
