"""Fourth stage: holds every sentence to its quotes; what fails is mended once or dropped."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from agent import templating
from agent.domain.events import Event, Tell, tell_nobody
from agent.domain.evidence import Failure
from agent.domain.injection import injections
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
from agent.stages.judging import Doubt, Judged, judged
from agent.stages.off_loop import off_loop
from agent.stages.replies import RepairReply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.domain.events import Counted
    from agent.domain.evidence import Evidence
    from agent.domain.proof import Orders
    from agent.domain.question import Brief
    from agent.domain.report import Citation, Draft, Judge
    from agent.ports import ChatModel, DocumentStore
    from agent.stages.judging import Outcome

REPAIRS_PER_CALL: Final = 10
NEAREST_PASSAGES: Final = 3
"""How many true passages a failed claim is shown with: the best match is among the first three for
nine in ten claims of the demo world."""

DICTATED: Final = 400
"""Characters behind an order, within its paragraph, that it may dictate."""

GIVES_ORDERS: Final = "its source gives orders to language models, so no judge was asked"
SAID_BEFORE: Final = "says the same as"

Place = tuple[int, int]
"""Which section of a draft, and which claim of it."""


@dataclass(frozen=True, slots=True)
class Held:
    """A sentence that holds, its proof, and who settled it."""

    verdict: Verdict
    sentence: str
    proof: Proof
    judge: Judge


@dataclass(frozen=True, slots=True)
class Failing:
    """A claim to be mended: where it stands, why it failed, and what might hold it."""

    place: Place
    claim: DraftClaim
    reason: str
    nearest: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """What every claim is held against, and whom to ask in doubt."""

    evidence: Evidence
    texts: Mapping[str, str]
    orders: Orders
    model: ChatModel


@dataclass(frozen=True, slots=True)
class Decided:
    """Which claims hold, which fail, and what stood in the way of deciding."""

    held: Mapping[Place, Held]
    failing: tuple[Failing, ...]
    failures: tuple[Failure, ...] = ()


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

    Each claim ends held, repaired or dropped, and never two of them. A claim holds if its proof
    does (``agent.domain.proof``) and, where the rules leave a doubt, a judge settles it. What fails
    goes back once with its reason and is checked in the same way.
    """
    texts = {source.sha256: await documents.get(source.sha256) for source in evidence.sources}
    desk = Desk(evidence, texts, await off_loop(_orders, evidence, texts), model)
    first = await _decided(_claims(draft), "held", desk)
    failing = await off_loop(_with_nearest, first.failing, evidence, texts)
    mended, failures = await _mended(failing, brief, model=model)
    second = await _decided(mended, "repaired", desk)
    after = _added(before, draft, {**first.held, **second.held}, failing)
    new = len(after.claims) - len(before.claims)
    lost = len(after.dropped) - len(before.dropped)
    counts: Mapping[Counted, int] = {"held": new, "dropped": lost}
    tell(Event("verify", f"{new} claims held, {lost} dropped", counts=counts))
    said = dict.fromkeys(before.failures + first.failures + failures + second.failures)
    return replace(after, failures=tuple(said))


def _orders(evidence: Evidence, texts: Mapping[str, str]) -> Orders:
    """Find what gives orders to models in the sources that are known to have some.

    What an order dictates stands behind it: the rest of its paragraph is suspect too.
    """
    suspects = {source.sha256 for source in evidence.sources if source.injections}
    return {
        digest: [
            (start, _paragraph_end(texts[digest], end)) for start, end in injections(texts[digest])
        ]
        for digest in suspects
    }


def _paragraph_end(text: str, start: int) -> int:
    end = text.find("\n", start, start + DICTATED)
    return end if end >= 0 else start + DICTATED


def _claims(draft: Draft) -> dict[Place, DraftClaim]:
    return {
        (number, position): claim
        for number, section in enumerate(draft.sections)
        for position, claim in enumerate(section.claims)
    }


async def _decided(claims: Mapping[Place, DraftClaim], verdict: Verdict, desk: Desk) -> Decided:
    """Prove each claim, and have the doubtful ones judged."""
    proofs = await off_loop(
        lambda: {
            place: prove(claim, desk.evidence, desk.texts, desk.orders)
            for place, claim in claims.items()
        }
    )
    doubtful = {place: p for place, p in proofs.items() if isinstance(p, Proof) and p.doubt}
    rulings = await _ruled(doubtful, claims, desk)
    held: dict[Place, Held] = {}
    failing: list[Failing] = []
    for place, proof in proofs.items():
        claim, ruling = claims[place], rulings.get(place)
        if isinstance(proof, Unproved):
            failing.append(Failing(place, claim, proof.reason))
        elif ruling is None or (isinstance(ruling, Judged) and ruling.supported):
            judge: Judge = "rules" if ruling is None else "model"
            held[place] = Held(verdict, claim.sentence, proof, judge)
        else:
            why = ruling.reason if isinstance(ruling, Judged) else f"{proof.doubt}; {ruling.why}"
            failing.append(Failing(place, claim, why))
    failures = dict.fromkeys(r for r in rulings.values() if isinstance(r, Failure))
    return Decided(held, tuple(failing), tuple(failures))


async def _ruled(
    doubtful: Mapping[Place, Proof],
    claims: Mapping[Place, DraftClaim],
    desk: Desk,
) -> dict[Place, Outcome]:
    """Have claims judged, except on sources that give orders to models: a judge might obey."""
    rulings: dict[Place, Outcome] = {
        place: Judged(supported=False, reason=f"{proof.doubt}; {GIVES_ORDERS}")
        for place, proof in doubtful.items()
        if any(_gives_orders(citation, desk.evidence) for citation in proof.citations)
    }
    asked = [place for place in doubtful if place not in rulings]
    doubts = [Doubt(claims[place].sentence, doubtful[place].said) for place in asked]
    return rulings | dict(zip(asked, await judged(doubts, model=desk.model), strict=True))


def _gives_orders(citation: Citation, evidence: Evidence) -> bool:
    source = evidence.source_of(citation.passage)
    return source is not None and source.injections > 0


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
    failing: Sequence[Failing],
) -> Verified:
    """Return what held and what was dropped in all rounds; a sentence said twice is dropped.

    A section on what an earlier one is about goes on with that one.
    """
    said = {" ".join(terms(claim.sentence)): claim.id for claim in before.claims}
    sections = {section.answers: section for section in before.sections}
    dropped = [*before.dropped]
    for fail in failing:
        if fail.place not in held:
            answers = draft.sections[fail.place[0]].answers
            dropped.append(Dropped(fail.claim.sentence, fail.reason, answers))
    for number, section in enumerate(draft.sections):
        claims: list[Claim] = []
        for position in range(len(section.claims)):
            found = held.get((number, position))
            if found is None:
                continue
            key = " ".join(terms(found.sentence)) or found.sentence
            if key in said:
                dropped.append(Dropped(found.sentence, f"{SAID_BEFORE} {said[key]}"))
                continue
            said[key] = f"c{len(said) + 1}"
            claims.append(_claim(said[key], found))
        if claims:
            earlier = sections.get(section.answers)
            title, first = (earlier.title, earlier.claims) if earlier else (section.title, ())
            sections[section.answers] = Section(title, section.answers, (*first, *claims))
    return Verified(tuple(sections.values()), tuple(dropped))


def _claim(id_: str, found: Held) -> Claim:
    proof = found.proof
    support = round(proof.support, 2)
    return Claim(id_, found.sentence, found.verdict, proof.citations, support, found.judge)
