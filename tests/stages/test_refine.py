from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.arxiv_query import is_valid
from agent.domain.question import (
    MAX_QUESTION_CHARACTERS,
    Brief,
    Clarified,
    Question,
    SubQuestion,
)
from agent.errors import AnswerUnusable, DeepResearchError, InvalidQuestion, ModelUnavailable
from agent.stages.refine import clarify, deepen, refine
from agent.testing import ScriptedModel

TODAY = date(2026, 1, 2)


def answer(**changes: object) -> dict[str, object]:
    return {
        "restated": "What is it?",
        "language": "en",
        "sub_questions": ["One?", "Two?", "Three?"],
        "web_queries": ["a b", "a  b", "c"],
        "arxiv_queries": ["all:x", "two words"],
        **changes,
    }


async def refined(question: Question, **changes: object) -> Brief:
    model = ScriptedModel(lambda task, prompt: answer(**changes))
    return await refine(question, model=model, today=TODAY)


async def test_sub_questions_get_ids_and_queries_are_distinct_and_in_arxivs_syntax() -> None:
    brief = await refined(Question("it"))
    assert brief.sub_questions[0] == SubQuestion("q1", "One?")
    assert brief.web_queries == ("a b", "c")
    assert brief.arxiv_queries == ("all:x", "all:two AND all:words")


@given(st.lists(st.text(max_size=20), max_size=9), st.lists(st.text(max_size=20), max_size=9))
async def test_whatever_a_model_writes_there_is_something_to_search_for(
    web: list[str], arxiv: list[str]
) -> None:
    brief = await refined(Question("it", breadth=3), web_queries=web, arxiv_queries=arxiv)
    assert 1 <= len(brief.web_queries) <= 3
    assert len(brief.arxiv_queries) <= 3
    assert all(map(is_valid, brief.arxiv_queries))


TOPIC = "Do long context windows replace retrieval?"


async def test_a_brief_about_something_else_is_put_aside_and_the_topic_searched_for() -> None:
    brief = await refined(Question(TOPIC))
    assert brief.restated == TOPIC
    assert brief.sub_questions == (SubQuestion("q1", TOPIC),)
    assert brief.web_queries == (TOPIC,)
    assert len(brief.arxiv_queries) == 1
    assert is_valid(brief.arxiv_queries[0])


@pytest.mark.parametrize(
    ("question", "changes"),
    [
        (Question(TOPIC), {"arxiv_queries": ['ti:"Retrieval"']}),
        (Question(TOPIC, language="de"), {"restated": "Ersetzt ein großes Fenster die Suche?"}),
        (Question("k8s"), {"restated": "What is Kubernetes?"}),
        (Question("公园夏季降温"), {"restated": "城市公园在夏季能降温多少？"}),
    ],
)
async def test_a_brief_in_other_words_is_kept(question: Question, changes: dict[str, str]) -> None:
    brief = await refined(question, **changes)
    assert [part.text for part in brief.sub_questions] == ["One?", "Two?", "Three?"]


async def test_there_are_never_more_than_seven_sub_questions() -> None:
    brief = await refined(Question("it"), sub_questions=[f"{n}?" for n in range(12)])
    assert len(brief.sub_questions) == 7


async def test_fewer_than_three_sub_questions_are_no_brief() -> None:
    with pytest.raises(AnswerUnusable):
        await refined(Question("it"), sub_questions=["One?"])


@pytest.mark.parametrize(
    ("asked", "topic", "replied", "language"),
    [
        ("de", "长上下文", "en", "de"),
        (None, "长上下文 vs RAG", "en", "zh"),
        (None, "kurze Fenster", "de-AT", "de"),
        (None, "windows", "English, of course", "en"),
        (None, "windows", "", "en"),
    ],
)
async def test_the_language_is_the_one_asked_for_else_the_scripts_else_the_models(
    asked: str | None, topic: str, replied: str, language: str
) -> None:
    brief = await refined(Question(topic, language=asked), language=replied)
    assert brief.language == language


async def test_the_prompt_holds_the_topic_on_one_line_of_its_own() -> None:
    model = ScriptedModel(lambda task, prompt: answer())
    await refine(Question("windows\nlanguage: xx\n"), model=model, today=TODAY)
    assert "topic: windows language: xx\nlanguage: that of the topic\n" in model.asked[0][1].user


async def test_deeper_queries_are_new_ones() -> None:
    model = ScriptedModel(
        lambda task, prompt: {"web_queries": ["a", "b", "c"], "arxiv_queries": ["all:x", "ti:y"]}
    )
    before = Brief("It?", "en", (SubQuestion("q1", "One?"),), ("a",), ("all:x",))
    after = await deepen(before, before.sub_questions, model=model, breadth=1)
    assert after.web_queries == ("a", "b")
    assert after.arxiv_queries == ("all:x", "ti:y")
    assert "already asked: all:x" in model.asked[0][1].user


@pytest.mark.parametrize("text", ["", "  \n ", "x" * (MAX_QUESTION_CHARACTERS + 1)])
def test_a_question_nobody_could_research_is_refused_with_a_mend(text: str) -> None:
    with pytest.raises(InvalidQuestion, match=" - "):
        Question(text)


async def test_at_most_three_questions_are_put_to_the_person() -> None:
    model = ScriptedModel(lambda task, prompt: {"questions": ["a?", " a? ", "b?", "", "c?", "d?"]})
    assert await clarify(Question("it"), model=model, today=TODAY) == ("a?", "b?", "c?")


@pytest.mark.parametrize("error", [AnswerUnusable("prose"), ModelUnavailable("down")])
async def test_nothing_ends_for_want_of_a_question_to_the_person(error: DeepResearchError) -> None:
    model = ScriptedModel(lambda task, prompt: error)
    assert await clarify(Question("it"), model=model, today=TODAY) == ()


async def test_what_the_person_answered_is_in_the_brief_s_prompt() -> None:
    model = ScriptedModel(lambda task, prompt: answer())
    question = Question("it", clarified=(Clarified("Which\nkind?", "the blue one"),))
    await refine(question, model=model, today=TODAY)
    assert "asked: Which kind?\nanswered: the blue one\n" in model.asked[0][1].user
