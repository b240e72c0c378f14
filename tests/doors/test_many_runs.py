import json
import os
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "many_runs.py"


def test_runs_side_by_side_all_end_and_hold_up_neither_each_other_nor_the_machine() -> None:
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, str(BENCHMARK), "--runs", "8"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    told = json.loads(done.stdout)
    assert told["failures"] == []
    assert told["ended"] == {"complete": 8}
    assert told["sources_read_a_run"] >= 20
    assert told["largest_mb"] <= 500
    assert told["loop_late_ms"]["p99"] <= 250  # 60 where nothing else runs
