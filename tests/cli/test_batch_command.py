"""Many topics from one file, as a person asks for them."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from agent.cli.asking import asked
from agent.cli.batching import watching
from agent.demo.world import DemoWorld
from agent.domain.events import Event
from agent.doors.batch import Outcome, read_rows
from agent.progress import Watcher
from gateway_client.testing import Asked, Reply, ScriptedGateway

Run = Callable[..., Awaitable[Any]]
TOPICS = (
    "topic,style\n"
    "Do long context windows replace retrieval?,brief\n"
    '"Retrieval, and what it costs",\n'
)


def environment(world: DemoWorld) -> dict[str, str]:
    return {
        "DEEP_RESEARCH_SEARXNG_URL": world.searxng_url,
        "DEEP_RESEARCH_ARXIV_URL": world.arxiv_url,
        "DEEP_RESEARCH_ALLOW_HOSTS": world.host,
        "DEEP_RESEARCH_ENGINES": "searxng,arxiv",
        "DEEP_RESEARCH_CACHED": "false",
    }


async def test_topics_are_researched_told_in_a_table_and_left_alone_the_second_time(
    deep_research: Run, tmp_path: Path, contract: Callable[[Path], dict[str, Any]]
) -> None:
    (tmp_path / "topics.csv").write_text(TOPICS, "utf-8")
    async with DemoWorld() as world:
        done = await deep_research(
            "batch", "topics.csv", "--parallel", "2", "--depth", "1", **environment(world)
        )
        assert done.status == 0, done.err
        first, second, total = done.out.splitlines()
        assert first.startswith("complete ")
        assert first.endswith("Do long context windows replace retrieval?")
        assert second.endswith("Retrieval, and what it costs")
        assert total.startswith("2 complete: ")
        assert "begun: Retrieval, and what it costs" in done.err
        assert "2 of 2  complete: " in done.err
        before = len(world.requests)
        again = await deep_research("batch", "topics.csv", "--json", **environment(world))
        assert len(world.requests) == before
    assert again.status == 0, again.err
    folders = [tmp_path / "runs" / json.loads(line)["run"] for line in again.out.splitlines()]
    assert all(contract(folder)["run"]["status"] == "complete" for folder in folders)
    requests = [json.loads((folder / "0-request.json").read_text("utf-8")) for folder in folders]
    styles = [request["question"]["style"] for request in requests]
    assert styles == ["brief", "report"]


def test_the_live_view_shows_the_last_event_of_any_topic_and_what_all_have_taken(
    tmp_path: Path,
) -> None:
    (tmp_path / "topics.csv").write_text(TOPICS, "utf-8")
    one, other = read_rows(tmp_path / "topics.csv", asked, {})
    shown: list[Event] = []
    said: list[str] = []
    watch = watching((one, other), Watcher(shown.append, said.append, is_live=True))
    watch.begun(other)
    watch.tell(one, Event("refine", "started", "started", tokens=100, usd=Decimal("0.1")))
    watch.tell(other, Event("refine", "4 queries", tokens=50, usd=Decimal("0.2")))
    watch.tell(one, Event("retrieve", "read a page", tokens=300, usd=Decimal("0.3")))
    watch.ended(one, Outcome(one.key, one.topic, "partial", reason="enough"))
    assert [(event.tokens, event.usd) for event in shown] == [
        (100, Decimal("0.1")),
        (150, Decimal("0.3")),
        (350, Decimal("0.5")),
    ]
    assert shown[-1].text == "Do long context windows replace retrieval?: read a page"
    assert said == [
        "begun: Retrieval, and what it costs",
        "1 of 2  partial: Do long context windows replace retrieval? (enough)",
    ]


async def test_what_is_wrong_with_a_row_is_said_before_anything_begins(
    deep_research: Run, tmp_path: Path
) -> None:
    (tmp_path / "topics.csv").write_text("topic,deptth\nOne,3\n", "utf-8")
    done = await deep_research("batch", "topics.csv")
    assert done.status == 2
    assert "topics.csv:2: deptth: there is no such option" in done.err
    assert not (tmp_path / "runs").exists()


async def test_the_first_interrupt_ends_what_goes_on_in_a_report_and_begins_nothing_more(
    tmp_path: Path, honest_model: Callable[[Asked], str]
) -> None:
    (tmp_path / "topics.csv").write_text(TOPICS, "utf-8")
    writing = asyncio.Event()

    def stuck(request: Asked) -> Reply | str:
        form = request.payload["response_format"]["json_schema"]["name"]  # type: ignore[index]
        if form == "BriefReply":
            return honest_model(request)
        writing.set()
        return Reply(stall=60)

    async with DemoWorld() as world, ScriptedGateway(stuck) as gateway:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from agent.cli import main; main()",
            "batch", "topics.csv", "--parallel", "1", "--json", "--depth", "1",
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"], "HOME": str(tmp_path),
                "GATEWAY_BASE_URL": gateway.base_url, "GATEWAY_MODEL": "m",
                **environment(world),
            },
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await asyncio.wait_for(writing.wait(), 30)
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 3, err.decode()
    ended, waiting = (json.loads(line) for line in out.splitlines())
    assert (ended["status"], waiting["status"]) == ("partial", "stopped")
    assert "the batch was stopped" in ended["reason"]
    assert ended["claims"] > 0
    record = (tmp_path / "runs" / "topics.batch.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["topic"] for line in record] == [ended["topic"]]
