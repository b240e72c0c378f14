from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent import rendering
from agent.domain.changes import Change, Predecessor, Quoted
from agent.domain.evidence import Source
from agent.domain.question import Brief, Question
from agent.domain.report import Citation, Claim, Report, Run, Section, Usage
from agent.rendering.step_files import run_file

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOSTILE = "Cells <script>alert(1)</script> & ]]> cost 79 dollars\x07."

Publish = Callable[..., Report]


def _report(number: int, kinds: tuple[str, ...], topic: str) -> Report:
    """Return the report of one week: the first has no predecessor, whatever the kinds."""
    finished = NOON + timedelta(weeks=number)
    source = Source(
        "S1", "web", "https://a.example/x?a=1&b=2", "Prices <b>", "a" * 64, finished, ((0, 9),)
    )
    quoted = Quoted(HOSTILE, source.title, source.url, finished, source.sha256, 0, 9)
    changes = tuple(
        Change(kind, HOSTILE, before=(quoted,), after=(quoted,), claims=("c1",))  # type: ignore[arg-type]
        for kind in kinds
    )
    claim = Claim("c1", HOSTILE, "held", (Citation("S1", "S1.1", HOSTILE, 0, 9),))
    return Report(
        run=Run(
            id=f"2026-03-0{number}-batteries-00000{number}",
            question=Question(topic),
            started=finished - timedelta(minutes=3),
            finished=finished,
            status="complete",
        ),
        brief=Brief("What do sodium & salt cost?", "en", (), ("cost",), ()),
        sections=(Section("Costs", (), (claim,)),),
        dropped=(),
        gaps=(),
        sources=(source,),
        failures=(),
        usage=Usage(),
        seconds_by_stage={},
        predecessor=Predecessor("before", finished - timedelta(weeks=1)) if number else None,
        changes=changes if number else (),
    )


@pytest.fixture
def finish(tmp_path: Path) -> Publish:
    """Make the finished run of a week in the folder ``series``, and return its report."""

    def made(number: int, *kinds: str, topic: str = "batteries") -> Report:
        report = _report(number, kinds, topic)
        folder = tmp_path / "series" / report.run.id
        folder.mkdir(parents=True)
        for name, data in rendering.files(report).items():
            (folder / name).write_bytes(data)
        (folder / "run.json").write_text(run_file(report))
        return report

    return made
