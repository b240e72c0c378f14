from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agent.adapters.checkpoints import Serializer
from agent.domain.evidence import Hit
from agent.domain.prompt import Prompt
from agent.domain.question import Question
from agent.errors import InvalidInput
from agent.pipeline import Tools, build_graph
from agent.running import Host, run
from agent.stages.retrieve import Library
from agent.testing import (
    Answer,
    ListedEngine,
    MemoryDocuments,
    MemoryFolder,
    ScriptedModel,
    ShelfReader,
    SteppingClock,
)

asked: list[str] = []


def answers(task: str, prompt: Prompt) -> Answer:
    asked.append(prompt.user)
    if "Write the questions" in prompt.user:
        return {"questions": ["Which kind?", "For whom?"]}
    if "Write the brief" in prompt.user:
        return {
            "restated": "What is it?",
            "language": "en",
            "sub_questions": ["One?", "Two?", "Three?"],
            "web_queries": ["planned"],
            "arxiv_queries": [],
        }
    return {"sections": [], "web_queries": [], "arxiv_queries": []}


@pytest.fixture
def tools() -> Tools:
    asked.clear()
    engine = ListedEngine([Hit("web", "https://a.example", "A")])
    reader = ShelfReader({"https://a.example": "It is blue."})
    library = Library([engine], reader, MemoryDocuments(), SteppingClock(), patience=0.05)
    return Tools(ScriptedModel(answers), library, MemoryFolder())


EVERYTHING = Question("it", depth=1, ask=("clarity", "plan"))


async def test_a_person_is_asked_before_anything_is_searched_and_shown_the_plan(
    tools: Tools,
) -> None:
    seen: list[Mapping[str, Any]] = []

    async def answering(question: Mapping[str, Any]) -> object:
        seen.append(question)
        if question["kind"] == "clarity":
            return ["the blue\nkind", " "]
        return {**question, "sub_questions": ["Four?"], "web_queries": ["other", "other"]}

    report = await run(EVERYTHING, tools, Host(answering=answering))
    assert [one["kind"] for one in seen] == ["clarity", "plan"]
    assert seen[0]["questions"] == ["Which kind?", "For whom?"]
    assert seen[1]["web_queries"] == ["planned"]
    assert sum("Write the questions" in prompt for prompt in asked) == 1
    assert "asked: Which kind?\nanswered: the blue kind\n" in next(
        p for p in asked if "the brief" in p
    )
    assert [part.text for part in report.brief.sub_questions] == ["Four?"]
    assert report.brief.web_queries == ("other",)
    assert tools.library.engines[0].queries == ["other"]  # type: ignore[attr-defined]
    assert [one.answer for one in report.run.question.clarified] == ["the blue kind"]


async def test_where_nobody_can_answer_nobody_is_asked(tools: Tools) -> None:
    report = await run(EVERYTHING, tools)
    assert report.brief.web_queries == ("planned",)
    assert not any("Write the questions" in prompt for prompt in asked)


async def test_a_plan_that_is_accepted_stays_as_it_is(tools: Tools) -> None:
    async def answering(question: Mapping[str, Any]) -> object:
        return [] if question["kind"] == "clarity" else True

    report = await run(EVERYTHING, tools, Host(answering=answering))
    assert report.brief.web_queries == ("planned",)
    assert report.run.question.clarified == ()


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("clarity", "yes"),
        ("clarity", ["a", "b", "c"]),
        ("plan", {"web_queries": "one"}),
        ("plan", {"sub_questions": [""]}),
        ("plan", ["other"]),
    ],
)
async def test_an_answer_of_another_form_says_what_to_give(
    tools: Tools, kind: str, answer: object
) -> None:
    async def answering(question: Mapping[str, Any]) -> object:
        return answer if question["kind"] == kind else []

    with pytest.raises(InvalidInput, match=" - "):
        await run(EVERYTHING, tools, Host(answering=answering))


async def test_any_host_answers_by_langgraph_s_own_means(tools: Tools) -> None:
    graph = build_graph(InMemorySaver(serde=Serializer()))
    config = {"configurable": {"thread_id": "1"}}
    first = await graph.ainvoke({"question": EVERYTHING}, config, context=tools)  # type: ignore[call-overload]
    assert first["__interrupt__"][0].value["kind"] == "clarity"
    second = await graph.ainvoke(Command(resume=["blue"]), config, context=tools)  # type: ignore[call-overload]
    assert second["__interrupt__"][0].value["kind"] == "plan"
    last = await graph.ainvoke(Command(resume=True), config, context=tools)  # type: ignore[call-overload]
    assert last["report"].run.question.clarified[0].answer == "blue"


async def test_a_run_stopped_where_a_person_was_asked_goes_on_without_one(tools: Tools) -> None:
    kept = replace(tools, checkpoints=InMemorySaver(serde=Serializer()))

    async def gone(question: Mapping[str, Any]) -> object:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await run(EVERYTHING, kept, Host(answering=gone))
    report = await run(EVERYTHING, kept)
    assert report.brief.web_queries == ("planned",)
    assert report.run.question.clarified == ()
