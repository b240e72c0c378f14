"""The forms in which models answer the stages; names are those of the report's own JSON."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, Field

FEWEST_SUB_QUESTIONS: Final = 3

Text = Annotated[str, Field(min_length=1)]


class BriefReply(BaseModel):
    """A question made precise."""

    restated: Text
    language: str
    sub_questions: Annotated[list[Text], Field(min_length=FEWEST_SUB_QUESTIONS)]
    web_queries: list[str]
    arxiv_queries: list[str]


class ClarifyReply(BaseModel):
    """What a person is to be asked before the research."""

    questions: list[str]


class BriefEdit(BaseModel):
    """The parts of a brief that a person changed."""

    restated: str | None = None
    sub_questions: list[Text] | None = None
    web_queries: list[Text] | None = None
    arxiv_queries: list[Text] | None = None


class QueriesReply(BaseModel):
    """More queries, for what is still without evidence."""

    web_queries: list[str]
    arxiv_queries: list[str]


class SectionPlan(BaseModel):
    """One section of an outline."""

    title: Text
    sub_questions: list[str]


class OutlineReply(BaseModel):
    """The sections of a report, in reading order."""

    sections: list[SectionPlan]


class QuotationReply(BaseModel):
    """A passage id and words said to stand there."""

    passage: str
    quote: str


class ClaimReply(BaseModel):
    """A sentence and what it is said to rest on."""

    sentence: str
    citations: list[QuotationReply]


class SectionReply(BaseModel):
    """The claims of one section."""

    claims: list[ClaimReply]


class ExcerptReply(BaseModel):
    """The quotes of one part of the sources that are evidence."""

    quotes: list[QuotationReply]


class SummarySentenceReply(BaseModel):
    """A sentence of the summary and the ids of the claims it condenses."""

    sentence: str
    claims: list[str]


class SummaryReply(BaseModel):
    """The summary of a report, in reading order."""

    sentences: list[SummarySentenceReply]


class MendedClaim(BaseModel):
    """A failed claim, mended: ``claim`` is its number in the prompt."""

    claim: int
    sentence: str
    citations: list[QuotationReply]


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
