import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from agent.adapters.checkpoints import Serializer
from agent.domain.events import Event
from agent.domain.evidence import Hit
from agent.domain.prompt import Prompt
from agent.domain.question import Question
from agent.domain.report import Report
from agent.errors import AnswerUnusable, ModelUnavailable, SearchUnavailable
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

PAGES = {
    "https://a.example": "The window holds 128,000 tokens. It is wide.",
    "https://b.example": "Retrieval costs 2 cents a question. It is cheap.",
    "https://c.example": "Hybrids route each question. They are new.",
}
HITS = {
    "window": [Hit("web", "https://a.example", "A")],
    "cost": [Hit("web", "https://b.example", "B")],
    "hybrid": [Hit("web", "https://c.example", "C")],
}
KNOWN = {
    "q1": ("The window holds many tokens.", "The window holds 128,000 tokens."),
    "q2": ("Retrieval costs little.", "Retrieval costs 2 cents a question."),
    "q3": ("Hybrids route every question.", "Hybrids route each question."),
}


def passage_with(quote: str, prompt: str) -> str | None:
    """Do as a good model does: cite only what is in the prompt."""
    line = next((line for line in prompt.split("\n") if quote in line), None)
    return line.partition(" ")[0] if line else None


def answers(task: str, prompt: Prompt) -> Answer:
    if "Write the new queries" in prompt.user:
        return {"web_queries": ["hybrid"], "arxiv_queries": []}
    if task == "refine":
        return {
            "restated": "Does a window replace retrieval?",
            "language": "en",
            "sub_questions": ["How long?", "What cost?", "What else?"],
            "web_queries": ["window", "cost"],
            "arxiv_queries": [],
        }
    if task == "summarize":
        claims = re.findall(r"^(c\d+): (.+)$", prompt.user, re.MULTILINE)
        return {"sentences": [{"sentence": claims[0][1], "claims": [claims[0][0]]}]}
    wanted = [id_ for id_ in KNOWN if f"\n{id_}: " in prompt.user]
    there = [id_ for id_ in wanted if passage_with(KNOWN[id_][1], prompt.user)]
    if task == "outline":
        return {"sections": [{"title": f"On {id_}", "sub_questions": [id_]} for id_ in there]}
    number = int(prompt.user.rpartition("Write section ")[2].split()[0])
    sentence, quote = KNOWN[there[number - 1]]
    citation = {"passage": passage_with(quote, prompt.user), "quote": quote}
    return {"claims": [{"sentence": sentence, "citations": [citation]}]}


def tools(
    script: Callable[[str, Prompt], Answer] = answers, engine: ListedEngine | None = None
) -> Tools:
    library = Library(
        [engine or ListedEngine(HITS)], ShelfReader(PAGES), MemoryDocuments(), SteppingClock()
    )
    return Tools(ScriptedModel(script), library, MemoryFolder())


async def report_of(used: Tools, depth: int = 2) -> Report:
    return await run(Question("windows or retrieval", depth=depth), used)


async def test_a_gap_becomes_a_new_query_and_the_next_round_closes_it() -> None:
    used = tools()
    report = await report_of(used)
    assert report.run.status == "complete"
    assert [claim.sentence for claim in report.claims] == [said for said, _ in KNOWN.values()]
    assert report.brief.web_queries == ("window", "cost", "hybrid")
    assert [source.title for source in report.cited] == ["A", "B", "C"]


async def test_a_dropped_sentence_that_matters_is_searched_for_and_its_section_goes_on() -> None:
    sentence, lost = KNOWN["q1"][0], "Windows double each year."

    asked: list[str] = []

    def careless(task: str, prompt: Prompt) -> Answer:
        asked.append(prompt.user)
        if task in {"judge", "repair"}:
            return AnswerUnusable("prose")
        if "Write the new queries" in prompt.user and "not shown" not in prompt.user:
            return {"web_queries": [], "arxiv_queries": []}
        answer = answers(task, prompt)
        if (
            task == "write"
            and isinstance(answer, dict)
            and f"already said: {sentence}" in prompt.user
        ):
            (claim,) = answer["claims"]
            return {"claims": [{**claim, "sentence": f"{sentence[:-1]} now."}]}
        if task == "write" and isinstance(answer, dict):
            (claim,) = answer["claims"]
            return {"claims": [claim, {**claim, "sentence": lost}]}
        return answer

    report = await report_of(tools(careless), depth=3)
    (*_, searched) = [prompt for prompt in asked if "Write the new queries" in prompt]
    assert f"not shown: {lost}" in searched
    assert "without evidence: How long?" in searched
    on_q1 = [section for section in report.sections if "q1" in section.answers]
    assert [[c.sentence for c in s.claims] for s in on_q1] == [[sentence, f"{sentence[:-1]} now."]]


async def test_a_limit_that_leaves_something_undone_makes_the_report_partial_and_says_which() -> (
    None
):
    def stop(task: str, prompt: Prompt) -> Answer:
        if "Write the new queries" in prompt.user:
            used.library.brake.pull("stopped by hand")
        return answers(task, prompt)

    used = tools(stop)
    report = await report_of(used, depth=5)
    assert report.claims
    assert report.run.status == "partial"
    assert report.run.reason.startswith("stopped by hand; ")


async def test_a_limit_reached_when_all_is_done_is_no_loss() -> None:
    def stop(task: str, prompt: Prompt) -> Answer:
        if task == "summarize":
            used.library.brake.pull("stopped by hand")
        return answers(task, prompt)

    used = tools(stop)
    report = await report_of(used)
    assert (report.run.status, report.run.reason) == ("complete", "")


async def test_rounds_end_when_depth_is_used_up_and_the_report_says_what_is_open() -> None:
    report = await report_of(tools(), depth=1)
    assert report.run.status == "partial"
    assert report.gaps == ("What else?",)
    assert "1 sub-question is without" in report.run.reason


async def test_rounds_end_when_no_new_query_comes() -> None:
    def stuck(task: str, prompt: Prompt) -> Answer:
        if "Write the new queries" in prompt.user:
            return {"web_queries": ["window"], "arxiv_queries": []}
        return answers(task, prompt)

    used = tools(stuck)
    report = await report_of(used, depth=9)
    assert report.run.status == "partial"
    assert isinstance(used.model, ScriptedModel)
    planned = [prompt for _, prompt in used.model.asked if "new queries" in prompt.user]
    assert len(planned) == 2  # once after reading, and once after what was written did not hold


@pytest.mark.parametrize("error", [AnswerUnusable("prose"), ModelUnavailable("down")])
async def test_a_round_that_cannot_be_planned_leaves_the_report_of_the_rounds_before(
    error: AnswerUnusable,
) -> None:
    def failing(task: str, prompt: Prompt) -> Answer:
        return error if "Write the new queries" in prompt.user else answers(task, prompt)

    report = await report_of(tools(failing))
    assert len(report.claims) == 2
    assert [f.what for f in report.failures] == ["no further queries could be written"]


async def test_nothing_found_is_an_empty_report_and_no_prose_is_asked_for() -> None:
    used = tools(engine=ListedEngine([]))
    report = await report_of(used)
    assert report.run.status == "empty"
    assert report.claims == ()
    assert isinstance(used.model, ScriptedModel)
    assert {task for task, _ in used.model.asked} == {"refine"}


async def test_sources_without_a_sentence_that_holds_are_an_empty_report_too() -> None:
    def inventing(task: str, prompt: Prompt) -> Answer:
        if task == "write":
            citation = {"passage": "S1.1", "quote": "words that stand nowhere at all"}
            return {"claims": [{"sentence": "Trust me.", "citations": [citation]}]}
        return {"claims": []} if task == "repair" else answers(task, prompt)

    report = await report_of(tools(inventing), depth=1)
    assert report.run.status == "empty"
    assert "no sentence on the question held" in report.run.reason
    assert {dropped.sentence for dropped in report.dropped} == {"Trust me."}


async def test_a_kind_of_source_that_never_answered_makes_the_report_partial() -> None:
    used = tools()
    down = ListedEngine(None, name="other", kind="web")
    arxiv = ListedEngine([], name="arxiv", kind="arxiv")
    both = Library([*used.library.engines, down, arxiv], used.library.reader,
                   used.library.documents, used.library.clock)  # fmt: skip
    report = await report_of(Tools(used.model, both, used.folder))
    assert report.run.status == "complete"  # another web engine did answer
    corpus = ListedEngine(None, name="corpus", kind="corpus")
    silent = Library([*used.library.engines, corpus], used.library.reader,
                     used.library.documents, used.library.clock)  # fmt: skip
    report = await report_of(Tools(used.model, silent, used.folder))
    assert report.run.status == "partial"
    assert report.run.reason == "every corpus search failed"


async def test_if_every_search_fails_the_run_is_an_error_and_not_an_empty_report() -> None:
    with pytest.raises(SearchUnavailable):
        await report_of(tools(engine=ListedEngine(None)))


async def test_the_folder_lists_the_steps_and_every_quote_stands_in_the_stored_text() -> None:
    used = tools()
    await report_of(used)
    assert isinstance(used.folder, MemoryFolder)
    assert isinstance(used.library.documents, MemoryDocuments)
    assert sorted(used.folder.files) == [
        "1-brief.json", "2-evidence.json", "3-draft-2.json", "4-verified.json", "5-report.json",
        "references.bib", "report.html", "report.json", "report.md", "run.json",
    ]  # fmt: skip
    report = json.loads(used.folder.files["report.json"])
    texts = {
        source["id"]: used.library.documents.texts[source["sha256"]] for source in report["sources"]
    }
    for section in report["sections"]:
        for claim in section["claims"]:
            for cited in claim["citations"]:
                assert texts[cited["source"]][cited["start"] : cited["end"]] == cited["quote"]


async def test_events_are_told_stage_by_stage() -> None:
    heard: list[Event] = []
    await run(Question("windows"), tools(), Host(heard.append))
    stages = list(dict.fromkeys(event.stage for event in heard))
    assert stages == ["refine", "retrieve", "synthesize", "verify", "render"]


async def test_a_checkpoint_holds_our_values_and_no_text_and_comes_back_as_it_was() -> None:
    saver = InMemorySaver(serde=Serializer())
    graph = build_graph(saver)
    config: RunnableConfig = {"configurable": {"thread_id": "1"}}
    result = await graph.ainvoke({"question": Question("windows")}, config, context=tools())
    state = (await graph.aget_state(config)).values
    assert state["report"] == result["report"]
    assert isinstance(state["evidence"].sources, tuple)
    written = [blob for blob in saver.blobs.values() if blob[0] != "empty"]
    stored = repr([saver.serde.loads_typed(blob) for blob in written])
    assert "The window holds many tokens." in stored
    assert "It is cheap." not in stored


async def test_what_is_read_is_judged_before_anything_is_written() -> None:
    used = tools()
    report = await report_of(used)
    assert isinstance(used.model, ScriptedModel)
    tasks = [task for task, _ in used.model.asked]
    assert tasks[:2] == ["refine", "refine"]  # one source does not cover it: look again first
    assert tasks.count("outline") <= 1
    assert report.claims


async def test_claims_of_two_works_that_contradict_each_other_are_told_as_a_disagreement() -> None:
    quote = "Retrieval reduces the cost of long questions."
    contrary = {"https://a.example": quote, "https://b.example": quote.replace("reduces", "raises")}

    def answer(task: str, prompt: Prompt) -> Answer:
        if task == "outline":
            return {"sections": [{"title": "Cost", "sub_questions": ["q1"]}]}
        if task != "write":
            return answers(task, prompt)
        said = [
            {"passage": passage_with(one, prompt.user), "quote": one} for one in contrary.values()
        ]
        return {"claims": [{"sentence": one["quote"], "citations": [one]} for one in said]}

    used = tools(answer)
    library = replace(used.library, reader=ShelfReader(contrary))
    report = await report_of(replace(used, library=library), depth=1)
    (found,) = report.disagreements
    assert (found.kind, found.about) == ("direction", "Retrieval cost of long questions")
    assert [side.claim for side in found.sides] == [claim.id for claim in report.claims]
