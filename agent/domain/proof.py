"""Proves a claim: every passage exists, every quote stands there, every number is quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from agent.domain.numbers import missing
from agent.domain.passages import sentences
from agent.domain.quotes import find_near, find_quote
from agent.domain.report import Citation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.domain.evidence import Evidence, Source
    from agent.domain.report import DraftClaim, Quotation

WRITTEN_BY_CODE_ALONE: Final = re.compile(r"https?://|www\.|\bS\d+\.\d+\b|\[\d+\]|\]\(")

Proof = tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Unproved:
    """Why a claim does not hold."""

    reason: str


def prove(claim: DraftClaim, evidence: Evidence, texts: Mapping[str, str]) -> Proof | Unproved:
    """Return the exact citations that hold a claim, or why it does not hold."""
    if WRITTEN_BY_CODE_ALONE.search(claim.sentence):
        return Unproved("the sentence contains an address or a reference number")
    if not claim.quotations:
        return Unproved("no passage is cited")
    proof: list[Citation] = []
    for quotation in claim.quotations:
        source = evidence.source_of(quotation.passage)
        if source is None:
            return Unproved(f"passage {quotation.passage!r} does not exist")
        citation = _located(quotation, source, texts[source.sha256])
        if citation is None:
            return Unproved(f"the quote does not stand in {quotation.passage}")
        proof.append(citation)
    return _with_numbers(claim.sentence, tuple(dict.fromkeys(proof)), evidence, texts)


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


def _with_numbers(
    sentence: str, proof: Proof, evidence: Evidence, texts: Mapping[str, str]
) -> Proof | Unproved:
    """Return the proof if it states every number of the sentence; widen its quotes if it must."""
    if not missing(sentence, _said(proof)):
        return proof
    wide = tuple(dict.fromkeys(_widened(citation, evidence, texts) for citation in proof))
    absent = missing(sentence, _said(wide))
    return Unproved(f"the quotes do not state {', '.join(absent)}") if absent else wide


def _said(proof: Proof) -> str:
    return "\n".join(citation.quote for citation in proof)


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
