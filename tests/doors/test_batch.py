"""Many topics from one file, on the demo world."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.adapters.extractive import completion
from agent.cli.asking import asked
from agent.demo.world import DemoWorld
from agent.domain.events import Event
from agent.doors.batch import (
    Batch,
    Outcome,
    Record,
    Row,
    Watch,
    exit_status,
    read_rows,
)
from agent.errors import InvalidBatch, RunBusy, RunUnwritable
from agent.stages.limits import Brake
from gateway_client.testing import Asked, Reply, ScriptedGateway

TOPICS = (
    "Do long context windows replace retrieval?",
    "What does retrieval augmented generation cost?",
    "How does lost in the middle affect long prompts?",
)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DemoWorld]:
    async with DemoWorld() as made:
        for name, value in {
            "SEARXNG_URL": made.searxng_url,
            "ARXIV_URL": made.arxiv_url,
            "ALLOW_HOSTS": made.host,
            "ENGINES": "searxng,arxiv",
            "CACHED": "false",
            "DEPTH": "1",
            "OUT": str(tmp_path / "runs"),
        }.items():
            monkeypatch.setenv(f"DEEP_RESEARCH_{name}", value)
        yield made


def rows(folder: Path, *topics: str) -> tuple[Row, ...]:
    path = folder / "topics.txt"
    path.write_text("# what we want to know\n\n" + "\n".join(topics), encoding="utf-8")
    return read_rows(path, asked, {})


def record(folder: Path) -> Record:
    return Record(folder / "runs" / "topics.batch.jsonl")


async def test_a_batch_is_researched_side_by_side_and_what_is_done_is_left_alone(
    world: DemoWorld, tmp_path: Path
) -> None:
    going: set[str] = set()
    most: list[int] = []

    def begun(row: Row) -> None:
        going.add(row.topic)
        most.append(len(going))

    watch = Watch(begun, ended=lambda row, _: going.discard(row.topic))
    work = Batch(rows(tmp_path, *TOPICS), record(tmp_path), 2, watch)
    outcomes = await work.run(Brake())
    assert [outcome.topic for outcome in outcomes] == list(TOPICS)
    assert {outcome.status for outcome in outcomes} == {"complete"}
    assert exit_status(outcomes) == 0
    assert max(most) == 2
    for outcome in outcomes:
        told = json.loads((tmp_path / "runs" / outcome.run / "report.json").read_text("utf-8"))
        assert told["run"]["question"] == outcome.topic
    asked_before = len(world.requests)
    moved = rows(tmp_path, TOPICS[2], "A topic nobody wrote about: zygomorphic quokkas", TOPICS[0])
    again = await Batch(moved, record(tmp_path), 2).run(Brake())
    assert [again[0], again[2]] == [outcomes[2], outcomes[0]]
    assert again[1].status == "empty"
    assert exit_status(again) == 3
    assert len(world.requests) > asked_before


async def test_a_topic_that_fails_stops_no_other_and_is_tried_again(
    world: DemoWorld, tmp_path: Path
) -> None:
    good, bad = rows(tmp_path, *TOPICS[:2])
    nowhere = bad.asked.settings.model_copy(update={"templates": tmp_path / "missing"})
    broken = replace(bad, asked=replace(bad.asked, settings=nowhere))
    outcomes = await Batch((broken, good), record(tmp_path), 1).run(Brake())
    assert [outcome.status for outcome in outcomes] == ["failed", "complete"]
    assert "missing is no folder" in outcomes[0].reason
    assert exit_status(outcomes) == 1
    mended = await Batch((bad, good), record(tmp_path), 1).run(Brake())
    assert [outcome.status for outcome in mended] == ["complete", "complete"]
    assert mended[1] == outcomes[1]


async def test_a_brake_ends_what_goes_on_in_reports_and_begins_nothing_more(
    world: DemoWorld, tmp_path: Path
) -> None:
    stop = Brake()

    def tell(_: Row, event: Event) -> None:
        if event.stage == "retrieve":
            stop.pull("enough")

    work = Batch(rows(tmp_path, *TOPICS), record(tmp_path), 1, Watch(tell=tell))
    first, *others = await work.run(stop)
    assert first.status in {"partial", "empty"}
    assert "the batch was stopped" in first.reason
    assert {other.status for other in others} == {"stopped"}
    assert exit_status([first, *others]) == 3
    assert list(record(tmp_path).outcomes()) == [first.key]


async def test_a_batch_goes_on_with_the_run_it_had_begun_and_pays_for_nothing_twice(
    world: DemoWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid: list[object] = []
    broken = True

    def answer(request: Asked) -> Reply:
        form = request.payload["response_format"]["json_schema"]["name"]  # type: ignore[index]
        if broken and form == "OutlineReply":
            return Reply.failure(400, "no")
        paid.append(form)
        return Reply(body=json.dumps(completion(request.payload)).encode())

    topics = rows(tmp_path, TOPICS[0])
    async with ScriptedGateway(answer) as gateway:
        monkeypatch.setenv("GATEWAY_BASE_URL", gateway.base_url)
        monkeypatch.setenv("GATEWAY_MODEL", "scripted")
        (stopped,) = await Batch(topics, record(tmp_path), 1).run(Brake())
        assert stopped.status == "failed"
        asked_before, broken = len(world.requests), False
        (outcome,) = await Batch(topics, record(tmp_path), 1).run(Brake())
    assert (outcome.status, outcome.run) == ("complete", stopped.run)
    assert len(world.requests) == asked_before
    assert paid.count("BriefReply") == 1


async def test_two_processes_do_not_work_on_one_batch(world: DemoWorld, tmp_path: Path) -> None:
    topics = rows(tmp_path, TOPICS[0])
    busy: list[type[Exception]] = []

    async def other() -> None:
        try:
            await Batch(topics, record(tmp_path), 1).run(Brake())
        except RunBusy as error:
            busy.append(type(error))

    both = [asyncio.ensure_future(other()) for _ in range(2)]
    await asyncio.gather(*both)
    assert busy == [RunBusy]


def test_rows_have_options_of_their_own_before_those_for_all(tmp_path: Path) -> None:
    path = tmp_path / "topics.csv"
    path.write_text('topic,depth,max_usd,style\n"One, and two",3,0.5,brief\nThree,,,\n', "utf-8")
    one, three = read_rows(path, asked, {"depth": 4, "audience": "children"})
    assert (one.number, one.topic, one.asked.question.depth) == (2, "One, and two", 3)
    assert (str(one.asked.settings.max_usd), one.asked.question.style) == ("0.5", "brief")
    assert (three.asked.question.depth, three.asked.question.style) == (4, "report")
    assert one.asked.question.audience == three.asked.question.audience == "children"
    lines = tmp_path / "topics.jsonl"
    lines.write_text(
        '{"topic": "One, and two", "depth": 3, "sources": ["web", "arxiv"]}\n', "utf-8"
    )
    (same,) = read_rows(lines, asked, {})
    assert same.asked.question.sources == ("web", "arxiv")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.csv", "topic,dept\nOne,3\n", r"t\.csv:2: dept: there is no such option"),
        ("t.csv", "topic,depth\nOne,many\n", r"t\.csv:2: depth: .*many"),
        ("t.csv", "topic,depth\nOne,2,3\n", r"t\.csv:2: 3 cells under 2 columns"),
        ("t.csv", "subject\nOne\n", r"t\.csv:2: no topic"),
        ("t.jsonl", '{"topic": "One"}\n{"topic":\n', r"t\.jsonl:2: this is no JSON"),
        ("t.jsonl", '["One"]\n', r"t\.jsonl:1: this is no object"),
        ("t.jsonl", '{"topic": "One", "engine": ["arxiv"]}\n', "engines cannot be a row's own"),
        ("t.txt", "# nothing\n\n", "has no topic"),
        ("t.txt", "One\nTwo\nOne\n", "lines 1 and 3 ask the same"),
        ("t.csv", "topic,format\nOne,html\nOne,pdf\n", "lines 2 and 3 ask the same"),
        ("t.xlsx", "One\n", "is of no known kind"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidBatch, match=said):
        read_rows(path, asked, {})
    with pytest.raises(InvalidBatch, match="cannot be read"):
        read_rows(tmp_path / "none.txt", asked, {})


def test_a_record_that_was_cut_short_keeps_its_whole_lines(tmp_path: Path) -> None:
    kept = record(tmp_path)
    outcome = Outcome("k", "One", "complete", "run-1")
    kept.add(outcome)
    with kept.path.open("a", encoding="utf-8") as file:
        file.write('{"key": "l", "topic": "Tw')
    assert kept.outcomes() == {"k": outcome}
    later = Outcome("m", "Three", "partial", "run-3")
    kept.add(later)
    assert kept.outcomes() == {"k": outcome, "m": later}


async def test_a_record_that_cannot_be_written_ends_the_batch_and_loses_no_run(
    world: DemoWorld, tmp_path: Path
) -> None:
    topics = rows(tmp_path, *TOPICS[:2])
    kept = record(tmp_path)

    def full(_: Row) -> None:
        kept.path.unlink(missing_ok=True)
        kept.path.mkdir(parents=True, exist_ok=True)

    with pytest.raises(RunUnwritable, match=r"batch\.jsonl cannot be written: Is a directory"):
        await Batch(topics, kept, 1, Watch(begun=full)).run(Brake())
    (report,) = (tmp_path / "runs").glob("*/report.json")
    assert json.loads(report.read_text("utf-8"))["run"]["status"] == "complete"
