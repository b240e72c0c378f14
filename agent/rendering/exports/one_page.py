"""Writes a brief in Markdown: the summary and the best held claims, as many as fit one page."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from agent.domain.look import PLAIN
from agent.rendering.bibliography.styles import formatted
from agent.rendering.exports.wrapping import columns
from agent.rendering.links import own_address
from agent.rendering.markdown_report import escaped
from agent.rendering.method import moment
from agent.rendering.words import words_for
from agent.templating import fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from agent.domain.evidence import Source
    from agent.domain.look import Look
    from agent.domain.report import Claim, Report, SummarySentence

LINES: Final = 50
COLUMNS: Final = 90
"""What an A4 page with margins of 2.5 cm holds of 11-point text."""

MOST_DISPUTES: Final = 5


def as_brief(report: Report, look: Look = PLAIN) -> str:
    """Return brief.md; what would not fit the page is left out, the summary last."""
    references = formatted(report.cited, look.style, report.brief.language)
    linked = {s.id: _linked(r, s) for s, r in zip(report.cited, references, strict=True)}
    page = _Page(report, linked, look.templates)
    for sentence in report.summary:
        page = page.longer(replace(page, sentences=(*page.sentences, sentence)))
    said = {sentence.sentence for sentence in page.sentences}
    for claim in (claim for claim in _best_first(report) if claim.sentence not in said):
        page = page.longer(replace(page, claims=(*page.claims, claim)))
    return page.text.strip() + "\n"


@dataclass(frozen=True, slots=True)
class _Page:
    """What of a report stands on the page, and the references to choose from, by source."""

    report: Report
    references: Mapping[str, str]
    templates: Path | None
    sentences: tuple[SummarySentence, ...] = ()
    claims: tuple[Claim, ...] = ()

    def longer(self, other: _Page) -> _Page:
        """Return the other page if it is one, else this."""
        lines = other.text.splitlines()
        return (
            other if sum(max(1, -(-columns(line) // COLUMNS)) for line in lines) <= LINES else self
        )

    @property
    def text(self) -> str:
        report, words = self.report, words_for(self.report.brief.language)
        condensed = [self.report.condensed(sentence) for sentence in self.sentences]
        cited = _cited((*itertools.chain.from_iterable(condensed), *self.claims))
        numbers = {source: number for number, source in enumerate(cited, 1)}
        sources = words.count("sources", len(report.cited))
        held = words.count("claims", len(report.claims), sources=sources)
        return fill(
            "5-render/brief.md.j2",
            self.templates,
            title=escaped(report.brief.restated) or escaped(report.run.question.text),
            status=report.run.status,
            reason=escaped(words.tell(report.run.reason)),
            glance=f"{held} · {words.say('finished')} {moment(report.run.finished)}",
            sentences=[
                (escaped(sentence.sentence), [numbers[source] for source in _cited(claims)])
                for sentence, claims in zip(self.sentences, condensed, strict=True)
            ],
            claims=[
                (escaped(claim.sentence), [numbers[source] for source in _cited([claim])])
                for claim in self.claims
            ],
            disputed=_disputed(report),
            references=[self.references[source] for source in cited],
            words=words.plain,
        )


def _disputed(report: Report) -> list[str]:
    named = [escaped(dispute.about) for dispute in report.disagreements]
    return named if len(named) <= MOST_DISPUTES else [*named[:MOST_DISPUTES], "…"]


def _cited(claims: Sequence[Claim]) -> tuple[str, ...]:
    """Return the ids of the sources of some claims, by first citation."""
    return tuple(dict.fromkeys(c.source for claim in claims for c in claim.citations))


def _best_first(report: Report) -> Iterator[Claim]:
    """Yield the best held claim of each section, then the second best of each, and so on."""

    def held(claim: Claim) -> tuple[int, float]:
        return (report.holding(claim), claim.support or 0.0)

    ranked = (sorted(section.claims, key=held, reverse=True) for section in report.sections)
    for rank in itertools.zip_longest(*ranked):
        yield from (claim for claim in rank if claim)


def _linked(reference: str, source: Source) -> str:
    """Escape a reference but for the address of its own source, which becomes a link."""
    before, address, after = own_address(reference, source)
    return f"{escaped(before)} <{address}>{escaped(after)}".strip() if address else escaped(before)
