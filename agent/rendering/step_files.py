"""The files of a run that are for looking over its shoulder: one per step, and run.json."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.domain.evidence import Evidence
    from agent.domain.question import Brief
    from agent.domain.report import Draft, Report, Verified


def step_file(value: Brief | Evidence | Draft | Verified) -> str:
    """Return what one stage made, as JSON."""
    return _json(asdict(value))


def result_line(report: Report, path: Path) -> str:
    """Return how a run ended and where its folder is, as one line of JSON."""
    seconds = (report.run.finished - report.run.started).total_seconds()
    result = {
        "run_id": report.run.id,
        "status": report.run.status,
        "path": str(path),
        "claims": len(report.claims),
        "sources": len(report.cited),
        "usd": float(report.usage.usd),
        "seconds": round(seconds, 3),
    }
    return json.dumps(result, ensure_ascii=False) + "\n"


def manifest(files: Mapping[str, bytes]) -> str:
    """Return the names, sizes and digests of the files that were rendered, as JSON."""
    return _json(
        {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files.items()
        }
    )


def run_file(report: Report) -> str:
    """Return what the run was asked and how it ended, as JSON."""
    return _json(
        {
            "schema": "deep-research/run/1",
            **asdict(report.run),
            "claims": len(report.claims),
            "dropped": len(report.dropped),
            "sources": len(report.cited),
            "usd": float(report.usage.usd),
            "seconds": round((report.run.finished - report.run.started).total_seconds(), 3),
        }
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n"
