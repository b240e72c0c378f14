"""Proves a claim: its passages exist, its quotes stand there, and they say what it says.

The checks go from cheap to dear: ids, quotes, numbers, then names, dates, units, negation,
direction and roles by rule, and last the local support score. What that leaves open is a doubt for
a judge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from agent.domain.language import language_of_script, same_script
from agent.domain.numbers import missing
from agent.domain.passages import sentences
from agent.domain.quotes import find_near, find_quote
from agent.domain.report import Citation
from agent.domain.support import HARD, SUPPORTED_FROM, judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.domain.evidence import Evidence, Source
    from agent.domain.report import DraftClaim, Quotation
    from agent.domain.support import Reason

WRITTEN_BY_CODE_ALONE: Final = re.compile(r"https?://|www\.|\bS\d+\.\d+\b|\[\d+\]|\]\(")

DOUBTED_FROM: Final = 0.25
"""Support from which a claim in the language of its evidence is worth a judge's time. A true
paraphrase hardly scores less, and one that does is better reworded than argued for."""

_IN_CONTEXT: Final = frozenset(
    {"missing_number", "missing_percentage", "missing_date", "missing_unit", "missing_entity"}
)
"""What may stand elsewhere in the cited passage or in its source's title, as the names of things do
that a quoted sentence calls "it"."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The exact citations that hold a claim, and how well (0..1).

    ``doubt`` says what the rules could not settle; empty if they did. ``said`` is the text the
    citations stand in, in whole sentences.
    """

    citations: tuple[Citation, ...]
    support: float
    said: str
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Unproved:
    """Why a claim does not hold."""

    reason: str


def prove(claim: DraftClaim, evidence: Evidence, texts: Mapping[str, str]) -> Proof | Unproved:
    """Return the exact citations that hold a claim, or why it does not hold."""
    citations = _cited(claim, evidence, texts)
    if isinstance(citations, Unproved):
        return citations
    wide = tuple(dict.fromkeys(_widened(citation, evidence, texts) for citation in citations))
    if missing(claim.sentence, _said(citations)):
        absent = missing(claim.sentence, _said(wide))
        if absent:
            return Unproved(f"the quotes do not state {', '.join(absent)}")
        citations = wide
    return _weighed(claim.sentence, citations, _said(wide), _context(wide, evidence, texts))


def _cited(
    claim: DraftClaim, evidence: Evidence, texts: Mapping[str, str]
) -> tuple[Citation, ...] | Unproved:
    """Return where each quote of a claim stands, each place once."""
    if WRITTEN_BY_CODE_ALONE.search(claim.sentence):
        return Unproved("the sentence contains an address or a reference number")
    if not claim.quotations:
        return Unproved("no passage is cited")
    citations: list[Citation] = []
    for quotation in claim.quotations:
        source = evidence.source_of(quotation.passage)
        if source is None:
            return Unproved(f"passage {quotation.passage!r} does not exist")
        citation = _located(quotation, source, texts[source.sha256])
        if citation is None:
            return Unproved(f"the quote does not stand in {quotation.passage}")
        citations.append(citation)
    return tuple(dict.fromkeys(citations))


def _weighed(
    sentence: str, citations: tuple[Citation, ...], said: str, context: str
) -> Proof | Unproved:
    """Return the proof if whole sentences of the sources say what the claim says, or may do so.

    Whole sentences, because words quoted out of "nobody says that …" say the opposite.
    """
    if not _same_language(sentence, said):
        return Proof(citations, 0.0, said, "its evidence is in another language")
    judgement = judge(sentence, said)
    wrong = [reason for reason in judgement.reasons if reason.kind in HARD]
    if any(reason.kind in _IN_CONTEXT for reason in wrong):
        wrong = _left_in(context, sentence, wrong)
    if wrong:
        return Unproved("; ".join(map(str, wrong)))
    if judgement.score >= SUPPORTED_FROM:
        return Proof(citations, judgement.score, said)
    why = "; ".join(map(str, judgement.reasons)) or "the quotes may say something else"
    if judgement.score < DOUBTED_FROM:
        return Unproved(f"the quotes do not support it: {why}")
    return Proof(citations, judgement.score, said, why)


def _left_in(context: str, sentence: str, wrong: Sequence[Reason]) -> list[Reason]:
    """Return the reasons that the text around the quotes does not take away."""
    there = set(judge(sentence, context).reasons)
    return [reason for reason in wrong if reason.kind not in _IN_CONTEXT or reason in there]


def _same_language(sentence: str, said: str) -> bool:
    return same_script(said, language_of_script(sentence) or "en")


def _context(citations: tuple[Citation, ...], evidence: Evidence, texts: Mapping[str, str]) -> str:
    """Return the passages that citations stand in, with the titles of their sources."""
    lines: dict[str, None] = {}
    for citation in citations:
        source = evidence.source_of(citation.passage)
        span = source.span(citation.passage) if source else None
        if source and span:
            lines |= dict.fromkeys((source.title, texts[source.sha256][slice(*span)]))
    return "\n".join((*lines, _said(citations)))


def _located(quotation: Quotation, source: Source, text: str) -> Citation | None:
    """Return where a quote stands: in its passage, else anywhere in its source, else nearly."""
    span = source.span(quotation.passage)
    found = find_quote(quotation.quote, text, *span) if span else None
    found = found or find_quote(quotation.quote, text)
    found = found or (find_near(quotation.quote, text, *span) if span else None)
    found = found or find_near(quotation.quote, text)
    if found is None:
        return None
    number = next(n for n, (_, end) in enumerate(source.spans, start=1) if found[0] < end)
    return Citation(source.id, f"{source.id}.{number}", text[slice(*found)], *found)


def _said(citations: tuple[Citation, ...]) -> str:
    return "\n".join(citation.quote for citation in citations)


def _widened(citation: Citation, evidence: Evidence, texts: Mapping[str, str]) -> Citation:
    """Return the citation with its quote widened to whole sentences."""
    source = evidence.source_of(citation.passage)
    if source is None:
        return citation
    text = texts[source.sha256]
    touched = [
        (start, end)
        for first, last in source.spans
        if first < citation.end and last > citation.start
        for start, end in sentences(text, first, last)
        if start < citation.end and end > citation.start
    ]
    start = min([citation.start, *(start for start, _ in touched)])
    end = max([citation.end, *(end for _, end in touched)])
    return replace(citation, quote=text[start:end], start=start, end=end)
