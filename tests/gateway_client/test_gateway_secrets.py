"""A key never shows: not in an error, a log, a span, an output, however a call fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMAND = Path(__file__).parents[2] / "benchmarks" / "gateway_secrets.py"


def found(*options: str) -> dict[str, Any]:
    """Run the command with everything; its own warnings and logs are among what it looks at."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, COMMAND, *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_no_way_to_fail_shows_a_key() -> None:
    said = found()
    assert said["found_in"] == []
    assert said["occurrences"] == 0
    assert said["paths"] >= 30
    assert said["artefacts"] >= 1_000


def test_a_key_would_be_found_in_every_kind_of_artefact() -> None:
    assert {one.removeprefix("planted: ") for one in found("--plant")["found_in"]} == {
        "log of planted",
        "span planted",
        "traceback of planted",
        "str, repr and vars of GatewayError of planted",
        "pickle of GatewayError of planted",
        "percent",
        "escaped",
        "base64",
    }
