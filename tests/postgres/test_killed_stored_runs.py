import json
import os
import subprocess
import sys
from pathlib import Path

HARNESS = Path(__file__).parents[2] / "benchmarks" / "stored_durability.py"
FEW = ["--every", "80", "--random", "1", "--duels", "0", "--pauses", "1", "--restarts", "1"]


def test_whatever_becomes_of_processes_or_the_database_each_run_ends_in_one_report() -> None:
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, str(HARNESS), *FEW],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    tally = json.loads(done.stdout)
    assert tally["failed"] == [], done.stderr
    assert tally["kills"] >= 3
    assert tally["gone_on"] >= 3
    assert tally["different_reports"] == 0
    assert tally["journalled_calls_repeated"] == 0
    assert tally["most_in_flight"] <= 3  # sections are written side by side
    assert tally["paused"] == 1
    assert tally["woken_that_wrote"] == 0
    assert tally["woken_that_paid"] == 0
    assert tally["restarts"] == 2
    assert tally["runs_lost_by_restarts"] == 0
