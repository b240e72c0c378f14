"""Numbers what is cited: sources by first citation, quotes by first appearance, marks in order."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.domain.evidence import ONLY_ABSTRACT
from agent.rendering.bibliography import styles
from agent.rendering.links import at_quote, linkable, own_address, stored_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from agent.domain.evidence import Source
    from agent.domain.look import Look
    from agent.domain.report import Citation, Claim, Report
    from agent.rendering.words import Words


@dataclass(frozen=True, slots=True)
class Note:
    """One quote, wherever it is cited; ``at_quote`` opens it there, ``page`` is that of a PDF.

    ``label`` names its source as the citation style does in the text, a numbered one without
    brackets.
    """

    number: int
    reference: int
    label: str
    quote: str
    title: str
    url: str | None
    at_quote: str | None
    page: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """One source at one claim, with the quotes the claim takes from it."""

    number: int
    reference: int
    label: str
    title: str
    published: str
    stored: str | None
    warnings: tuple[str, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A reference in the words of a citation style, parted at the address of its source."""

    before: str
    address: str
    after: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A source as the list shows it; number 0 if it was read but is not cited.

    ``written`` is None in the page's own style, ``numeric``, which shows the parts one by one.
    """

    number: int
    title: str
    url: str | None
    address: str
    kind: str
    authors: tuple[str, ...]
    published: str
    read: str
    remarks: tuple[str, ...]
    warnings: tuple[str, ...]
    stored: str | None
    notes: tuple[Note, ...] = ()
    marks: tuple[int, ...] = ()
    written: Written | None = None


@dataclass(frozen=True, slots=True)
class Citing:
    """What names the sources, the marks of every claim, and the notes they lead to, in order."""

    labels: tuple[str, ...]
    marks: tuple[tuple[Mark, ...], ...]
    notes: tuple[Note, ...]

    def by_reference(self) -> dict[int, tuple[Mark, ...]]:
        """Return the marks that point at each reference."""
        pointing: dict[int, tuple[Mark, ...]] = {}
        for mark in itertools.chain.from_iterable(self.marks):
            pointing[mark.reference] = (*pointing.get(mark.reference, ()), mark)
        return pointing


def cite(report: Report, words: Words, text: Callable[[str], str], look: Look) -> Citing:
    """Return the quotes and marks of a report, numbered."""
    labels = _labels(report, text, look)
    notes = _notes(report, words, text, labels)
    numbers = itertools.count(1)
    sources = {source.id: source for source in report.cited}
    marks = tuple(tuple(_marks(claim, notes, sources, numbers, words)) for claim in report.claims)
    return Citing(labels, marks, tuple(notes.values()))


def references(
    report: Report, citing: Citing, words: Words, text: Callable[[str], str], look: Look
) -> tuple[Reference, ...]:
    """List the cited sources in the order of the style, with the quotes taken from each."""
    marks = citing.by_reference()
    numbers = {source.id: number for number, source in enumerate(report.cited, 1)}
    listed = styles.listed(report.cited, look.style, report.brief.language)
    return tuple(
        replace(
            _reference(source, words, text, number=number, marks=marks[number]),
            written=None if look.style == "numeric" else _written(reference, source, text),
        )
        for source, reference in listed
        for number in (numbers[source.id],)
    )


def _written(reference: str, source: Source, text: Callable[[str], str]) -> Written:
    before, address, after = own_address(reference, source)
    return Written(text(before), address, text(after))


def _labels(report: Report, text: Callable[[str], str], look: Look) -> tuple[str, ...]:
    if look.is_numbered:
        return tuple(str(number) for number, _ in enumerate(report.cited, 1))
    return tuple(map(text, styles.marks(report.cited, look.style, report.brief.language)))


def unnumbered(report: Report, words: Words, text: Callable[[str], str]) -> tuple[Reference, ...]:
    """List the sources that were read and are not cited."""
    cited = {source.id for source in report.cited}
    return tuple(_reference(s, words, text) for s in report.sources if s.id not in cited)


def _notes(
    report: Report, words: Words, text: Callable[[str], str], labels: tuple[str, ...]
) -> dict[Citation, Note]:
    order = {source.id: number for number, source in enumerate(report.cited, 1)}
    by_id = {source.id: source for source in report.cited}
    shown = itertools.chain.from_iterable(
        citations for claim in report.claims for citations in _by_source(claim).values()
    )
    return {
        citation: Note(
            number,
            order[citation.source],
            labels[order[citation.source] - 1],
            text(citation.quote),
            _title(by_id[citation.source], text),
            linkable(by_id[citation.source].url),
            at_quote(by_id[citation.source], citation.quote, citation.start, citation.before),
            _page(by_id[citation.source], citation, words),
        )
        for number, citation in enumerate(dict.fromkeys(shown), 1)
    }


def _page(source: Source, citation: Citation, words: Words) -> str:
    number = source.page(citation.start)
    return words.say("page", n=number) if number else ""


def _by_source(claim: Claim) -> dict[str, list[Citation]]:
    grouped: dict[str, list[Citation]] = {}
    for citation in dict.fromkeys(claim.citations):
        grouped.setdefault(citation.source, []).append(citation)
    return grouped


def _marks(
    claim: Claim,
    notes: Mapping[Citation, Note],
    sources: Mapping[str, Source],
    numbers: Iterator[int],
    words: Words,
) -> Iterator[Mark]:
    for id_, citations in _by_source(claim).items():
        source, quoted = sources[id_], tuple(notes[citation] for citation in citations)
        yield Mark(
            number=next(numbers),
            reference=quoted[0].reference,
            label=quoted[0].label,
            title=quoted[0].title,
            published=_published(source),
            stored=stored_text(source.sha256),
            warnings=tuple(_warnings(source, words)),
            notes=quoted,
        )


def _reference(
    source: Source,
    words: Words,
    text: Callable[[str], str],
    *,
    number: int = 0,
    marks: tuple[Mark, ...] = (),
) -> Reference:
    return Reference(
        number=number,
        title=_title(source, text),
        url=linkable(source.url),
        address=text(source.url),
        kind=words.say(source.kind),
        authors=tuple(map(text, source.authors)),
        published=_published(source),
        read=source.read_at.date().isoformat(),
        remarks=tuple(_remarks(source, words, text)),
        warnings=tuple(_warnings(source, words)),
        stored=stored_text(source.sha256),
        notes=tuple(dict.fromkeys(note for mark in marks for note in mark.notes)),
        marks=tuple(mark.number for mark in marks),
    )


def _published(source: Source) -> str:
    return source.published.isoformat() if source.published else ""


def _title(source: Source, text: Callable[[str], str]) -> str:
    return text(source.title) or text(source.url)


def _remarks(source: Source, words: Words, text: Callable[[str], str]) -> Iterator[str]:
    """Yield what a reader should know of the work and of its reading."""
    work = source.publication
    if work.venue:
        yield text(work.venue)
    if work.citations is not None:
        yield words.count("citations", work.citations)
    if work.licence:
        yield text(work.licence)
    if source.work not in {"", source.id}:
        yield words.say("copy")
    if source.note:
        yield words.say("only_abstract") if source.note == ONLY_ABSTRACT else text(source.note)


def _warnings(source: Source, words: Words) -> Iterator[str]:
    """Yield what should make a reader careful."""
    if source.publication.retracted:
        yield words.say("retracted")
    if source.injections:
        yield words.count("injections", source.injections)
