"""Schedules as a person has them: added, looked at, fired, and seen to by a process that ends."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.cli.asking import asked
from agent.demo.world import DemoWorld
from agent.doors.schedules import fires
from agent.doors.schedules.book import Book
from agent.doors.schedules.fire_log import FireLog
from gateway_client.testing import Asked, Reply, ScriptedGateway

Run = Callable[..., Any]
TOPIC = "Do long context windows replace retrieval-augmented generation?"
ADD = ("schedule", "add", TOPIC, "--name", "contexts", "--cron", "0 7 * * 1", "--depth", "1",
       "--sources", "web,arxiv", "--format", "md")  # fmt: skip


def within(world: DemoWorld) -> dict[str, str]:
    return {
        "DEEP_RESEARCH_SEARXNG_URL": world.searxng_url,
        "DEEP_RESEARCH_ARXIV_URL": world.arxiv_url,
        "DEEP_RESEARCH_ALLOW_HOSTS": world.host,
        "DEEP_RESEARCH_ENGINES": "searxng,arxiv",
    }


def overdue(folder: Path) -> FireLog:
    """Let the schedules of a folder be such as were last seen to a fortnight ago."""
    book = Book(folder / "schedules.toml", asked)
    log = FireLog(book.path)
    for schedule in book.schedules().values():
        then = datetime.now(UTC) - timedelta(days=14)
        log.see(schedule.name, None, fires.seen(schedule, None, then))
    return log


async def started(folder: Path, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from agent.cli import main; main()", "schedule", "run",
        cwd=folder, env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def said(process: asyncio.subprocess.Process, words: str) -> str:
    """Wait until a process says some words, and return the line."""
    assert process.stderr
    async with asyncio.timeout(40):
        while words not in (line := (await process.stderr.readline()).decode()):
            assert line, f"it ended without saying {words!r}"
    return line


async def test_a_schedule_is_added_seen_paused_and_removed(
    deep_research: Run, tmp_path: Path
) -> None:
    added = await deep_research(*ADD, "--timezone", "Asia/Shanghai", "--max-usd", "0.5")
    assert added.status == 0, added.err
    assert added.out.startswith("contexts  next ")
    assert added.out.endswith(" 07:00 +0800\n")
    listed = (await deep_research("schedule", "list", "--json")).line
    assert listed["options"] == {
        "sources": ["web", "arxiv"], "depth": 1, "format": ["md"], "max-usd": 0.5,
    }  # fmt: skip
    following = (await deep_research("schedule", "next", "-n", "3")).out.splitlines()
    assert [line.split()[1:] for line in following] == [["07:00", "+0800", "contexts"]] * 3
    days = [datetime.fromisoformat(line.split()[0]) for line in following]
    assert {day.weekday() for day in days} == {0}
    assert days[2] - days[0] == timedelta(days=14)
    assert (await deep_research("schedule", "pause", "contexts")).out == "contexts is paused\n"
    assert "paused" in (await deep_research("schedule", "next")).out
    fired = await deep_research("schedule", "fire", "contexts")
    assert (fired.status, fired.err) == (0, "contexts is paused: nothing was done\n")
    await deep_research("schedule", "resume", "contexts")
    assert "[schedules.contexts]" in (tmp_path / "schedules.toml").read_text()
    assert (await deep_research("schedule", "remove", "contexts")).status == 0
    assert (await deep_research("schedule", "list")).out == ""


async def test_what_is_wrong_with_a_schedule_is_one_line_with_a_mend(
    deep_research: Run, tmp_path: Path
) -> None:
    for words, told in (
        (("--cron", "0 7 * *"), "cron: '0 7 * *' is no cron expression of 5 fields - give minute"),
        (("--cron", "0 7 * * 1", "--timezone", "Mars"), "timezone: no time zone 'Mars' - give one"),
        (("--cron", "0 7 * * 1", "--jitter", "x"), "jitter: 'x' is none - write 90s"),
    ):
        done = await deep_research("schedule", "add", TOPIC, *words)
        assert done.status == 2
        assert told in done.err
        assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "schedules.toml").exists()
    (tmp_path / "other.toml").write_text("version = 1\n[schedules.x]\ntopic = 'x'\ncorn = ''\n")
    done = await deep_research("schedule", "list", DEEP_RESEARCH_SCHEDULES="other.toml")
    assert "other.toml, line 2, schedule x: cron: is missing - add cron" in done.err


async def test_a_fire_makes_a_report_in_the_folder_of_its_series(
    deep_research: Run, contract: Callable[[Path], dict[str, Any]], tmp_path: Path
) -> None:
    await deep_research(*ADD)
    async with DemoWorld() as world:
        done = await deep_research("schedule", "fire", "contexts", "--quiet", **within(world))
    assert done.status == 0, done.err
    folder = tmp_path / done.out.strip()
    assert folder.parent == tmp_path / "runs" / "contexts"
    assert (folder / "report.md").is_file()
    report = contract(folder)
    assert report["sections"]
    shown = (await deep_research("schedule", "show", "contexts", "--json")).line
    assert [(one["status"], one["run"]) for one in shown["fires"]] == [("complete", folder.name)]
    assert folder.name in (await deep_research("schedule", "show", "contexts")).out
    assert FireLog(tmp_path / "schedules.toml").predecessor("contexts") == folder.name


@pytest.fixture
def writing() -> asyncio.Event:
    """Set when the model is asked to write."""
    return asyncio.Event()


@pytest.fixture
def stuck(honest_model: Callable[[Asked], str], writing: asyncio.Event) -> Any:
    """A model that refines, and never answers again."""

    def model(asked: Asked) -> Reply | str:
        if "Write the outline" in asked.prompt:
            writing.set()
        form = asked.payload["response_format"]["json_schema"]["name"]  # type: ignore[index]
        return honest_model(asked) if form == "BriefReply" else Reply(stall=60)

    return model


async def test_the_first_signal_has_what_goes_on_written_and_verified(
    deep_research: Run, tmp_path: Path, stuck: Any, writing: asyncio.Event
) -> None:
    await deep_research(*ADD)
    log = overdue(tmp_path)
    async with DemoWorld() as world, ScriptedGateway(stuck) as gateway:
        model = {"GATEWAY_BASE_URL": gateway.base_url, "GATEWAY_MODEL": "m"}
        process = await started(tmp_path, **within(world), **model)
        await asyncio.wait_for(writing.wait(), 30)
        busy = await deep_research("schedule", "fire", "contexts")
        assert busy.status == 1
        assert "is working on the schedule contexts - wait for it, or stop it" in busy.err
        process.send_signal(signal.SIGTERM)
        _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, err.decode()
    assert "stopping: what was found is written and verified" in err.decode()
    (fired,) = log.fires("contexts", 9)
    assert fired.status == "partial"
    assert fired.reason.startswith("the scheduler was stopped")
    report = json.loads((tmp_path / "runs" / "contexts" / fired.run / "report.json").read_text())
    assert [claim for section in report["sections"] for claim in section["claims"]]


async def test_what_was_missed_is_made_up_for_and_a_killed_process_leaves_it_to_the_next(
    deep_research: Run, tmp_path: Path, stuck: Any, writing: asyncio.Event
) -> None:
    await deep_research(*ADD)
    log = overdue(tmp_path)
    async with DemoWorld() as world:
        async with ScriptedGateway(stuck) as gateway:
            model = {"GATEWAY_BASE_URL": gateway.base_url, "GATEWAY_MODEL": "m"}
            process = await started(tmp_path, **within(world), **model)
            await asyncio.wait_for(writing.wait(), 30)
            process.kill()
            await process.communicate()
        shown = await deep_research("schedule", "list")
        assert "killed" in shown.out
        process = await started(tmp_path, **within(world))
        assert "1 schedules in schedules.toml" in await said(process, "")
        await said(process, "contexts  taken up again, due ")
        line = await said(process, ": runs/contexts/")
        process.send_signal(signal.SIGTERM)
        out, _ = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, out) == (0, b"")
    (fired,) = log.fires("contexts", 9)
    series = tmp_path / "runs" / "contexts"
    folder = (series / "latest").resolve()
    assert {path.name for path in series.iterdir()} == {folder.name, "latest", "feed.xml"}
    assert (folder / "report.md").is_file()
    assert fired.run == folder.name
    assert line.strip().endswith(f"runs/contexts/{folder.name}")


async def test_what_is_exported_is_written_where_it_is_wanted(
    deep_research: Run, tmp_path: Path
) -> None:
    await deep_research(*ADD, "--timezone", "Europe/Berlin")
    done = await deep_research("schedule", "export", "systemd", "--into", "units", TZ="UTC")
    assert done.out.splitlines() == [
        "units/deep-research-contexts.service",
        "units/deep-research-contexts.timer",
    ]
    service = (tmp_path / "units" / "deep-research-contexts.service").read_text()
    assert f'"schedule" "fire" "contexts" "--file" "{tmp_path}/schedules.toml"' in service
    printed = await deep_research("schedule", "export", "systemd")
    assert "OnCalendar=Mon *-*-* 07:00:00 Europe/Berlin\n" in printed.out
    refused = await deep_research("schedule", "export", "cron", TZ="UTC")
    assert refused.status == 2
    line = await deep_research("schedule", "export", "cron", TZ="Europe/Berlin")
    assert line.out.startswith(f"0 7 * * 1 cd {tmp_path} && ")
