from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from agent.domain.question import Question
from agent.doors.asking import Asked
from agent.doors.delivery import Delivery
from agent.doors.schedules.book import Schedule
from agent.doors.schedules.fires import Fire
from agent.doors.schedules.firing import fire
from agent.doors.schedules.rule import Rule
from agent.running import NOBODY

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.delta.conftest import Begun

MONDAY = datetime(2026, 3, 2, 7, tzinfo=UTC)


def due(begun: Begun, deliver: Delivery) -> Fire:
    topic = begun.first.run.question.text
    asked = Asked(
        Question(topic, sources=("web", "scholar")), begun.settings, ("md", "html", "json")
    )
    rule = Rule("0 7 * * 1", "UTC")
    schedule = Schedule(
        name="weekly",
        topic=topic,
        rule=rule,
        jitter=timedelta(),
        is_paused=False,
        is_anew=False,
        delivery=deliver,
        options={},
        asked=asked,
    )
    return Fire(schedule, MONDAY, MONDAY, begun.settings.out)


async def test_a_fire_goes_on_from_the_last_report_of_its_series_publishes_and_delivers(
    begun: Begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GATEWAY_BASE_URL", raising=False)
    del begun.web.pages["fire"]
    got = tmp_path / "got"
    program = f"import sys; open({str(got)!r}, 'w').write(sys.stdin.read())"
    deliver = Delivery(command=(sys.executable, "-c", program))
    report = await fire(due(begun, deliver), NOBODY)
    assert report.predecessor is not None
    assert report.predecessor.run == begun.first.run.id
    assert [change.kind for change in report.changes] == ["withdrawn"]
    series = begun.settings.out
    assert (series / "latest" / "report.json").is_file()
    assert (series / "latest").resolve().name == report.run.id
    assert (series / "feed.xml").read_text().count("<entry>") == 2
    told = json.loads(got.read_text())
    assert (told["series"], told["run"]["id"]) == ("weekly", report.run.id)


async def test_what_cannot_be_delivered_fails_no_fire(begun: Begun) -> None:
    report = await fire(due(begun, Delivery(command=("no-such-program",))), NOBODY)
    record = begun.settings.out / report.run.id / "deliveries.json"
    assert "cannot be run" in json.loads(record.read_text())[0]["problem"]
