"""First stage: a vague topic becomes a precise brief, and gaps become new queries (PromptCraft)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from agent import templating
from agent.domain.arxiv_query import mended
from agent.domain.language import language_of_script
from agent.domain.question import Brief, Clarified, SubQuestion
from agent.domain.ranking import terms
from agent.errors import AnswerUnusable, InvalidInput, ModelUnavailable
from agent.stages.replies import BriefEdit, BriefReply, ClarifyReply, QueriesReply

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from agent.domain.question import Question
    from agent.ports import ChatModel

MOST_SUB_QUESTIONS: Final = 7

FEWEST_TO_STRAY_FROM: Final = 3
"""Words of a topic from which a brief without any of them is taken to be about something else."""

MOST_ASKED: Final = 3
"""Questions a person answers willingly before they see anything."""


async def clarify(question: Question, *, model: ChatModel, today: date) -> tuple[str, ...]:
    """Return what the person should be asked; nothing if no such question could be had.

    What is asked is a help and no more, so that nothing ends for want of it.
    """
    prompt = templating.prompt("1-refine/clarify", question=question, today=today, most=MOST_ASKED)
    try:
        reply = await model.ask(prompt, ClarifyReply, task="refine")
    except (AnswerUnusable, ModelUnavailable):
        return ()
    return _distinct(reply.questions)[:MOST_ASKED]


def heard(asked: Sequence[str], said: object) -> tuple[Clarified, ...]:
    """Return what a person answered, in the order of what was asked; blank answers say nothing.

    Raises InvalidInput if ``said`` is no list of as many texts.
    """
    if not isinstance(said, list | tuple) or len(said) > len(asked):
        raise InvalidInput("the answers are no list", mend="answer with one text for each question")
    texts = [templating.one_line(answer) for answer in said]
    return tuple(Clarified(q, text) for q, text in zip(asked, texts, strict=False) if text)


def edited(brief: Brief, changes: object) -> Brief:
    """Return the brief with the parts a person changed; the others stay as they are.

    ``changes`` is True if there are none, or maps names of parts to values: ``restated`` to a text,
    ``sub_questions``, ``web_queries`` and ``arxiv_queries`` to lists of texts. Raises InvalidInput
    if it does not.
    """
    try:
        edit = BriefEdit.model_validate({} if changes is True else changes)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the plan"
        mend = "give restated as a text, sub_questions and queries as lists of texts"
        raise InvalidInput(f"{where}: {first['msg']}", mend=mend) from error
    parts = _distinct(edit.sub_questions) if edit.sub_questions else ()
    return replace(
        brief,
        restated=templating.one_line(edit.restated or brief.restated),
        sub_questions=tuple(SubQuestion(f"q{n}", text) for n, text in enumerate(parts, start=1))
        or brief.sub_questions,
        web_queries=_distinct(edit.web_queries or ()) or brief.web_queries,
        arxiv_queries=brief.arxiv_queries
        if edit.arxiv_queries is None
        else _distinct(map(mended, edit.arxiv_queries)),
    )


async def refine(question: Question, *, model: ChatModel, today: date) -> Brief:
    """Restate the question, split it, and write the queries to search with.

    A brief about something else is put aside, and the topic searched for as it was typed. Raises
    ModelUnavailable, or AnswerUnusable if no brief came back.
    """
    prompt = templating.prompt("1-refine/refine", question=question, today=today)
    reply = await model.ask(prompt, BriefReply, task="refine")
    if _strays(question, reply):
        return _as_typed(question, reply.language)
    parts = _distinct(reply.sub_questions)[:MOST_SUB_QUESTIONS]
    restated = templating.one_line(reply.restated)
    return Brief(
        restated=restated,
        language=_language(question, reply.language),
        sub_questions=tuple(SubQuestion(f"q{n}", text) for n, text in enumerate(parts, start=1)),
        # A brief without a single web query would search the web for nothing.
        web_queries=_distinct(reply.web_queries)[: question.breadth] or (restated,),
        arxiv_queries=_distinct(map(mended, reply.arxiv_queries))[: question.breadth],
    )


async def deepen(
    brief: Brief,
    gaps: Sequence[SubQuestion],
    unshown: Sequence[str] = (),
    *,
    model: ChatModel,
    breadth: int,
) -> Brief:
    """Return the brief with new queries, for what is still without evidence.

    ``unshown`` are sentences that were written and could not be held up.
    """
    asked = brief.web_queries + brief.arxiv_queries
    prompt = templating.prompt(
        "1-refine/deepen", brief=brief, gaps=gaps, unshown=unshown, asked=asked, breadth=breadth
    )
    reply = await model.ask(prompt, QueriesReply, task="refine")
    new_web = _distinct(q for q in reply.web_queries if q not in asked)[:breadth]
    new_arxiv = _distinct(q for q in map(mended, reply.arxiv_queries) if q not in asked)[:breadth]
    return replace(
        brief,
        web_queries=_distinct(brief.web_queries + new_web),
        arxiv_queries=_distinct(brief.arxiv_queries + new_arxiv),
    )


def _strays(question: Question, reply: BriefReply) -> bool:
    """Whether nothing in a brief has a word of the topic, as happens to very small models.

    A short topic may be a typing error or an acronym, and one that is answered in a language asked
    for may have no word in common with its brief.
    """
    typed = set(terms(question.text))
    if len(typed) < FEWEST_TO_STRAY_FROM or question.language:
        return False
    written = (reply.restated, *reply.sub_questions, *reply.web_queries, *reply.arxiv_queries)
    return typed.isdisjoint(terms(" ".join(written)))


def _as_typed(question: Question, replied: str) -> Brief:
    topic = templating.one_line(question.text)
    return Brief(
        restated=topic,
        language=_language(question, replied),
        sub_questions=(SubQuestion("q1", topic),),
        web_queries=(topic,),
        arxiv_queries=(mended(topic),),
    )


def _language(question: Question, replied: str) -> str:
    """Return the language asked for, else the one the script shows, else the model's word."""
    known = question.language or language_of_script(question.text)
    code = (known or replied).strip().lower().replace("_", "-").partition("-")[0]
    return code if code.isascii() and code.isalpha() and len(code) in {2, 3} else "en"


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    folded = (templating.one_line(text) for text in texts)
    return tuple(dict.fromkeys(text for text in folded if text))
