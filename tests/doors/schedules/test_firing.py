"""Fires of one schedule, on the demo world: each goes on from the one before."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.cli.asking import asked
from agent.demo.world import DemoWorld
from agent.doors.schedules.book import Book
from agent.doors.schedules.fires import Fire
from agent.doors.schedules.firing import fire
from agent.running import Host

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


async def test_a_fire_goes_on_from_the_one_before_and_delivers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told.jsonl"
    command = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + '\\n')"
    async with DemoWorld() as world:
        for name, value in {
            "SEARXNG_URL": world.searxng_url,
            "ARXIV_URL": world.arxiv_url,
            "ALLOW_HOSTS": world.host,
            "ENGINES": "searxng,arxiv",
            "CACHE": str(tmp_path / "cache"),
        }.items():
            monkeypatch.setenv(f"DEEP_RESEARCH_{name}", value)
        book = Book(tmp_path / "schedules.toml", asked)
        added = book.add(
            "contexts",
            {
                "topic": "Do long context windows replace retrieval?",
                "cron": "0 7 * * 1",
                "depth": 1,
                "deliver": {"command": [sys.executable, "-c", command]},
            },
        )
        series = tmp_path / "runs" / "contexts"
        first = await fire(Fire(added, NOON, NOON, series), Host())
        second = await fire(Fire(added, NOON, NOON, series), Host())
    assert first.predecessor is None
    assert second.predecessor is not None
    assert second.predecessor.run == first.run.id
    assert second.changes == ()
    assert second.usage.calls == 0
    assert (series / "latest").resolve().name == second.run.id
    assert (series / "feed.xml").read_text(encoding="utf-8").count("<entry>") == 2
    deliveries = [
        json.loads(line) for line in told.read_text(encoding="utf-8").splitlines() if line
    ]
    assert [one["run"]["id"] for one in deliveries] == [first.run.id, second.run.id]
    assert [one["series"] for one in deliveries] == ["contexts", "contexts"]
