"""START HERE. The whole machine as a LangGraph state machine, and the only home of LangGraph.

    [clarify] ─► refine ─► [review] ─► retrieve ─► synthesize ─► verify ─► summarize ─► render
                                       ▲ ▲   │          ▲          │
                          recall ──────┘ └─ deepen ─────┘          │
                                              ▲                    │
                                              └────────────────────┘

It deepens while rounds are left: if what was read covers too little of a sub-question, no claim on
it holds, or too few do and one was dropped. In brackets is where a person is asked, if the question
says so, by LangGraph's interrupts, so that any host can answer.

A question with a predecessor begins with recall instead: the brief and whatever still holds are
that run's. Nothing is deepened, only what is new or was edited is written on (renew, in place of
synthesize), and if there is nothing of that kind, retrieve leads straight to render.

Each node reads values from the state, hands them with its tools to one stage, and puts the
stage's result back. Texts stay in the document store; the state carries their digests, so a
checkpoint is small and is data only. A run that was stopped goes on behind its last checkpoint.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Annotated, Final, Literal, NotRequired, Protocol, TypedDict

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agent import rendering
from agent.domain.disagreements import disagreements
from agent.domain.events import Event, StageName, Tell
from agent.domain.evidence import Evidence, Failure
from agent.domain.look import PLAIN, Look
from agent.domain.news import News, all_changes
from agent.domain.question import Brief, Question, SubQuestion
from agent.domain.report import Draft, Report, Run, Status, SummarySentence, Usage, Verified
from agent.domain.spans import span
from agent.errors import AnswerUnusable, ModelUnavailable, RunUnknown
from agent.ports import ChatModel, Illustrator, Journal, RunFolder
from agent.rendering.step_files import manifest, run_file, step_file
from agent.stages.illustrate import Illustrated, illustrate
from agent.stages.off_loop import off_loop
from agent.stages.recall import recall
from agent.stages.refine import clarify, deepen, edited, heard, refine
from agent.stages.rereading import Past
from agent.stages.retrieve import Library, retrieve
from agent.stages.summarize import summarize
from agent.stages.synthesize import Assignment, synthesize
from agent.stages.thrift import Thrifty
from agent.stages.verify import verify


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything a run works with; handed to the graph as its context, never part of the state."""

    model: ChatModel
    library: Library
    folder: RunFolder
    formats: Sequence[str] = rendering.FORMATS
    look: Look = PLAIN
    journal: Journal | None = None
    checkpoints: BaseCheckpointSaver[str] | None = None
    illustrator: Illustrator | None = None
    past: Past | None = None


def _added_up(left: Mapping[str, float], right: Mapping[str, float]) -> dict[str, float]:
    return {key: left.get(key, 0.0) + right.get(key, 0.0) for key in {**left, **right}}


def _joined(left: Sequence[Failure], right: Sequence[Failure]) -> tuple[Failure, ...]:
    return (*left, *right)


def _once(left: Sequence[str], right: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*left, *right)))


class Input(TypedDict):
    """What a caller puts in; ``started`` if it was not just now."""

    question: Question
    started: NotRequired[datetime]


class State(Input):
    """What the run knows so far: values only, no texts, no tools."""

    to_ask: tuple[str, ...]
    round: int
    brief: Brief
    news: NotRequired[News]
    evidence: Evidence
    fresh: bool
    unwritten: bool
    braked: str
    cut: Annotated[tuple[str, ...], _once]
    draft: Draft
    used: Usage
    verified: Verified
    summary: tuple[SummarySentence, ...]
    failures: Annotated[tuple[Failure, ...], _joined]
    seconds: Annotated[dict[str, float], _added_up]
    report: Report


class Output(TypedDict):
    """What a caller gets back."""

    report: Report


STEPS_A_ROUND: Final = 4
"""retrieve, synthesize, verify, deepen: what LangGraph's recursion limit has to allow."""

Update = dict[str, object]
Work = Callable[[State, Tools, Tell], Awaitable[Update]]
Graph = CompiledStateGraph[State, Tools, Input, Output]


def build_graph(checkpointer: BaseCheckpointSaver[str] | None = None) -> Graph:
    """Return the compiled graph.

    Call it with ``{"question": Question(...)}`` and ``context=Tools(...)``; it returns
    ``{"report": Report}``. A checkpointer needs ``agent.adapters.checkpoints.Serializer``; a
    question that asks the person something needs a checkpointer.
    """
    return _compiled().copy({"checkpointer": checkpointer})


@cache
def _compiled() -> Graph:
    """Return what all graphs are copies of: to compile one takes 10 ms, to copy it nothing."""
    graph = StateGraph(State, context_schema=Tools, input_schema=Input, output_schema=Output)
    graph.add_node("clarify", _node("refine", _clarify))
    graph.add_node("hear", _hear)
    graph.add_node("recall", _node("retrieve", _recall))
    graph.add_node("refine", _node("refine", _refine))
    graph.add_node("review", _review)
    graph.add_node("retrieve", _node("retrieve", _retrieve))
    graph.add_node("synthesize", _node("synthesize", _synthesize))
    graph.add_node("renew", _node("synthesize", _renew))
    graph.add_node("verify", _node("verify", _verify))
    graph.add_node("deepen", _node("refine", _deepen))
    graph.add_node("summarize", _node("verify", _summarize))
    graph.add_node("render", _node("render", _render))
    graph.add_conditional_edges(START, _first)
    graph.add_conditional_edges("clarify", _after_clarify)
    graph.add_edge("hear", "refine")
    graph.add_edge("recall", "retrieve")
    graph.add_conditional_edges("refine", _after_refine)
    graph.add_edge("review", "retrieve")
    graph.add_conditional_edges("retrieve", _after_retrieve)
    graph.add_edge("synthesize", "verify")
    graph.add_edge("renew", "verify")
    graph.add_conditional_edges("verify", _after_verify)
    graph.add_conditional_edges("deepen", _after_deepen)
    graph.add_edge("summarize", "render")
    graph.add_edge("render", END)
    return graph.compile()


# --- nodes: from the state to a stage and back --------------------------------------------------


async def _clarify(state: State, tools: Tools, tell: Tell) -> Update:
    today = tools.library.clock.now().date()
    to_ask = await clarify(state["question"], model=tools.model, today=today)
    tell(Event("refine", f"{len(to_ask)} questions to you"))
    return {"to_ask": to_ask}


def _hear(state: State) -> Update:
    """Wait for what the person says; a host answers with a list, in the order of the questions."""
    said = interrupt({"kind": "clarity", "questions": list(state["to_ask"])})
    return {"question": replace(state["question"], clarified=heard(state["to_ask"], said))}


def _review(state: State) -> Update:
    """Wait until the person has seen the plan; a host answers True, or what to change."""
    brief = state["brief"]
    plan = {
        "kind": "plan",
        "restated": brief.restated,
        "sub_questions": [part.text for part in brief.sub_questions],
        "web_queries": list(brief.web_queries),
        "arxiv_queries": list(brief.arxiv_queries),
    }
    return {"brief": edited(brief, interrupt(plan))}


async def _refine(state: State, tools: Tools, tell: Tell) -> Update:
    started = state.get("started") or tools.library.clock.now()
    brief = await refine(state["question"], model=tools.model, today=started.date())
    queries = len(brief.web_queries) + len(brief.arxiv_queries)
    tell(Event("refine", f"{len(brief.sub_questions)} sub-questions, {queries} queries"))
    await tools.folder.write("1-brief.json", step_file(brief))
    return {
        "started": started,
        "round": 1,
        "unwritten": False,
        "brief": brief,
        "evidence": Evidence(),
        "verified": Verified(),
    }


async def _recall(state: State, tools: Tools, tell: Tell) -> Update:
    question = state["question"]
    if tools.past is None:
        raise RunUnknown(f"the run {question.predecessor} was not handed in", mend="set Tools.past")
    started = state.get("started") or tools.library.clock.now()
    library = tools.library
    recalled = await recall(
        tools.past,
        desk=library.desk(question.scope(tools.past.report.brief.language)),
        brake=library.brake,
        engines=library.engines,
        tell=tell,
    )
    await tools.folder.write("1-brief.json", step_file(recalled.brief))
    return {
        "started": started,
        "round": 1,
        "unwritten": bool(recalled.news.to_read),
        "brief": recalled.brief,
        "news": recalled.news,
        "evidence": recalled.evidence,
        "verified": recalled.verified,
        "summary": recalled.summary,
    }


async def _retrieve(state: State, tools: Tools, tell: Tell) -> Update:
    before = state["evidence"]
    after = await retrieve(
        state["question"], state["brief"], before, library=tools.library, tell=tell
    )
    await tools.folder.write("2-evidence.json", await off_loop(step_file, after))
    fresh = len(after.sources) > len(before.sources)
    return {"evidence": after, "fresh": fresh, "unwritten": fresh or state["unwritten"]}


async def _synthesize(state: State, tools: Tools, tell: Tell) -> Update:
    return await _written(state, tools, tell, _assignment(state, _wanted(state)))


async def _renew(state: State, tools: Tools, tell: Tell) -> Update:
    news, evidence = state["news"], state["evidence"]
    wanted = news.wanted(state["brief"], evidence, [part.id for part in _gaps(state)])
    assignment = replace(_assignment(state, wanted), passages=news.passages(evidence))
    return await _written(state, tools, tell, assignment)


def _assignment(state: State, wanted: Sequence[SubQuestion]) -> Assignment:
    said = [claim.sentence for claim in state["verified"].claims]
    return Assignment(wanted, state["question"].manner, said)


async def _written(state: State, tools: Tools, tell: Tell, assignment: Assignment) -> Update:
    draft = await synthesize(
        state["brief"],
        state["evidence"],
        assignment,
        model=tools.model,
        documents=tools.library.documents,
        tell=tell,
    )
    await tools.folder.write(f"3-draft-{state['round']}.json", step_file(draft))
    used = tools.model.usage()
    return {"draft": draft, "failures": draft.failures, "unwritten": False, "used": used}


async def _verify(state: State, tools: Tools, tell: Tell) -> Update:
    verified = await verify(
        state["draft"],
        state["brief"],
        state["evidence"],
        state["verified"],
        model=Thrifty(tools.model, state["used"]),
        documents=tools.library.documents,
        tell=tell,
    )
    await tools.folder.write("4-verified.json", await off_loop(step_file, verified))
    return {"verified": verified}


async def _summarize(state: State, tools: Tools, tell: Tell) -> Update:
    summary, failures = await summarize(
        state["verified"].sections,
        state["brief"],
        model=tools.model,
        manner=state["question"].manner,
        tell=tell,
    )
    return {"summary": summary, "failures": failures}


async def _deepen(state: State, tools: Tools, tell: Tell) -> Update:
    before, missed = state["brief"], [drop.sentence for drop in state["verified"].missed]
    gaps = _poor(state) if state["unwritten"] else _wanted(state)
    update: Update = {"round": state["round"] + 1}
    try:
        breadth = state["question"].breadth
        brief = await deepen(before, gaps, missed, model=tools.model, breadth=breadth)
    except (AnswerUnusable, ModelUnavailable) as error:
        brief = before
        update["failures"] = (Failure("no further queries could be written", str(error)),)
    tell(Event("refine", f"round {update['round']}: {len(gaps)} sub-questions are open"))
    new = len(brief.web_queries + brief.arxiv_queries)
    return {**update, "brief": brief, "fresh": new > len(before.web_queries + before.arxiv_queries)}


async def _render(state: State, tools: Tools, tell: Tell) -> Update:
    illustrator = tools.illustrator if state["verified"].claims else None
    illustrated = await illustrate(state["brief"], illustrator=illustrator)
    if illustrated.cover:
        await tools.folder.write(illustrated.cover.file, illustrated.data)
    report = await off_loop(_report, state, tools, illustrated)
    look = replace(tools.look, cover=illustrated.data)
    files = await off_loop(rendering.files, report, tools.formats, look)
    for name, data in files.items():
        await tools.folder.write(name, data)
    await tools.folder.write("5-report.json", manifest(files))
    await tools.folder.write("run.json", run_file(report))
    tell(Event("render", f"{report.run.status}: {', '.join(files)}"))
    return {"report": report}


def _report(state: State, tools: Tools, illustrated: Illustrated) -> Report:
    brief, evidence, verified = state["brief"], state["evidence"], state["verified"]
    gaps = tuple(part.text for part in _gaps(state))
    more_was_wanted = _wanted(state) and state["round"] < state["question"].depth
    cut = _once(state["cut"], [state["braked"]] if more_was_wanted and state["braked"] else [])
    status, reason = _outcome(evidence, verified, gaps, cut)
    writing = (*state["failures"], *verified.failures, *tools.model.failures())
    news = state.get("news")
    return Report(
        run=Run(
            id=tools.folder.id,
            question=state["question"],
            started=state["started"],
            finished=tools.library.clock.now(),
            status=status,
            reason=reason,
        ),
        brief=brief,
        sections=verified.sections,
        dropped=verified.dropped,
        gaps=gaps,
        sources=evidence.sources,
        failures=(*evidence.failures, *writing, *illustrated.failures),
        usage=tools.model.usage(),
        seconds_by_stage={stage: round(took, 3) for stage, took in state["seconds"].items()},
        considered=evidence.considered,
        summary=tuple(state["summary"]),
        disagreements=disagreements(verified.claims, evidence.sources),
        cover=illustrated.cover,
        rounds=state["round"],
        predecessor=None if news is None else news.predecessor,
        changes=() if news is None else all_changes(news, verified.claims, evidence.sources),
    )


def _outcome(
    evidence: Evidence, verified: Verified, gaps: Sequence[str], cut: Sequence[str]
) -> tuple[Status, str]:
    """Say how a run ended, and why if it did not reach everything it set out for."""
    if not evidence.sources:
        return "empty", "; ".join((*cut, "no source was found that could be read"))
    if not verified.claims:
        read = f"{len(evidence.sources)} sources were read, and no sentence on the question held"
        return "empty", "; ".join((*cut, read))
    reasons = [*cut, *(f"every {kind} search failed" for kind in evidence.silent)]
    if gaps:
        are = "sub-question is" if len(gaps) == 1 else "sub-questions are"
        reasons.append(f"{len(gaps)} {are} without an answer that holds")
    return ("partial", "; ".join(reasons)) if reasons else ("complete", "")


# --- where to go next ---------------------------------------------------------------------------


def _first(state: State) -> Literal["recall", "clarify", "refine"]:
    if state["question"].predecessor:
        return "recall"
    return "clarify" if "clarity" in state["question"].ask else "refine"


def _after_clarify(state: State) -> Literal["hear", "refine"]:
    return "hear" if state["to_ask"] else "refine"


def _after_refine(state: State) -> Literal["review", "retrieve"]:
    return "review" if "plan" in state["question"].ask else "retrieve"


def _gaps(state: State) -> tuple[SubQuestion, ...]:
    parts: Iterable[SubQuestion] = state["brief"].sub_questions
    return tuple(part for part in parts if not state["verified"].covers(part.id))


def _wanted(state: State) -> tuple[SubQuestion, ...]:
    """Return the sub-questions to write on: those without a claim, or with too few and a loss."""
    gaps = _gaps(state)
    lost = {id_ for drop in state["verified"].missed for id_ in drop.answers}
    parts: Iterable[SubQuestion] = state["brief"].sub_questions
    return tuple(part for part in parts if part in gaps or part.id in lost)


def _poor(state: State) -> tuple[SubQuestion, ...]:
    """Return the open sub-questions of which what was read surely covers too little."""
    judged = {one.sub_question: one.covered for one in state["evidence"].coverage}
    return tuple(part for part in _gaps(state) if judged.get(part.id) is False)


def _may_deepen(state: State) -> bool:
    if "news" in state:
        return False
    return state["round"] < state["question"].depth and not state["braked"]


def _after_retrieve(
    state: State,
) -> Literal["synthesize", "renew", "render", "deepen", "summarize"]:
    if "news" in state:
        return "renew" if state["unwritten"] else "render"
    if not state["unwritten"]:
        return _after_verify(state)
    return "deepen" if state["fresh"] and _poor(state) and _may_deepen(state) else "synthesize"


def _after_verify(state: State) -> Literal["deepen", "summarize"]:
    return "deepen" if _wanted(state) and _may_deepen(state) else "summarize"


def _after_deepen(state: State) -> Literal["retrieve", "synthesize", "summarize"]:
    if state["fresh"]:
        return "retrieve"
    return "synthesize" if state["unwritten"] else "summarize"


class Node(Protocol):
    """A node as LangGraph calls it."""

    def __call__(self, state: State, *, runtime: Runtime[Tools]) -> Awaitable[Update]:
        """Return what changes in the state."""
        ...


def _node(stage: StageName, work: Work) -> Node:
    """Give a stage its tools and take its time; tell the journal which step this is."""
    name = work.__name__.removeprefix("_")

    async def node(state: State, runtime: Runtime[Tools]) -> Update:
        tools, clock = runtime.context, runtime.context.library.clock
        started = clock.seconds()

        def tell(event: Event) -> None:
            used = tools.model.usage()
            tokens = used.input_tokens + used.output_tokens
            runtime.stream_writer(replace(event, tokens=tokens, usd=used.usd))

        tell(Event(stage, "started", "started"))
        if tools.journal is not None:
            await tools.journal.begin(f"{name} {state.get('round', 0)}")
        with span(f"stage {name}", stage=stage, round=state.get("round", 0)):
            update = await work(state, tools, tell)
        brake = tools.library.brake
        return {
            **update,
            "seconds": {stage: clock.seconds() - started},
            "braked": brake.reason("refine", tools.model.usage()),
            "cut": tuple(brake.cut),
        }

    return node
