"""The keeper of schedules: alone at each, whatever goes wrong, and gone in good order."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.doors.schedules import fires
from agent.doors.schedules.fires import Fire
from agent.errors import InvalidSchedule, ModelUnavailable, RunBusy
from agent.running import NOBODY, Host
from agent.stages.limits import Brake

HOUR = timedelta(hours=1)


@pytest.fixture
def hourly(machine: Any) -> Any:
    """A machine with one schedule, due in an hour."""
    machine.add("hourly", "0 * * * *")
    return machine


class Gate:
    """Work that waits to be let on; what it is told by its brake is kept."""

    def __init__(self, machine: Any) -> None:
        self.machine = machine
        self.is_open = asyncio.Event()
        self.is_reached = asyncio.Event()
        self.at_once = self.most_at_once = 0
        self.why = ""

    async def run(self, fire: Fire, host: Host) -> Any:
        self.at_once += 1
        self.is_reached.set()
        self.most_at_once = max(self.most_at_once, self.at_once)
        braked = asyncio.ensure_future(host.brake.pulled("write")) if host.brake else None
        opened = asyncio.ensure_future(self.is_open.wait())
        try:
            waited = {opened, braked} if braked else {opened}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            self.why = braked.result() if braked and braked.done() else ""
            return await self.machine.run(fire, host)
        finally:
            self.at_once -= 1
            for task in filter(None, (braked, opened)):
                task.cancel()


@pytest.fixture
def gate(machine: Any) -> Gate:
    return Gate(machine)


async def started(gate: Gate) -> None:
    await asyncio.wait_for(gate.is_reached.wait(), 5)


def keeper(machine: Any, gate: Gate, at_once: int = 9) -> Any:
    made = machine.keeper(at_once)
    made._work = gate.run  # noqa: SLF001 - the one thing that differs
    return made


async def test_a_new_schedule_is_due_from_when_it_is_first_seen(hourly: Any) -> None:
    keeper = hourly.keeper()
    hourly.clock.at += timedelta(days=3)
    await hourly.look(keeper)
    assert hourly.made == []
    await hourly.look(keeper, HOUR)
    assert len(hourly.made) == 1


async def test_other_times_hold_from_when_they_are_first_seen(hourly: Any) -> None:
    keeper = hourly.keeper()
    await hourly.look(keeper)
    path = hourly.book.path
    path.write_text(path.read_text().replace("0 * * * *", "*/10 * * * *"))
    hourly.clock.at += timedelta(minutes=59)
    await hourly.look(keeper)
    assert hourly.made == []
    await hourly.look(keeper, timedelta(minutes=1))
    assert len(hourly.made) == 1


async def test_a_clock_that_was_years_ahead_does_not_silence_a_schedule(hourly: Any) -> None:
    keeper = hourly.keeper()
    await hourly.look(keeper)
    await hourly.look(keeper, timedelta(days=4_000))
    hourly.clock.at = datetime(2026, 1, 2, tzinfo=UTC)
    await hourly.look(keeper)
    await hourly.look(keeper, HOUR)
    assert hourly.dues("hourly")[-1] == datetime(2026, 1, 2, 1, tzinfo=UTC)


async def test_two_keepers_at_once_make_a_fire_once(hourly: Any, gate: Gate) -> None:
    keepers = [keeper(hourly, gate), keeper(hourly, gate)]
    keepers[0].look()
    hourly.clock.at += HOUR
    for one in keepers:
        one.look()
    await started(gate)
    gate.is_open.set()
    for one in keepers:
        await one.settle()
        one.look()
        await one.settle()
    assert gate.most_at_once == 1
    assert len(hourly.made) == 1


async def test_a_keeper_that_comes_late_looks_again_before_it_fires(hourly: Any) -> None:
    keepers = [hourly.keeper(), hourly.keeper()]
    await hourly.look(keepers[0])
    hourly.clock.at += HOUR
    for one in keepers:
        one.look()  # both see that it is due; the work of the first is done before the second's
    for one in keepers:
        await one.settle()
    assert len(hourly.made) == 1


async def test_fires_of_one_schedule_never_overlap_and_what_came_due_meanwhile_is_one(
    hourly: Any, gate: Gate
) -> None:
    one = keeper(hourly, gate)
    one.look()
    hourly.clock.at += HOUR
    one.look()
    await started(gate)
    for _ in range(3):
        hourly.clock.at += HOUR
        one.look()
    with pytest.raises(RunBusy, match="is working on the schedule hourly"):
        await hourly.keeper().fire("hourly", NOBODY)
    gate.is_open.set()
    await one.settle()
    one.look()
    await one.settle()
    assert gate.most_at_once == 1
    assert [due.hour for due in hourly.dues("hourly")] == [1, 2]
    await hourly.look(one)
    assert len(hourly.made) == 2


async def test_only_so_many_runs_go_on_at_a_time(machine: Any, gate: Gate) -> None:
    for number in range(5):
        machine.add(f"s{number}", "0 * * * *")
    one = keeper(machine, gate, at_once=2)
    one.look()
    machine.clock.at += HOUR
    one.look()
    await started(gate)
    gate.is_open.set()
    await one.settle()
    assert gate.most_at_once == 2
    assert len(machine.made) == 5


async def test_a_stop_brakes_what_goes_on_and_begins_nothing_more(machine: Any, gate: Gate) -> None:
    machine.add("one", "0 * * * *")
    machine.add("two", "0 * * * *")
    one, stop = keeper(machine, gate, at_once=1), Brake()
    one.look()
    machine.clock.at += HOUR
    keeping = asyncio.ensure_future(one.keep(stop))
    await started(gate)
    stop.pull("enough")
    await asyncio.wait_for(keeping, 5)
    assert gate.why == "the scheduler was stopped"
    assert len(machine.made) == 1
    await machine.look(machine.keeper())
    assert len(machine.made) == 2, "what had to wait is due still"


async def test_a_keeper_that_is_broken_off_says_so_of_the_fire(hourly: Any, gate: Gate) -> None:
    one = keeper(hourly, gate)
    one.look()
    hourly.clock.at += HOUR
    keeping = asyncio.ensure_future(one.keep(Brake()))
    await started(gate)
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    (fired,) = hourly.log.fires("hourly", 9)
    assert fired.status == "stopped"
    await hourly.look(hourly.keeper())
    assert hourly.made == []


async def test_a_fire_whose_process_was_killed_is_taken_up_once(hourly: Any) -> None:
    keeper = hourly.keeper()
    await hourly.look(keeper)
    hourly.clock.at += HOUR
    schedule = hourly.book.schedule("hourly")
    fire = Fire(schedule, hourly.clock.at, hourly.clock.at, hourly.folder)
    taken_up: list[Fire] = []
    hourly.work = taken_up.append
    seen = hourly.log.seen("hourly")
    hourly.log.begin(fire, type(seen)(seen.times, hourly.clock.at))
    for _ in range(2):
        await hourly.look(hourly.keeper(), timedelta(minutes=10))
    assert [(one.due, one.began, one.is_taken_up) for one in taken_up] == [
        (fire.due, fire.began, True)
    ]
    (fired,) = hourly.log.fires("hourly", 9)
    assert (fired.status, fired.run) == ("complete", "run-1")


async def test_a_run_that_fails_is_told_and_the_others_and_the_next_go_on(machine: Any) -> None:
    machine.add("bad", "0 * * * *")
    machine.add("good", "0 * * * *")
    errors: list[Exception] = [ModelUnavailable("no answer", mend="wait"), ValueError("a flaw")]

    def work(fire: Fire) -> None:
        if fire.schedule.name == "bad" and errors:
            raise errors.pop(0)

    machine.work = work
    keeper = machine.keeper()
    await machine.look(keeper)
    for _ in range(3):
        await machine.look(keeper, HOUR)
    fired = machine.log.fires("bad", 9)
    assert [(one.status, one.reason) for one in fired] == [
        ("complete", ""),
        ("failed", "ValueError: a flaw"),
        ("failed", "no answer - wait"),
    ]
    assert len(machine.dues("good")) == 3
    said = [text for name, text in machine.said if name == "bad" and "failed" in text]
    assert said == ["failed: no answer - wait", "failed: unexpected ValueError: a flaw"]


async def test_a_fire_knows_its_series_and_the_last_run_that_found_anything(hourly: Any) -> None:
    begun: list[Fire] = []
    hourly.work = begun.append
    keeper = hourly.keeper()
    await hourly.look(keeper)
    for _ in range(2):
        await hourly.look(keeper, HOUR)
    assert [fire.predecessor for fire in begun] == ["", "run-1"]
    assert str(begun[0].series) == "runs/hourly"


async def test_a_file_that_is_broken_is_said_once_and_read_when_it_is_mended(hourly: Any) -> None:
    keeper = hourly.keeper()
    await hourly.look(keeper)
    path, text = hourly.book.path, hourly.book.path.read_text()
    path.write_text(text.replace("cron", "corn"))
    for _ in range(3):
        await hourly.look(keeper, HOUR)
    assert len(hourly.said) == 1
    assert "cron: is missing" in hourly.said[0][1]
    path.write_text(text)
    await hourly.look(keeper)
    assert len(hourly.made) == 1


async def test_a_log_that_cannot_be_used_lets_nothing_begin_and_is_said_once(hourly: Any) -> None:
    keeper = hourly.keeper()
    await hourly.look(keeper)
    (hourly.log.folder / "fires.sqlite").write_bytes(b"no database" * 100)
    for _ in range(3):
        await hourly.look(keeper, HOUR)
    assert hourly.made == []
    assert len(hourly.said) == 1
    assert "cannot be used" in hourly.said[0][1]


async def test_a_paused_schedule_is_not_fired_by_hand_either(hourly: Any) -> None:
    hourly.book.pause("hourly")
    assert await hourly.keeper().fire("hourly", NOBODY) is None
    assert hourly.made == []
    with pytest.raises(InvalidSchedule, match="no schedule 'other'"):
        await hourly.keeper().fire("other", NOBODY)


async def test_a_fire_by_hand_takes_nothing_from_those_that_are_due(hourly: Any) -> None:
    keeper = hourly.keeper()
    await hourly.look(keeper)
    hourly.clock.at += timedelta(minutes=59)
    await keeper.fire("hourly", NOBODY)
    await hourly.look(keeper, timedelta(minutes=1))
    assert [due.minute for due in hourly.dues("hourly")] == [59, 0]


async def test_what_another_process_kept_meanwhile_is_not_undone(hourly: Any) -> None:
    schedule, now = hourly.book.schedule("hourly"), hourly.clock.at
    first, later = (fires.Seen("0 * * * * UTC", now + hours * HOUR) for hours in (1, 2))
    hourly.log.see("hourly", None, first)
    hourly.log.see("hourly", None, later)
    assert hourly.log.seen("hourly") == first
    hourly.log.see("hourly", first, later)
    hourly.log.see("hourly", first, fires.seen(schedule, first, now))
    assert hourly.log.seen("hourly") == later


async def test_a_lock_that_cannot_be_made_lets_nothing_begin_and_is_said_once(hourly: Any) -> None:
    keeper = hourly.keeper()
    await hourly.look(keeper)
    (hourly.log.folder / "hourly.lock").mkdir()
    for _ in range(3):
        await hourly.look(keeper, HOUR)
    assert hourly.made == []
    assert len(hourly.said) == 1
    assert "hourly.lock cannot be used" in hourly.said[0][1]
