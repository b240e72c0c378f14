"""Schedules without a machine: a clock to set, a file, and runs that only say they ran."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.cli.asking import asked
from agent.domain.question import Brief
from agent.domain.report import Report, Run, Usage
from agent.doors.schedules.book import Book
from agent.doors.schedules.fire_log import FireLog
from agent.doors.schedules.fires import Fire
from agent.doors.schedules.keeper import Keeper
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
