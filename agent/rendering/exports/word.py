"""Writes the report as DOCX: a footnote with its quote at every citation, references at the end."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from agent.domain.look import PLAIN
from agent.rendering.bibliography.styles import listed, marks
from agent.rendering.changes import since
from agent.rendering.clean_text import clean
from agent.rendering.exports.word_parts import (
    FOOTNOTE_REFERENCE,
    Footnotes,
    add_bookmark,
    add_link,
    add_reference,
    packed,
    styled_document,
)
from agent.rendering.links import at_quote, own_address
from agent.rendering.method import moment
from agent.rendering.words import words_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docx.text.paragraph import Paragraph

    from agent.domain.evidence import Source
    from agent.domain.look import Look
    from agent.domain.report import Citation, Claim, Report


def as_docx(report: Report, look: Look = PLAIN) -> bytes:
    """Return report.docx."""
    writing = _Writing(report, look)
    writing.head()
    writing.changes()
    writing.summary()
    writing.sections()
    writing.disputes()
    writing.gaps()
    writing.sources()
    return packed(writing.document)


class _Writing:
    """A document that grows; every method adds one part of the report to its end."""

    def __init__(self, report: Report, look: Look) -> None:
        self.document = styled_document()
        self._report = report
        self._look = look
        self._language = report.brief.language
        self._words = words_for(report.brief.language)
        self._footnotes = Footnotes(self.document)
        self._sources = report.cited
        self._marks = marks(self._sources, look.style, self._language)
        self._numbers = {source.id: number for number, source in enumerate(self._sources, 1)}

    def head(self) -> None:
        report, words = self._report, self._words
        title = clean(report.brief.restated) or clean(report.run.question.text)
        known = self.document.core_properties
        known.title, known.author, known.comments = title[:255], "deep-research-agent", ""
        known.language = clean(self._language)[:255]
        known.created = known.modified = report.run.finished.astimezone(UTC).replace(tzinfo=None)
        self.document.add_heading(title, 0)
        if report.run.status != "complete":
            banner = self.document.add_paragraph()
            banner.add_run(words.say(report.run.status)).bold = True
            banner.add_run(f" {clean(words.tell(report.run.reason))}")
        cited = words.count("sources", len(report.cited))
        held = words.count("claims", len(report.claims), sources=cited)
        self.document.add_paragraph(
            f"{held} · {words.say('finished')} {moment(report.run.finished)}"
        )

    def changes(self) -> None:
        """Write what changed since the predecessor, if there is one, with the quotes of it."""
        told = since(self._report, self._words, clean)
        if told is None:
            return
        self.document.add_heading(self._words.say("changes"), 1)
        self.document.add_paragraph(told.said)
        for change in told.changes:
            bullet = self.document.add_paragraph(style="List Bullet")
            bullet.add_run(f"{change.label}: ").bold = True
            bullet.add_run(f"{change.sentence} {change.why}".rstrip())
            for one in change.quotes:
                quote = f"{one.when}: “{one.quote}” {one.title}, {one.day}"
                self.document.add_paragraph(quote, style="List Bullet 2")

    def summary(self) -> None:
        if self._report.summary:
            self.document.add_heading(self._words.say("summary"), 1)
        for sentence in self._report.summary:
            bullet = self.document.add_paragraph(clean(sentence.sentence), style="List Bullet")
            self._mark(bullet, self._report.condensed(sentence))

    def sections(self) -> None:
        for section in self._report.sections:
            self.document.add_heading(clean(section.title), 1)
            for claim in section.claims:
                paragraph = self.document.add_paragraph(clean(claim.sentence))
                for place, citation in enumerate(dict.fromkeys(claim.citations)):
                    if place:
                        paragraph.add_run(", ", style=FOOTNOTE_REFERENCE)
                    self._fill(self._footnotes.add(paragraph), citation)

    def disputes(self) -> None:
        """Write what sources disagree on, and what each side says."""
        if self._report.disagreements:
            self.document.add_heading(self._words.say("disputes"), 1)
        for dispute in self._report.disagreements:
            outcome = clean(self._words.tell(dispute.why)) or self._words.say("nobody_prevails")
            self.document.add_paragraph(f"{clean(dispute.about)}: {outcome}")
            for side in dispute.sides:
                bullet = self.document.add_paragraph(clean(side.says), style="List Bullet")
                claim = next(claim for claim in self._report.claims if claim.id == side.claim)
                self._mark(bullet, [claim])

    def gaps(self) -> None:
        if self._report.gaps:
            self.document.add_heading(self._words.say("gaps"), 1)
        for gap in self._report.gaps:
            self.document.add_paragraph(clean(gap), style="List Bullet")

    def sources(self) -> None:
        self.document.add_heading(self._words.say("sources"), 1)
        if not self._sources:
            self.document.add_paragraph(self._words.say("sources_none"))
        for source, reference in listed(self._sources, self._look.style, self._language):
            number = self._numbers[source.id]
            mark = f"{self._marks[number - 1]} " if self._look.is_numbered else ""
            paragraph = self.document.add_paragraph(mark)
            add_bookmark(paragraph, _place(number), number)
            _refer(paragraph, reference, source)
            if source.publication.retracted:
                paragraph.add_run(f" {self._words.say('retracted')}").bold = True

    def _mark(self, paragraph: Paragraph, claims: Sequence[Claim]) -> None:
        """Append the marks of the sources that some claims cite."""
        for source in dict.fromkeys(c.source for claim in claims for c in claim.citations):
            number = self._numbers[source]
            paragraph.add_run(" ")
            add_reference(paragraph, self._marks[number - 1], _place(number))

    def _fill(self, note: Paragraph, citation: Citation) -> None:
        """Write the quote, its page, and where it stands, in this document and outside."""
        number = self._numbers[citation.source]
        source = self._sources[number - 1]
        page = source.page(citation.start)
        at = f" {self._words.say('page', n=page)}" if page else ""
        note.add_run(f" “{clean(citation.quote)}”{at} ")
        add_reference(note, self._marks[number - 1], _place(number))
        address = at_quote(source, citation.quote, citation.start, citation.before)
        if address:
            note.add_run(" ")
            add_link(note, self._words.say("open_at_quote"), address)


def _place(number: int) -> str:
    return f"reference_{number}"


def _refer(paragraph: Paragraph, reference: str, source: Source) -> None:
    """Write a reference, with the address of its own source as a link."""
    before, address, after = own_address(reference, source)
    paragraph.add_run(before)
    if address:
        add_link(paragraph, address, address)
        paragraph.add_run(after)
