"""A run that is told to stop, by a signal or by its limits, ends in a verified report."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.demo.world import DemoWorld
from gateway_client.testing import Asked, Reply, ScriptedGateway

QUESTION = "Does long context replace retrieval?"
Model = Callable[[Asked], Reply | str]


@pytest.fixture
def writing() -> asyncio.Event:
    """Set when the model is asked to write."""
    return asyncio.Event()


@pytest.fixture
def stuck(honest_model: Callable[[Asked], str], writing: asyncio.Event) -> Model:
    """A model that refines, and never answers again."""

    def model(asked: Asked) -> Reply | str:
        if "Write the outline" in asked.prompt:
            writing.set()
        form = asked.payload["response_format"]["json_schema"]["name"]  # type: ignore[index]
        return honest_model(asked) if form == "BriefReply" else Reply(stall=60)

    return model


async def process(world: DemoWorld, gateway: ScriptedGateway, folder: Path, *words: str) -> Any:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from agent.cli import main; main()", "run", QUESTION, *words,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"], "HOME": str(folder),
            "DEEP_RESEARCH_SEARXNG_URL": world.searxng_url,
            "DEEP_RESEARCH_ARXIV_URL": world.arxiv_url,
            "DEEP_RESEARCH_ALLOW_HOSTS": world.host,
            "GATEWAY_BASE_URL": gateway.base_url, "GATEWAY_MODEL": "m",
        },
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


def report_in(folder: Path) -> dict[str, Any]:
    (found,) = (folder / "runs").glob("*/report.json")
    report: dict[str, Any] = json.loads(found.read_text("utf-8"))
    return report


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_first_signal_has_what_was_read_written_and_verified(
    tmp_path: Path, stuck: Model, writing: asyncio.Event, number: signal.Signals
) -> None:
    async with DemoWorld() as world, ScriptedGateway(stuck) as gateway:
        run = await process(world, gateway, tmp_path)
        await asyncio.wait_for(writing.wait(), 30)
        run.send_signal(number)
        _, err = await asyncio.wait_for(run.communicate(), 30)
    assert run.returncode == 3, err.decode()
    assert "stopping: what was found is written and verified" in err.decode()
    report = report_in(tmp_path)
    assert report["run"]["status"] == "partial"
    assert "stopped by hand" in report["run"]["reason"]
    assert [claim for section in report["sections"] for claim in section["claims"]]


async def test_the_second_signal_ends_it_and_leaves_what_can_be_resumed(
    tmp_path: Path, stuck: Model, writing: asyncio.Event
) -> None:
    async with DemoWorld() as world, ScriptedGateway(stuck) as gateway:
        run = await process(world, gateway, tmp_path)
        await asyncio.wait_for(writing.wait(), 30)
        run.send_signal(signal.SIGINT)
        run.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(run.communicate(), 30)
    if run.returncode == 130:  # else the report was ready before the second came
        assert "resume" in err.decode()
        assert list((tmp_path / "runs").glob(".*.unfinished/0-request.json"))
    else:
        assert run.returncode == 3, err.decode()


async def test_a_limit_of_time_ends_it_in_a_verified_report(tmp_path: Path, stuck: Model) -> None:
    async with DemoWorld() as world, ScriptedGateway(stuck) as gateway:
        run = await process(world, gateway, tmp_path, "--max-minutes", "0.08")
        _, err = await asyncio.wait_for(run.communicate(), 40)
    assert run.returncode == 3, err.decode()
    report = report_in(tmp_path)
    assert "minutes" in report["run"]["reason"]
    assert [claim for section in report["sections"] for claim in section["claims"]]


@pytest.mark.parametrize("most", [2_000, 40_000, 150_000])
async def test_a_limit_of_tokens_is_never_passed_and_ends_in_a_verified_report(
    tmp_path: Path, honest_model: Callable[[Asked], str], most: int
) -> None:
    async with DemoWorld() as world, ScriptedGateway(honest_model) as gateway:
        run = await process(world, gateway, tmp_path, "--max-tokens", str(most))
        _, err = await asyncio.wait_for(run.communicate(), 40)
    assert run.returncode in {0, 3}, err.decode()
    report = report_in(tmp_path)
    assert report["usage"]["input_tokens"] + report["usage"]["output_tokens"] <= most
    assert [claim for section in report["sections"] for claim in section["claims"]]
    assert (run.returncode == 0) is (report["run"]["status"] == "complete")
    assert "this may take about 486,000 tokens, before any cache" in err.decode()
