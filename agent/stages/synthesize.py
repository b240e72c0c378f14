"""Third stage: whole sources go into a long window, an outline and then claims come out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agent import templating
from agent.domain.events import Event, Tell, tell_nobody
from agent.domain.evidence import Failure
from agent.domain.packing import pack
from agent.domain.report import Draft, DraftClaim, DraftSection, Quotation
from agent.errors import AnswerUnusable, DeepResearchError, ModelUnavailable
from agent.stages.replies import OutlineReply, SectionPlan, SectionReply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.domain.evidence import Evidence
    from agent.domain.packing import PackedSource
    from agent.domain.question import Brief, SubQuestion
    from agent.ports import ChatModel, DocumentStore

ROOM_FOR_SOURCES: Final = 0.8
"""The share of a window sources may fill: the rest is for the brief, the answer, and the error of
token estimates, which reaches 15 % on mixed text."""


async def synthesize(
    brief: Brief,
    evidence: Evidence,
    wanted: Sequence[SubQuestion],
    *,
    model: ChatModel,
    documents: DocumentStore,
    tell: Tell = tell_nobody,
) -> Draft:
    """Write what the evidence says on the wanted sub-questions.

    A section that cannot be written is recorded and does not discard its siblings; if none can,
    the first error is raised.
    """
    packed, left_out = await _packed(brief, evidence, model=model, documents=documents)
    shared = {"brief": brief, "sources": packed, "wanted": wanted}
    outline = await _outline(shared, wanted, model=model)
    tell(Event("synthesize", f"{len(packed)} sources, {len(outline)} sections"))
    written = await asyncio.gather(
        *(
            _section(shared, outline, number, model=model, tell=tell)
            for number in range(1, len(outline) + 1)
        )
    )
    errors = [section for section in written if isinstance(section, DeepResearchError)]
    if errors and len(errors) == len(written):
        raise errors[0]
    failures = tuple(Failure("a section could not be written", str(error)) for error in errors)
    sections = tuple(section for section in written if isinstance(section, DraftSection))
    return Draft(sections, left_out + failures)


async def _packed(
    brief: Brief, evidence: Evidence, *, model: ChatModel, documents: DocumentStore
) -> tuple[tuple[PackedSource, ...], tuple[Failure, ...]]:
    texts = {source.sha256: await documents.get(source.sha256) for source in evidence.sources}
    query = " ".join([brief.restated, *(part.text for part in brief.sub_questions)])
    room = int(model.window("write") * ROOM_FOR_SOURCES)
    packed = pack(evidence.sources, texts, query=query, room=room, tokens=model.tokens)
    kept = sum(len(source.passages) for source in packed)
    every = sum(len(source.spans) for source in evidence.sources)
    if kept == every:
        return packed, ()
    why = f"{every - kept} of {every} passages, the least relevant, did not fit the model's window"
    return packed, (Failure("some text was not given to the writer", why),)


async def _outline(
    shared: Mapping[str, object], wanted: Sequence[SubQuestion], *, model: ChatModel
) -> tuple[SectionPlan, ...]:
    """Ask for an outline, and hold it to the sub-questions there are: each in one section.

    An outline that names none of them is no outline; each sub-question then gets a section.
    """
    prompt = templating.prompt("3-synthesize/outline", **shared)
    reply = await model.ask(prompt, OutlineReply, task="outline")
    open_ids = {part.id for part in wanted}
    outline: list[SectionPlan] = []
    for plan in reply.sections:
        mine = [id_ for id_ in dict.fromkeys(plan.sub_questions) if id_ in open_ids]
        open_ids.difference_update(mine)
        if mine:
            outline.append(SectionPlan(title=templating.one_line(plan.title), sub_questions=mine))
    if reply.sections and not outline:
        return tuple(SectionPlan(title=part.text, sub_questions=[part.id]) for part in wanted)
    return tuple(outline)


async def _section(
    shared: Mapping[str, object],
    outline: Sequence[SectionPlan],
    number: int,
    *,
    model: ChatModel,
    tell: Tell,
) -> DraftSection | AnswerUnusable | ModelUnavailable:
    plan = outline[number - 1]
    prompt = templating.prompt("3-synthesize/section", **shared, outline=outline, number=number)
    try:
        reply = await model.ask(prompt, SectionReply, task="write")
    except (AnswerUnusable, ModelUnavailable) as error:
        tell(Event("synthesize", f"failed: {plan.title}: {error}"))
        return error
    tell(Event("synthesize", f"{plan.title}: {len(reply.claims)} claims"))
    claims = tuple(
        DraftClaim(
            templating.one_line(claim.sentence),
            tuple(Quotation(c.passage.strip(), c.quote) for c in claim.citations),
        )
        for claim in reply.claims
        if claim.sentence.strip()
    )
    return DraftSection(plan.title, tuple(plan.sub_questions), claims)
