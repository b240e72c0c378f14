"""Counts what verification catches of falsehoods planted in true claims, and what it alarms on.

material = await gathered({"A title": "A text whose sentences are taken for true. ..."})
misbehaving = Misbehaving({"swapped_entity": 1.0})
tally = await caught(material, misbehaving, model=model)
false_alarms = await alarmed(material, Rewording(), model=model)
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from agent.domain.evidence import Evidence, Source
from agent.domain.passages import passages, sentences
from agent.domain.question import Brief
from agent.domain.quotes import word_count
from agent.domain.report import Draft, DraftClaim, DraftSection, Quotation, Verified
from agent.stages.verify import verify
from agent.templating import passage_line
from agent.testing.changing import Request
from agent.testing.standins import MemoryDocuments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.domain.report import Claim
    from agent.ports import ChatModel
    from agent.testing.changing import Change
    from agent.testing.misbehaving import Misbehaving

FEWEST_WORDS: Final = 7
_WHOLE: Final = re.compile(r"(?:[A-Z\d]|[^\x00-\x7f]).*[.。]")


@dataclass(frozen=True, slots=True)
class Material:
    """Texts as they were read, and the claims that are true of them: each sentence, quoted."""

    evidence: Evidence
    documents: MemoryDocuments
    truths: tuple[DraftClaim, ...]

    def shown(self, source_id: str) -> str:
        """Return a source as a prompt shows it: a passage a line."""
        source = next(source for source in self.evidence.sources if source.id == source_id)
        text = self.documents.texts[source.sha256]
        return "\n".join(
            f"{source_id}.{number} {passage_line(text[start:end])}"
            for number, (start, end) in enumerate(source.spans, start=1)
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """How many claims were tried, and those of them that got past, or raised an alarm."""

    tried: int
    counted: tuple[str, ...]

    @property
    def share(self) -> float:
        """The share that was counted; of nothing it is none."""
        return len(self.counted) / self.tried if self.tried else 0.0


async def gathered(texts: Mapping[str, str]) -> Material:
    """Return the material of some texts, by their titles."""
    documents = MemoryDocuments()
    sources: list[Source] = []
    truths: list[DraftClaim] = []
    for number, (title, text) in enumerate(texts.items(), start=1):
        id_, address = f"S{number}", f"https://{number}.example"
        spans = passages(text)
        digest = await documents.put(text)
        sources.append(Source(id_, "web", address, title, digest, _LONG_AGO, spans))
        truths += [
            DraftClaim(said, (Quotation(f"{id_}.{place}", said),))
            for place, (start, end) in enumerate(spans, start=1)
            for said in _sentences(text[start:end])
        ]
    return Material(Evidence(sources=tuple(sources)), documents, tuple(truths))


async def caught(
    material: Material, misbehaving: Misbehaving, *before: Change, model: ChatModel
) -> Tally:
    """Return how many true claims could be spoiled, and what of it stands all the same.

    Changes ``before`` are made first, such as a Rewording.
    """
    spoiled: list[tuple[DraftClaim, str]] = []
    for truth in material.truths:
        planted = len(misbehaving.planted)
        claim = _changed(truth, material, (*before, misbehaving))
        spoiled += [(claim, one.spoiled) for one in misbehaving.planted[planted:]]
    held = await _held([claim for claim, _ in spoiled], material, model)
    return Tally(len(spoiled), tuple(what for c, what in spoiled if _stands(what, c, held)))


async def alarmed(material: Material, *changes: Change, model: ChatModel) -> Tally:
    """Return how many true claims there are, and those that did not hold once reworded."""
    claims = [_changed(truth, material, changes) for truth in material.truths]
    held = await _held(claims, material, model)
    return Tally(len(claims), tuple(c.sentence for c in claims if c.sentence not in held))


_LONG_AGO: Final = datetime(2026, 1, 2, tzinfo=UTC)
_BRIEF: Final = Brief("", "en", (), (), ())


def _sentences(passage: str) -> list[str]:
    said = [passage[start:end] for start, end in sentences(passage)]
    return [one for one in said if _WHOLE.fullmatch(one) and word_count(one) >= FEWEST_WORDS]


def _changed(truth: DraftClaim, material: Material, changes: Sequence[Change]) -> DraftClaim:
    """Return a claim as it comes out of a writer's answer that went through some changes."""
    (cited,) = truth.quotations
    citation = {"passage": cited.passage, "quote": cited.quote}
    answer = json.dumps({"claims": [{"sentence": truth.sentence, "citations": [citation]}]})
    shown = material.shown(cited.passage.partition(".")[0])
    request = Request("SectionReply", shown, (truth.sentence,))
    for change in changes:
        answer = change(request, answer)
    (claim,) = json.loads(answer)["claims"]
    return DraftClaim(claim["sentence"], tuple(_quotation(one) for one in claim["citations"]))


def _quotation(citation: Mapping[str, Any]) -> Quotation:
    return Quotation(citation["passage"], citation["quote"])


async def _held(
    claims: Sequence[DraftClaim], material: Material, model: ChatModel
) -> dict[str, Claim]:
    """Return what verification lets stand, by its sentences."""
    draft = Draft((DraftSection("", (), tuple(claims)),))
    verified = await verify(
        draft, _BRIEF, material.evidence, Verified(), model=model, documents=material.documents
    )
    return {claim.sentence: claim for claim in verified.claims}


def _stands(spoiled: str, written: DraftClaim, held: Mapping[str, Claim]) -> bool:
    """Whether a spoiled sentence, quote or id stands; a quote may have been put right instead."""
    claim = held.get(written.sentence)
    if claim is None:
        return False
    cited = {part for one in claim.citations for part in (one.passage, one.quote)}
    return spoiled == claim.sentence or spoiled in cited
