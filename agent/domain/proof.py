"""Proves a claim: its passages exist, its quotes stand there, and they say what it says.

The checks go from cheap to dear: ids, quotes, numbers, then names, dates, units, negation,
direction and roles by rule, and last the local support score. What that leaves open is a doubt for
a judge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from agent.domain.fragments import words_before
from agent.domain.language import same_language
from agent.domain.numbers import missing
from agent.domain.passages import LONGEST_SENTENCE, sentences
from agent.domain.quotes import find_near, find_quote
from agent.domain.report import Citation
from agent.domain.support import HARD, SUPPORTED_FROM, judge

if TYPE_CHECKING:
    from agent.domain.evidence import Evidence, Source
    from agent.domain.report import DraftClaim, Quotation
    from agent.domain.support import Reason

WRITTEN_BY_CODE_ALONE: Final = re.compile(r"[A-Za-z]://|[Ww]{3}\.|\bS\d+\.\d+\b|\[\^?\d+\]|\]\(")

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


Orders: TypeAlias = Mapping[str, Sequence[tuple[int, int]]]
"""By SHA-256 of a text, the offsets of what gives orders to language models in it."""


NO_ORDERS: Final[Orders] = {}


def prove(
    claim: DraftClaim, evidence: Evidence, texts: Mapping[str, str], orders: Orders = NO_ORDERS
) -> Proof | Unproved:
    """Return the exact citations that hold a claim, or why it does not hold."""
    citations = _cited(claim, evidence, texts)
    if isinstance(citations, Unproved):
        return citations
    if any(_is_order(citation, evidence, orders) for citation in citations):
        return Unproved("it is quoted from an order to language models")
    digests = {source.id: source.sha256 for source in evidence.sources}
    wide = tuple(dict.fromkeys(_widened(c, texts[digests[c.source]]) for c in citations))
    if missing(claim.sentence, _said(citations)):
        absent = missing(claim.sentence, _said(wide))
        if absent:
            return Unproved(f"the quotes do not state {', '.join(absent)}")
        citations = wide
    citations = tuple(_told_apart(c, texts[digests[c.source]]) for c in citations)
    return _weighed(claim.sentence, citations, _said(wide), _context(wide, evidence, texts))


def _is_order(citation: Citation, evidence: Evidence, orders: Orders) -> bool:
    source = evidence.source_of(citation.passage)
    spans = orders.get(source.sha256, ()) if source else ()
    return any(start < citation.end and end > citation.start for start, end in spans)


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
    if not same_language(sentence, said):
        return Proof(citations, 0.0, said, "its evidence is in another language")
    wrong = objections(sentence, said, context)
    if wrong:
        return Unproved("; ".join(map(str, wrong)))
    judgement = judge(sentence, said)
    if judgement.score >= SUPPORTED_FROM:
        return Proof(citations, judgement.score, said)
    soft = (str(reason) for reason in judgement.reasons if reason.kind not in HARD)
    why = "; ".join(soft) or "the quotes may say something else"
    if judgement.score < DOUBTED_FROM:
        return Unproved(f"the quotes do not support it: {why}")
    return Proof(citations, judgement.score, said, why)


def objections(sentence: str, said: str, context: str) -> tuple[Reason, ...]:
    """Return what speaks by rule against a sentence that rests on whole sentences of sources.

    ``context`` is the text around them: names, dates and units may stand there.
    """
    wrong = [reason for reason in judge(sentence, said).reasons if reason.kind in HARD]
    if any(reason.kind in _IN_CONTEXT for reason in wrong):
        there = set(judge(sentence, context).reasons)
        wrong = [reason for reason in wrong if reason.kind not in _IN_CONTEXT or reason in there]
    return tuple(wrong)


def whole_sentences(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the offsets of the sentences that characters ``start`` to ``end`` stand in."""
    first, last = max(0, start - LONGEST_SENTENCE), end + LONGEST_SENTENCE
    touched = [span for span in sentences(text, first, last) if span[0] < end and span[1] > start]
    return min([start, *(span[0] for span in touched)]), max([end, *(s[1] for s in touched)])


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


def _told_apart(citation: Citation, text: str) -> Citation:
    """Return the citation with the words before its quote, where they are needed to find it."""
    return replace(citation, before=words_before(text, citation.start, citation.end))


def _said(citations: tuple[Citation, ...]) -> str:
    return "\n".join(citation.quote for citation in citations)


def _widened(citation: Citation, text: str) -> Citation:
    """Return the citation with its quote widened to whole sentences."""
    start, end = whole_sentences(text, citation.start, citation.end)
    return replace(citation, quote=text[start:end], start=start, end=end)
