"""What is delivered: a report, where its files are, and the same as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.errors import DeepResearchError
from agent.rendering.feed import headline
from agent.rendering.json_report import as_json

if TYPE_CHECKING:
    from pathlib import Path

    from agent.domain.report import Report

SCHEMA = "deep-research/delivery/1"


class Undelivered(DeepResearchError):
    """A report could not be delivered by one of its ways."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A finished report on its way; ``series`` is the name of its schedule."""

    report: Report
    folder: Path
    series: str

    def as_json(self) -> bytes:
        """Return what programs are told: how the run ended, and every change with its evidence."""
        whole = json.loads(as_json(self.report))
        told = {
            "schema": SCHEMA,
            "series": self.series,
            "headline": headline(self.report),
            "run": whole["run"],
            "predecessor": whole["predecessor"],
            "changes": whole["changes"],
            "summary": whole["summary"],
            "claims": len(self.report.claims),
            "sources": len(self.report.cited),
            "usd": whole["usage"]["usd"],
        }
        return json.dumps(told, ensure_ascii=False).encode()
