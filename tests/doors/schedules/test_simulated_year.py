"""A year of a machine that sleeps, starts anew, pauses, and whose clock is set back."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from agent.doors.schedules.rule import Rule

END = datetime(2027, 1, 1, tzinfo=UTC)
SCHEDULES = {
    "weekly": ("0 7 * * 1", "Europe/Berlin"),
    "nightly": ("30 2 * * *", "America/New_York"),
    "half-days": ("15 1,13 * * *", "Australia/Lord_Howe"),
}
LONGEST_STEP = timedelta(hours=11)
"""Shorter than the time between any two fires of a schedule, so that none is missed awake."""

Span = tuple[datetime, datetime]


def times(name: str, begin: datetime) -> list[datetime]:
    expression, timezone = SCHEDULES[name]
    return list(takewhile(lambda time: time < END, Rule(expression, timezone).after(begin)))


def is_within(time: datetime, spans: list[Span]) -> bool:
    return any(begin < time <= end for begin, end in spans)


async def test_each_due_fire_is_made_exactly_once_or_made_up_for_by_one(machine: Any) -> None:
    for name, (cron, timezone) in SCHEDULES.items():
        machine.add(name, cron, timezone)
    chance = random.Random(1)  # noqa: S311 - the same year each time
    clock = machine.clock
    keepers = [machine.keeper(), machine.keeper()]  # two processes on one file
    await machine.look(keepers[0])
    slept: list[Span] = []
    rested: list[Span] = []

    async def sleep() -> None:
        begin = clock.at
        await machine.look(keepers[0], timedelta(days=chance.uniform(0.5, 9)))
        slept.append((begin, clock.at))

    async def start_anew() -> None:
        keepers[chance.randrange(2)] = machine.keeper()

    async def rest() -> None:
        begin = clock.at
        machine.book.pause("nightly")
        for _ in range(chance.randrange(1, 20)):
            await machine.look(chance.choice(keepers), chance.random() * LONGEST_STEP)
        machine.book.resume("nightly")
        await machine.look(keepers[0])
        rested.append((begin, clock.at))

    async def set_the_clock_back() -> None:
        clock.at -= timedelta(hours=chance.uniform(0, 8))

    happenings: list[Callable[[], Any]] = [sleep, start_anew, rest, set_the_clock_back]
    while clock.at < END - timedelta(days=10):
        await machine.look(chance.choice(keepers), chance.random() * LONGEST_STEP)
        if chance.random() < 0.04:
            await chance.choice(happenings)()

    for name in SCHEDULES:
        passed_over = rested if name == "nightly" else []
        hold(name, machine, slept, passed_over)
    assert len(slept) > 5
    assert len(rested) > 5


def hold(name: str, machine: Any, slept: list[Span], rested: list[Span]) -> None:
    """Hold the fires of a schedule to the law, given when it could not or should not be made."""
    made = [one for one in machine.made if one.name == name]
    dues = [one.due for one in made]
    assert len(set(dues)) == len(dues)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    meant = {time for time in times(name, begin) if time < machine.clock.at}
    assert set(dues) <= meant
    for time in meant - set(dues):
        made_up_for = any(one.due < time <= one.began for one in made)
        assert (made_up_for and is_within(time, slept)) or is_within(time, rested), time
    for sleep in slept:
        assert sum(is_within(due, [sleep]) for due in dues) <= 1, "what was missed is one fire"
    assert not any(is_within(due, rested) for due in dues)


async def test_a_year_awake_makes_every_fire_and_through_jitter_too(machine: Any) -> None:
    cron, timezone = SCHEDULES["nightly"]
    machine.add("nightly", cron, timezone, jitter="20m")
    keeper = machine.keeper()
    await machine.look(keeper)
    begin = machine.clock.at
    while machine.clock.at < END + timedelta(hours=1):
        await machine.look(keeper, timedelta(hours=19, minutes=7))
    assert [due for due in machine.dues("nightly") if due < END] == times("nightly", begin)
    assert all(one.began >= one.due for one in machine.made)
