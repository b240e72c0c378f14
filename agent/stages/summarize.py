"""Fifth stage: what was verified is condensed, each sentence naming the claims it condenses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agent import templating
from agent.domain.events import Event, Tell, tell_nobody
from agent.domain.evidence import Failure
from agent.domain.language import written_in
from agent.domain.numbers import missing
from agent.domain.proof import DOUBTED_FROM, WRITTEN_BY_CODE_ALONE, objections
from agent.domain.question import Manner
from agent.domain.report import SummarySentence
from agent.domain.support import judge
from agent.errors import AnswerUnusable, ModelUnavailable
from agent.stages.off_loop import off_loop
from agent.stages.replies import SummaryReply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.domain.question import Brief
    from agent.domain.report import Claim, Section
    from agent.ports import ChatModel
    from agent.stages.replies import SummarySentenceReply

FEWEST_CLAIMS: Final = 3
"""Fewer need no summary: they are read as fast themselves."""

MOST_SENTENCES: Final = {"brief": 3, "report": 5, "survey": 8}

_CLAIM_ID: Final = re.compile(r"\bc\d+\b")

Summary = tuple[SummarySentence, ...]


async def summarize(
    sections: Sequence[Section],
    brief: Brief,
    *,
    model: ChatModel,
    manner: Manner | None = None,
    tell: Tell = tell_nobody,
) -> tuple[Summary, tuple[Failure, ...]]:
    """Return the sentences of a summary that hold, and what had to be left out of it.

    A report without a summary is whole all the same: an answer that cannot be had is a Failure.
    """
    claims = {claim.id: claim for section in sections for claim in section.claims}
    if len(claims) < FEWEST_CLAIMS:
        return (), ()
    most = MOST_SENTENCES[(manner or Manner()).style]
    prompt = templating.prompt(
        "4-verify/summarize", brief=brief, sections=sections, manner=manner or Manner(), most=most
    )
    try:
        reply = await model.ask(prompt, SummaryReply, task="summarize")
    except (AnswerUnusable, ModelUnavailable) as error:
        return (), (Failure("the summary could not be written", str(error)),)
    judged = [
        await off_loop(_judged, sentence, claims, brief.language) for sentence in reply.sentences
    ]
    held = {one.sentence: one for one in judged if isinstance(one, SummarySentence)}
    tell(Event("verify", f"summary: {len(held)} of {len(judged)} sentences held"))
    return tuple(held.values()), tuple(one for one in judged if isinstance(one, Failure))


def _judged(
    reply: SummarySentenceReply, claims: Mapping[str, Claim], language: str
) -> SummarySentence | Failure:
    """Return the sentence if nothing speaks against it, else what does."""
    sentence = templating.one_line(reply.sentence)
    named = tuple(dict.fromkeys(id_.strip() for id_ in reply.claims))
    foreign = "" if written_in(sentence, language) else f"it is not in the language {language!r}"
    why = foreign or _wrong(sentence, named, claims)
    if why:
        return Failure(f"a sentence of the summary was dropped: {sentence}", why)
    return SummarySentence(sentence, named)


def _wrong(sentence: str, named: Sequence[str], claims: Mapping[str, Claim]) -> str:
    """Return why a sentence does not condense the claims it names; empty if it may."""
    if not sentence:
        return "it says nothing"
    if WRITTEN_BY_CODE_ALONE.search(sentence) or _CLAIM_ID.search(sentence):
        return "it contains an address or a reference number"
    if not named:
        return "it names no claim"
    unknown = [id_ for id_ in named if id_ not in claims]
    if unknown:
        return f"there is no claim {', '.join(unknown)}"
    return _unsupported(sentence, [claims[id_] for id_ in named])


def _unsupported(sentence: str, claims: Sequence[Claim]) -> str:
    """Return why claims do not support a sentence that condenses them; empty if they may."""
    said = "\n".join(claim.sentence for claim in claims)
    absent = missing(sentence, said)
    if absent:
        return f"its claims do not state {', '.join(absent)}"
    quoted = "\n".join(citation.quote for claim in claims for citation in claim.citations)
    wrong = objections(sentence, said, f"{said}\n{quoted}")
    if wrong:
        return "; ".join(map(str, wrong))
    supported = judge(sentence, said).score >= DOUBTED_FROM
    return "" if supported else "it says something else than its claims"
