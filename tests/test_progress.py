import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from agent.domain.events import Event, event_line
from agent.progress import Tally, teller


def tell_all(*, quiet: bool) -> None:
    with teller(quiet=quiet) as watcher:
        tell = watcher.tell
        tell(Event("refine", "started", "started"))
        tell(Event("refine", "3 [bold]queries"))
        tell(Event("retrieve", "started", "started"))
        tell(Event("retrieve", "failed: x", "failed"))


def test_a_log_gets_one_plain_line_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    tell_all(quiet=False)
    assert capsys.readouterr().err.splitlines()[:2] == [
        "refine      started", "refine      3 [bold]queries"
    ]  # fmt: skip


def test_a_terminal_keeps_one_line_a_stage_and_every_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    tell_all(quiet=False)
    shown = capsys.readouterr().err
    assert "3 [bold]queries" in shown
    assert "failed: x" in shown


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    tell_all(quiet=True)
    assert capsys.readouterr().err == ""


def test_a_tally_sums_up_what_events_tell() -> None:
    at = iter([0.0, 65.0])
    tally = Tally(most_usd=Decimal("1.00"), seconds=lambda: next(at))
    tally.add(Event("retrieve", "a", counts={"searches": 1}))
    tally.add(Event("retrieve", "b", counts={"searches": 1, "pages": 3}))
    tally.add(Event("verify", "c", counts={"held": 5}, tokens=12_000, usd=Decimal("0.125")))
    assert tally.line() == (
        "2 searches · 3 pages read · 5 held · 12,000 tokens · $0.12 of $1.00 · 1:05"
    )


def test_the_time_left_is_that_of_earlier_runs_and_not_said_at_the_beginning() -> None:
    now = [0.0]
    shares = {"refine": 0.05, "retrieve": 0.45, "synthesize": 0.4, "verify": 0.1}
    tally = Tally(shares, seconds=lambda: now[0])
    now[0] = 30.0
    tally.add(Event("retrieve", "started", "started"))
    assert "left" not in tally.line()
    tally.add(Event("synthesize", "started", "started"))
    assert tally.line().endswith("0:30, about 0:30 left")


def test_an_event_is_one_line_of_json() -> None:
    event = Event("retrieve", "read ¶\n“A”", counts={"pages": 1}, tokens=7, usd=Decimal("0.5"))
    line = event_line(event, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert line.count("\n") == 1
    assert json.loads(line) == {
        "at": "2026-01-02T03:04:05.000+00:00",
        "stage": "retrieve",
        "kind": "note",
        "text": "read ¶\n“A”",
        "counts": {"pages": 1},
        "tokens": 7,
        "usd": 0.5,
    }
