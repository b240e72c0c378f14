"""Fourth stage: holds every sentence to its quotes; what fails is mended once or dropped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from agent import templating
from agent.domain.events import Event, Tell, tell_nobody
from agent.domain.evidence import Failure
from agent.domain.packing import Passage, passages_of
from agent.domain.proof import Proof, Unproved, prove
from agent.domain.ranking import scores, terms
from agent.domain.report import (
    Claim,
    DraftClaim,
    Dropped,
    Quotation,
    Section,
    Verdict,
    Verified,
)
from agent.errors import AnswerUnusable, ModelUnavailable
from agent.stages.replies import RepairReply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.domain.evidence import Evidence
    from agent.domain.question import Brief
    from agent.domain.report import Draft
    from agent.ports import ChatModel, DocumentStore

REPAIRS_PER_CALL: Final = 10
NEAREST_PASSAGES: Final = 3
"""How many true passages a failed claim is shown with: the best match is among the first three for
nine in ten claims of the demo world."""


Place = tuple[int, int]
"""Which section of a draft, and which claim of it."""


@dataclass(frozen=True, slots=True)
class Held:
    """A sentence that holds, and its proof."""

    verdict: Verdict
    sentence: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class Failing:
    """A claim to be mended: where it stands, why it failed, and what might hold it."""

    place: Place
    claim: DraftClaim
    reason: str
    nearest: tuple[Passage, ...]


async def verify(
    draft: Draft,
    brief: Brief,
    evidence: Evidence,
    before: Verified,
    *,
    model: ChatModel,
    documents: DocumentStore,
    tell: Tell = tell_nobody,
) -> Verified:
    """Check every claim of a draft and add the outcome to what earlier rounds held.

    Each claim ends held, repaired or dropped, and never two of them. A claim holds if every
    passage it cites exists, every quote stands there, and its quotes state all its numbers.
    """
    texts = {source.sha256: await documents.get(source.sha256) for source in evidence.sources}
    held, failing = _checked(draft, evidence, texts)
    mended, failures = await _mended(failing, brief, model=model)
    dropped: list[Dropped] = []
    for fail in failing:
        repair = mended.get(fail.place)
        proof = prove(repair, evidence, texts) if repair is not None else None
        if repair is None or proof is None or isinstance(proof, Unproved):
            dropped.append(Dropped(fail.claim.sentence, fail.reason))
        else:
            held[fail.place] = Held("repaired", repair.sentence, proof)
    after = _added(before, draft, held, dropped)
    new = len(after.claims) - len(before.claims)
    tell(Event("verify", f"{new} claims held, {len(after.dropped) - len(before.dropped)} dropped"))
    return replace(after, failures=before.failures + failures)


def _checked(
    draft: Draft, evidence: Evidence, texts: Mapping[str, str]
) -> tuple[dict[Place, Held], list[Failing]]:
    """Return the claims that hold, and those that fail with what might mend them."""
    held: dict[Place, Held] = {}
    failing: list[Failing] = []
    for number, section in enumerate(draft.sections):
        for position, claim in enumerate(section.claims):
            match prove(claim, evidence, texts):
                case Unproved(reason):
                    failing.append(Failing((number, position), claim, reason, ()))
                case proof:
                    held[number, position] = Held("held", claim.sentence, proof)
    return held, _with_nearest(failing, evidence, texts)


def _with_nearest(
    failing: Sequence[Failing], evidence: Evidence, texts: Mapping[str, str]
) -> list[Failing]:
    """Return the failing claims, each with the passages it cites and those most like it."""
    if not failing:
        return []
    every = [p for source in evidence.sources for p in passages_of(source, texts[source.sha256])]
    words = [terms(passage.text) for passage in every]
    return [replace(fail, nearest=_nearest(fail.claim, every, words)) for fail in failing]


def _nearest(
    claim: DraftClaim, every: Sequence[Passage], words: Sequence[Sequence[str]]
) -> tuple[Passage, ...]:
    cited = {quotation.passage for quotation in claim.quotations}
    near = scores(claim.sentence, words)
    best = sorted(range(len(every)), key=lambda i: -near[i])[:NEAREST_PASSAGES]
    return tuple(p for i, p in enumerate(every) if p.id in cited or (i in best and near[i] > 0))


async def _mended(
    failing: Sequence[Failing], brief: Brief, *, model: ChatModel
) -> tuple[dict[Place, DraftClaim], tuple[Failure, ...]]:
    """Send what failed back once; return what came of it, by place."""
    batches = [
        failing[start : start + REPAIRS_PER_CALL]
        for start in range(0, len(failing), REPAIRS_PER_CALL)
    ]
    mended: dict[Place, DraftClaim] = {}
    failures: list[Failure] = []
    replies = await asyncio.gather(*(_repair(batch, brief, model=model) for batch in batches))
    for batch, reply in zip(batches, replies, strict=True):
        if isinstance(reply, Failure):
            failures.append(reply)
            continue
        for claim in reply.claims:
            if 1 <= claim.claim <= len(batch) and claim.sentence.strip():
                mended[batch[claim.claim - 1].place] = DraftClaim(
                    templating.one_line(claim.sentence),
                    tuple(Quotation(c.passage.strip(), c.quote) for c in claim.citations),
                )
    return mended, tuple(failures)


async def _repair(
    batch: Sequence[Failing], brief: Brief, *, model: ChatModel
) -> RepairReply | Failure:
    prompt = templating.prompt("4-verify/repair", brief=brief, claims=batch)
    try:
        return await model.ask(prompt, RepairReply, task="repair")
    except (AnswerUnusable, ModelUnavailable) as error:
        return Failure(f"{len(batch)} claims could not be sent back for repair", str(error))


def _added(
    before: Verified,
    draft: Draft,
    held: Mapping[Place, Held],
    dropped: Sequence[Dropped],
) -> Verified:
    """Return what held and what was dropped in all rounds; a sentence said twice is dropped."""
    said = {" ".join(terms(claim.sentence)): claim.id for claim in before.claims}
    sections = list(before.sections)
    twice: list[Dropped] = []
    for number, section in enumerate(draft.sections):
        claims: list[Claim] = []
        for position in range(len(section.claims)):
            found = held.get((number, position))
            if found is None:
                continue
            key = " ".join(terms(found.sentence)) or found.sentence
            if key in said:
                twice.append(Dropped(found.sentence, f"says the same as {said[key]}"))
                continue
            said[key] = f"c{len(said) + 1}"
            claims.append(Claim(said[key], found.sentence, found.verdict, found.proof))
        if claims:
            sections.append(Section(section.title, section.answers, tuple(claims)))
    return Verified(tuple(sections), (*before.dropped, *dropped, *twice))
