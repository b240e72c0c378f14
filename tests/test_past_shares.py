import json
from pathlib import Path

import pytest

from agent.past_runs import LATEST, shares


def finished(out: Path, name: str, stages: object) -> None:
    folder = out / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    (folder / "report.json").write_text(json.dumps({"timing": {"by_stage": stages}}))


def test_the_latest_runs_say_which_part_of_its_time_each_stage_takes(tmp_path: Path) -> None:
    assert shares(tmp_path) == {}
    finished(tmp_path, "a", {"refine": 1.0, "retrieve": 3.0})
    finished(tmp_path, "b", {"retrieve": 4.0})
    finished(tmp_path, "torn", None)
    assert shares(tmp_path) == pytest.approx({"refine": 0.125, "retrieve": 0.875})


def test_no_more_than_the_latest_runs_are_asked(tmp_path: Path) -> None:
    finished(tmp_path, "old", {"refine": 100.0})
    for number in range(LATEST):
        finished(tmp_path, f"run-{number}", {"render": 1.0})
    assert shares(tmp_path) == {"render": 1.0}
