"""Schedules without a machine: a clock to set, a file, and runs that only say they ran."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent import rendering
from agent.cli.asking import asked
from agent.domain.changes import Change, Predecessor, Quoted
from agent.domain.evidence import Source
from agent.domain.question import Brief, Question
from agent.domain.report import Citation, Claim, Report, Run, Section, Usage
from agent.doors.schedules.book import Book
from agent.doors.schedules.fire_log import FireLog
from agent.doors.schedules.fires import Fire
from agent.doors.schedules.keeper import Keeper
from agent.rendering.step_files import run_file
from agent.running import Host

TOPIC = "sodium-ion batteries"


@dataclass
class SetClock:
    """A clock that stands still until it is set."""

    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()


@dataclass(frozen=True)
class Made:
    """A fire that a machine made."""

    name: str
    due: datetime
    began: datetime


@dataclass
class Machine:
    """One machine, or several on one disk: each keeper is a process of its own."""

    folder: Path
    clock: SetClock = field(default_factory=SetClock)
    made: list[Made] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)
    work: Callable[[Fire], None] = lambda _: None

    @property
    def book(self) -> Book:
        return Book(self.folder / "schedules.toml", asked)

    @property
    def log(self) -> FireLog:
        return FireLog(self.book.path)

    def add(self, name: str, cron: str, timezone: str = "UTC", **more: object) -> None:
        self.book.add(name, {"topic": TOPIC, "cron": cron, "timezone": timezone, **more})

    def keeper(self, at_once: int = 9) -> Keeper:
        return Keeper(
            self.book,
            self.log,
            self.run,
            clock=self.clock,
            say=lambda name, text: self.said.append((name, text)),
            at_once=at_once,
        )

    async def run(self, fire: Fire, host: Host) -> Report:
        self.made.append(Made(fire.schedule.name, fire.due, fire.began))
        self.work(fire)
        return report(fire, len(self.made))

    async def look(self, keeper: Keeper, after: timedelta = timedelta(0)) -> None:
        """Let time pass, and what is due then be made."""
        self.clock.at += after
        keeper.look()
        await keeper.settle()

    def dues(self, name: str) -> list[datetime]:
        return [one.due for one in self.made if one.name == name]


def report(fire: Fire, number: int) -> Report:
    question = fire.schedule.asked.question
    return Report(
        run=Run(f"run-{number}", question, fire.began, fire.began, "complete"),
        brief=Brief(question.text, "en", (), (), ()),
        sections=(), dropped=(), gaps=(), sources=(), failures=(),
        usage=Usage(), seconds_by_stage={},
    )  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


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
