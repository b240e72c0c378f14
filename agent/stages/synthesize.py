"""Third stage: whole sources go into a long window, an outline and then claims come out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from agent import templating
from agent.domain.events import Event, Tell, tell_nobody
from agent.domain.evidence import Failure
from agent.domain.language import written_in
from agent.domain.proof import WRITTEN_BY_CODE_ALONE
from agent.domain.question import Manner
from agent.domain.report import Draft, DraftClaim, DraftSection, Quotation
from agent.errors import AnswerUnusable, DeepResearchError, ModelUnavailable, PromptTooLong
from agent.stages.fitting import fit
from agent.stages.off_loop import off_loop
from agent.stages.replies import OutlineReply, SectionPlan, SectionReply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    from agent.domain.events import Counted
    from agent.domain.evidence import Evidence
    from agent.domain.packing import PackedSource
    from agent.domain.prompt import Prompt
    from agent.domain.question import Brief, SubQuestion
    from agent.ports import ChatModel, DocumentStore

CACHED_FROM: Final = 20_000
"""Tokens of sources from which the first section is written before the others. Providers keep a
prompt's beginning only once a call with it was answered, and some count the form of the answer,
which the outline does not share, as part of that beginning: sections that all start at once pay in
full for the same sources. Below it, the seconds are worth more than the tokens."""


REPACKINGS: Final = 3
"""How often sources are packed anew when a model says that its window is smaller, or its tokens are
more, than was thought."""

USUAL: Final = Manner()


@dataclass(frozen=True, slots=True)
class Assignment:
    """What is to be written: on which sub-questions, how, and what the report says already.

    ``passages`` are the ids of those to write from, None for all there are.
    """

    wanted: Sequence[SubQuestion]
    manner: Manner = USUAL
    said: Sequence[str] = ()
    passages: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What every call of one round is given; its sources open every prompt, byte for byte."""

    brief: Brief
    assignment: Assignment
    sources: tuple[PackedSource, ...]
    failures: tuple[Failure, ...]
    model: ChatModel
    tell: Tell

    async def prompt(self, name: str, **more: object) -> Prompt:
        """Return a prompt that begins with the sources."""
        return await off_loop(
            templating.prompt,
            f"3-synthesize/{name}",
            brief=self.brief,
            wanted=self.assignment.wanted,
            sources=self.sources,
            manner=self.assignment.manner,
            **more,
        )

    @property
    def is_worth_caching(self) -> bool:
        """Whether the sources are long enough to wait for a provider to keep them."""
        texts = (passage.text for packed in self.sources for passage in packed.passages)
        return self.model.tokens("\n".join(texts)) >= CACHED_FROM


async def synthesize(
    brief: Brief,
    evidence: Evidence,
    assignment: Assignment,
    *,
    model: ChatModel,
    documents: DocumentStore,
    tell: Tell = tell_nobody,
) -> Draft:
    """Write what the evidence says on the wanted sub-questions, and was not said before.

    A section that cannot be written is recorded and does not discard its siblings; if none can,
    the first error is raised.
    """

    async def packed() -> Desk:
        fitted = await fit(
            brief,
            evidence,
            assignment.wanted,
            model=model,
            documents=documents,
            passages=assignment.passages,
        )
        return Desk(brief, assignment, fitted.sources, fitted.failures, model, tell)

    desk, outline = await _begun(packed, tell)
    tell(Event("synthesize", f"{len(desk.sources)} sources, {len(outline)} sections"))
    written = await _sections(desk, outline)
    for _ in range(REPACKINGS):
        again = [at for at, section in enumerate(written) if isinstance(section, PromptTooLong)]
        if again:
            desk = await packed()
            anew = await asyncio.gather(*(_section(desk, outline, at + 1) for at in again))
            for at, section in zip(again, anew, strict=True):
                written[at] = section
    errors = [section for section in written if isinstance(section, DeepResearchError)]
    if errors and len(errors) == len(written):
        raise errors[0]
    failures = tuple(Failure("a section could not be written", str(error)) for error in errors)
    sections = tuple(s for section in written if isinstance(section, Written) for s in section.text)
    foreign = tuple(f for section in written if isinstance(section, Written) for f in section.lost)
    return Draft(sections, desk.failures + failures + foreign)


async def _begun(
    packed: Callable[[], Awaitable[Desk]], tell: Tell
) -> tuple[Desk, tuple[SectionPlan, ...]]:
    """Return the sources as packed, and an outline of them; pack anew where they are too many."""
    for left in reversed(range(REPACKINGS + 1)):
        try:
            desk = await packed()
            return desk, await _outline(desk)
        except PromptTooLong as error:
            if not left:
                raise
            tell(Event("synthesize", f"packed anew: {error}"))
    raise AssertionError("unreachable")


async def _outline(desk: Desk) -> tuple[SectionPlan, ...]:
    """Ask for an outline, and hold it to the sub-questions there are: each in one section.

    An outline that names none of them is no outline; each sub-question then gets a section.
    """
    reply = await desk.model.ask(await desk.prompt("outline"), OutlineReply, task="outline")
    open_ids = {part.id for part in desk.assignment.wanted}
    outline: list[SectionPlan] = []
    for plan in reply.sections:
        mine = [id_ for id_ in dict.fromkeys(plan.sub_questions) if id_ in open_ids]
        open_ids.difference_update(mine)
        if mine:
            outline.append(SectionPlan(title=_title(desk, plan, mine[0]), sub_questions=mine))
    if reply.sections and not outline:
        return tuple(
            SectionPlan(title=part.text, sub_questions=[part.id]) for part in desk.assignment.wanted
        )
    return tuple(outline)


def _title(desk: Desk, plan: SectionPlan, first: str) -> str:
    """Return the title of a section, or its sub-question if the title is no words of a report."""
    title = templating.one_line(plan.title)
    if title and not WRITTEN_BY_CODE_ALONE.search(title) and written_in(title, desk.brief.language):
        return title
    return next(part.text for part in desk.assignment.wanted if part.id == first)


@dataclass(frozen=True, slots=True)
class Written:
    """A section as far as it was written in the report's language, and what was not."""

    text: tuple[DraftSection, ...]
    lost: tuple[Failure, ...] = ()


Outcome = Written | AnswerUnusable | ModelUnavailable


async def _sections(desk: Desk, outline: Sequence[SectionPlan]) -> list[Outcome]:
    """Write all sections at once, or all but the first after it, so that its prompt is kept."""
    numbers = range(1, len(outline) + 1)
    ahead = 1 if len(outline) > 1 and desk.is_worth_caching else 0
    written = [await _section(desk, outline, number) for number in numbers[:ahead]]
    return written + await asyncio.gather(
        *(_section(desk, outline, number) for number in numbers[ahead:])
    )


async def _section(desk: Desk, outline: Sequence[SectionPlan], number: int) -> Outcome:
    """Write one section; sentences in another language are asked for once more, then dropped."""
    plan = outline[number - 1]
    most = desk.assignment.manner.claims(len(outline))
    prompt = await desk.prompt(
        "section", outline=outline, number=number, most=most, said=desk.assignment.said
    )
    try:
        claims = await _claims(desk, prompt)
    except (AnswerUnusable, ModelUnavailable) as error:
        desk.tell(Event("synthesize", f"failed: {plan.title}: {error}", "failed"))
        return error
    language = desk.brief.language
    if not all(written_in(claim.sentence, language) for claim in claims):
        claims = await _claims_again(desk, prompt, claims)
    foreign = [claim for claim in claims if not written_in(claim.sentence, language)]
    lost = [claim for claim in foreign if not _is_quoted_whole(claim)]
    kept = tuple(claim for claim in claims if claim not in lost)
    written: Mapping[Counted, int] = {"sections": 1, "claims": len(kept)}
    desk.tell(Event("synthesize", f"{plan.title}: {len(kept)} claims", counts=written))
    section = DraftSection(plan.title, tuple(plan.sub_questions), kept)
    return Written((section,) if kept or not lost else (), _aloud(plan, lost, foreign, language))


async def _claims_again(
    desk: Desk, prompt: Prompt, before: tuple[DraftClaim, ...]
) -> tuple[DraftClaim, ...]:
    """Ask once more, with the reason at the end, where it leaves the sources in their place."""
    language = desk.brief.language
    reason = (
        f"You have answered this before, with sentences that were not in the language {language!r}."
        f" Every `sentence` must be in {language!r}; only quotes keep their own language."
    )
    try:
        return await _claims(desk, replace(prompt, user=f"{prompt.user}\n\n{reason}"))
    except (AnswerUnusable, ModelUnavailable) as error:
        desk.tell(Event("synthesize", f"failed: could not be sent back: {error}", "failed"))
        return before


def _is_quoted_whole(claim: DraftClaim) -> bool:
    """Whether a sentence is a source's own, word for word: quoting one is better than nothing."""
    words = claim.sentence.split()
    return any(quotation.quote.split() == words for quotation in claim.quotations)


def _aloud(
    plan: SectionPlan, lost: Sequence[DraftClaim], foreign: Sequence[DraftClaim], language: str
) -> tuple[Failure, ...]:
    """Say what became of the sentences in other languages, though they were sent back once."""
    kept = len(foreign) - len(lost)
    told = (
        (len(lost), f"sentences not in the report's language ({language}) were dropped"),
        (kept, f"sentences stand in the language of their source, not in {language}"),
    )
    return tuple(Failure(what, f"{n} on {plan.title!r}, sent back once") for n, what in told if n)


async def _claims(desk: Desk, prompt: Prompt) -> tuple[DraftClaim, ...]:
    reply = await desk.model.ask(prompt, SectionReply, task="write")
    return tuple(
        DraftClaim(
            templating.one_line(claim.sentence),
            tuple(Quotation(c.passage.strip(), c.quote) for c in claim.citations),
        )
        for claim in reply.claims
        if claim.sentence.strip()
    )
