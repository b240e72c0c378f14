"""The forms in which models answer the stages; names are those of the report's own JSON."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

FEWEST_SUB_QUESTIONS: Final = 3

Text = Annotated[str, Field(min_length=1)]


def at_most(number: int) -> Any:  # noqa: ANN401 - as pydantic types it
    """Tell an endpoint that enforces the form how long a list may be.

    A small model that is held to JSON goes on with a list until its window is full. Longer lists
    are taken all the same where nobody enforces the form.
    """
    return Field(json_schema_extra={"maxItems": number})


Parts = Annotated[list[str], at_most(12)]
Queries = Annotated[list[str], at_most(24)]


class BriefReply(BaseModel):
    """A question made precise."""

    restated: Text
    language: str
    sub_questions: Annotated[list[Text], Field(min_length=FEWEST_SUB_QUESTIONS), at_most(12)]
    web_queries: Queries
    arxiv_queries: Queries


class ClarifyReply(BaseModel):
    """What a person is to be asked before the research."""

    questions: Annotated[list[str], at_most(6)]


class BriefEdit(BaseModel):
    """The parts of a brief that a person changed."""

    restated: str | None = None
    sub_questions: list[Text] | None = None
    web_queries: list[Text] | None = None
    arxiv_queries: list[Text] | None = None


class QueriesReply(BaseModel):
    """More queries, for what is still without evidence."""

    web_queries: Queries
    arxiv_queries: Queries


class SectionPlan(BaseModel):
    """One section of an outline."""

    title: Text
    sub_questions: Parts


class OutlineReply(BaseModel):
    """The sections of a report, in reading order."""

    sections: Annotated[list[SectionPlan], at_most(20)]


class QuotationReply(BaseModel):
    """A passage id and words said to stand there."""

    passage: str
    quote: str


class ClaimReply(BaseModel):
    """A sentence and what it is said to rest on."""

    sentence: str
    citations: Annotated[list[QuotationReply], at_most(6)]


class SectionReply(BaseModel):
    """The claims of one section."""

    claims: list[ClaimReply]


class ExcerptReply(BaseModel):
    """The quotes of one part of the sources that are evidence."""

    quotes: list[QuotationReply]


class SummarySentenceReply(BaseModel):
    """A sentence of the summary and the ids of the claims it condenses."""

    sentence: str
    claims: Parts


class SummaryReply(BaseModel):
    """The summary of a report, in reading order."""

    sentences: Annotated[list[SummarySentenceReply], at_most(12)]


class MendedClaim(BaseModel):
    """A failed claim, mended: ``claim`` is its number in the prompt."""

    claim: int
    sentence: str
    citations: Annotated[list[QuotationReply], at_most(6)]


class RepairReply(BaseModel):
    """The claims that could be mended."""

    claims: list[MendedClaim]


class Ruling(BaseModel):
    """Whether evidence supports a claim: ``claim`` is its number in the prompt."""

    claim: int
    verdict: str
    words: str


class JudgeReply(BaseModel):
    """The claims that were judged."""

    rulings: list[Ruling]
