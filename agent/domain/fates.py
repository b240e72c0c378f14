"""Says what becomes of the claims of an earlier report, given what their sources say by now.

A claim of which every quote still stands, in the very sentence it stood in, is carried over, and so
is one that rules alone can hold to those of its quotes that do. What an edit touched is not: a
sentence that now says "it was once thought that" holds nothing, though the quote stands in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.domain.changes import Change
from agent.domain.edits import folded, reworded
from agent.domain.evidence import Evidence
from agent.domain.news import quoted
from agent.domain.proof import Proof, prove, whole_sentences
from agent.domain.quotes import find_quote
from agent.domain.report import Citation, DraftClaim, Quotation, Section, SummarySentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.domain.evidence import Failure, Source
    from agent.domain.passages import Span
    from agent.domain.report import Claim, Report


@dataclass(frozen=True, slots=True)
class Reread:
    """A source of the predecessor, and what it is by now; ``now`` is None if it is gone.

    ``old`` and ``new`` are its texts, ``fresh`` the sentences of the new one that are new in it.
    """

    before: Source
    now: Source | None
    old: str
    new: str = ""
    fresh: tuple[Span, ...] = ()
    failure: Failure | None = None


@dataclass(slots=True)
class Kept:
    """What is left of the claims; ``ids`` maps those of the predecessor to their new ones."""

    sections: list[Section] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    reopened: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By source that a claim was lost to an edit of: the sub-questions the claim was about."""

    def summary(self, before: Report) -> tuple[SummarySentence, ...]:
        """Return the sentences of the summary of which every claim still holds."""
        return tuple(
            SummarySentence(one.sentence, tuple(self.ids[id_] for id_ in one.claims))
            for one in before.summary
            if all(id_ in self.ids for id_ in one.claims)
        )


def weighed(before: Report, read: Sequence[Reread]) -> Kept:
    """Return what is left of a report's claims, given all of its sources, and what to tell."""
    kept, by_id = Kept(), {one.before.id: one for one in read}
    for section in before.sections:
        claims: list[Claim] = []
        for claim in section.claims:
            fate = _fate(claim, by_id)
            if fate.citations:
                kept.ids[claim.id] = f"c{len(kept.ids) + 1}"
                claims.append(replace(claim, id=kept.ids[claim.id], citations=fate.citations))
            else:
                for citation in fate.after:
                    earlier = kept.reopened.get(citation.source, ())
                    kept.reopened[citation.source] = (*earlier, *section.answers)
            kept.changes.extend(_change(claim, fate, by_id, kept.ids))
        if claims:
            kept.sections.append(replace(section, claims=tuple(claims)))
    return kept


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of a claim: the citations that hold it now, none if it fell.

    ``lost`` are those that stand no more, ``after`` what stands in their places where anything
    does.
    """

    citations: tuple[Citation, ...]
    lost: tuple[Citation, ...] = ()
    after: tuple[Citation, ...] = ()


def _fate(claim: Claim, by_id: Mapping[str, Reread]) -> _Fate:
    standing: list[Citation] = []
    lost: list[Citation] = []
    for citation in claim.citations:
        found = _found(citation, by_id[citation.source])
        lost.append(citation) if found is None else standing.append(found)
    if not lost:
        return _Fate(tuple(standing))
    after = tuple(filter(None, (_after(one, by_id[one.source]) for one in lost)))
    return _Fate(_held(claim, standing, by_id), tuple(lost), after)


def _found(citation: Citation, read: Reread) -> Citation | None:
    """Return where a quote stands now, in the sentence it stood in; None if it does not."""
    if read.now is None:
        return None
    if read.new == read.old:
        return _citation(read.now, read.new, (citation.start, citation.end))
    sentence = _sentence(read.old, (citation.start, citation.end))
    around = find_quote(sentence, read.new)
    place = find_quote(citation.quote, read.new, *around) if around else None
    if place is None or folded(_sentence(read.new, place)) != folded(sentence):
        return None
    return _citation(read.now, read.new, place)


def _sentence(text: str, place: Span) -> str:
    start, end = whole_sentences(text, *place)
    return text[start:end]


def _after(citation: Citation, read: Reread) -> Citation | None:
    """Return the sentence that the one a quote stood in has become, None if it became none.

    It is the one the quote stands in by now, in other words than before, or else the likest.
    """
    if read.now is None:
        return None
    place = find_quote(citation.quote, read.new)
    if place:
        place = whole_sentences(read.new, *place)
    else:
        sentence = _sentence(read.old, (citation.start, citation.end))
        place = reworded(sentence, read.new, read.fresh)
    return _citation(read.now, read.new, place) if place else None


def _citation(source: Source, text: str, place: Span) -> Citation:
    number = next(n for n, (_, end) in enumerate(source.spans, start=1) if place[0] < end)
    return Citation(source.id, f"{source.id}.{number}", text[slice(*place)], *place)


def _held(
    claim: Claim, citations: Sequence[Citation], by_id: Mapping[str, Reread]
) -> tuple[Citation, ...]:
    """Return what of these citations holds a claim by rules alone; nothing if they do not.

    Where rules leave a doubt, as they do between languages, a claim that a model settled stays
    settled: its sentence is the same, and so are these quotes.
    """
    sources = tuple(one.now for one in by_id.values() if one.now)
    texts = {one.now.sha256: one.new for one in by_id.values() if one.now}
    quotations = tuple(Quotation(one.passage, one.quote) for one in citations)
    proof = prove(DraftClaim(claim.sentence, quotations), Evidence(sources=sources), texts)
    if not isinstance(proof, Proof) or (proof.doubt and claim.judge != "model"):
        return ()
    return proof.citations


def _change(
    claim: Claim, fate: _Fate, by_id: Mapping[str, Reread], ids: Mapping[str, str]
) -> Iterator[Change]:
    """Yield what is to be told: nothing of a claim that others hold though one source is gone."""
    before = tuple(quoted(one, by_id[one.source].before) for one in fate.lost)
    now = {one.now.id: one.now for one in by_id.values() if one.now}
    after = tuple(quoted(one, now[one.source]) for one in fate.after)
    if after:
        claims = (ids[claim.id],) if fate.citations else ()
        yield Change("changed", claim.sentence, before, after, claims)
    elif not fate.citations:
        gone = all(by_id[one.source].now is None for one in fate.lost)
        yield Change("withdrawn", claim.sentence, before, gone=gone)
