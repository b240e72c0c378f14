import json
import os
import subprocess
import sys
from pathlib import Path

HARNESS = Path(__file__).parents[2] / "benchmarks" / "durability.py"


def test_runs_killed_anywhere_end_in_the_same_report_and_no_call_is_paid_twice() -> None:
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, str(HARNESS), "--every", "19", "--random", "2", "--duels", "3"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    tally = json.loads(done.stdout)
    assert tally["failed"] == [], done.stderr
    assert tally["kills"] >= 9
    assert tally["resumed"] >= 6
    assert tally["different_reports"] == 0
    assert tally["journalled_calls_repeated"] == 0
    assert tally["most_in_flight"] <= 3  # sections are written side by side
    assert tally["duels_with_calls_repeated"] == 0
    assert tally["duels_without_one_report"] == 0
