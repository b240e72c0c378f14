"""Sees to it that each fire that is due is made once, whoever else looks, and whatever stopped it.

APScheduler's own scheduler waits by a clock that stands still while the machine sleeps, and keeps
in memory what is due. Here somebody looks at the time of day every few seconds, and what was seen
to is in a file that is written under the schedule's lock: it outlives the process, and is the same
for two of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from agent.doors.schedules import fires
from agent.doors.schedules.fire_log import FAILED, RUNNING, STOPPED
from agent.doors.schedules.fires import Fire
from agent.errors import DeepResearchError, RunBusy
from agent.running import Host
from agent.stages.limits import Brake
from agent.wiring import limits

if TYPE_CHECKING:
    from datetime import datetime

    from agent.domain.report import Report
    from agent.doors.schedules.book import Book, Schedule
    from agent.doors.schedules.fire_log import Fired, FireLog
    from agent.ports import Clock

LOOK_EVERY_SECONDS: Final = 5.0
"""How late a fire may be; a look takes about a millisecond for ten schedules."""

MOMENT: Final = "%Y-%m-%d %H:%M %z"
SHUTTING_DOWN: Final = "the scheduler was stopped"

Work = Callable[[Fire, Host], Awaitable["Report"]]
"""Makes the report a fire asks for; raises the errors of ``agent.errors``."""

Say = Callable[[str, str], None]
"""Hears what happens to a schedule, by its name, which is empty for all of them."""


class Keeper:
    """Makes the fires of all schedules in a file, ``at_once`` of them at a time."""

    def __init__(
        self, book: Book, log: FireLog, work: Work, *, clock: Clock, say: Say, at_once: int = 1
    ) -> None:
        self._book = book
        self._log = log
        self._work = work
        self._clock = clock
        self._say = say
        self._places = asyncio.Semaphore(at_once)
        self._going_on: dict[str, asyncio.Task[None]] = {}
        self._brakes: dict[str, Brake] = {}
        self._troubles: dict[str, str] = {}
        self._is_winding_up = False

    async def keep(self, stop: Brake) -> None:
        """Look, and look again, until the brake is pulled; then let what goes on end in good order.

        If this is cancelled, what goes on is broken off.
        """
        try:
            while not stop.is_pulled:
                self.look()
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.pulled("look"), LOOK_EVERY_SECONDS)
            await self._wind_up()
        finally:
            for task in self._going_on.values():
                task.cancel()
            await self.settle()

    def look(self) -> None:
        """Begin what is due; trouble is said once, and looked at again next time."""
        try:
            schedules = self._book.schedules().values()
            self._troubles.pop("", None)
        except DeepResearchError as error:
            self._trouble("", str(error))
            return
        for schedule in schedules:
            if schedule.name not in self._going_on and self._is_wanted(schedule):
                self._begin(schedule)

    async def settle(self) -> None:
        """Wait for what is going on."""
        await asyncio.gather(*self._going_on.values(), return_exceptions=True)

    async def fire(self, name: str, host: Host) -> Report | None:
        """Make one fire now, whatever is due; None if the schedule is paused.

        Raises RunBusy if another process is at it.
        """
        schedule = self._book.schedule(name)
        if schedule.is_paused:
            return None
        with self._log.alone(name):
            now = self._clock.now()
            fire = self._fire(schedule, now, now)
            return await self._made(fire, self._log.begin(fire), host)

    def _begin(self, schedule: Schedule) -> None:
        task = asyncio.create_task(self._attend(schedule))
        self._going_on[schedule.name] = task
        task.add_done_callback(lambda _: self._going_on.pop(schedule.name))

    async def _wind_up(self) -> None:
        """Let what goes on end in partial reports, and begin nothing that waits for its place."""
        self._is_winding_up = True
        for brake in self._brakes.values():
            brake.pull(SHUTTING_DOWN)
        await self.settle()

    def _is_wanted(self, schedule: Schedule) -> bool:
        """Whether a fire is to be made, as far as can be told without the lock."""
        try:
            before, now = self._log.seen(schedule.name), self._clock.now()
            seen = fires.seen(schedule, before, now)
            if seen != before:
                self._log.see(schedule.name, before, seen)
            if fires.due(schedule, seen, now):
                return True
            return self._killed(schedule) is not None and not self._log.is_going_on(schedule.name)
        except DeepResearchError as error:
            self._trouble(schedule.name, str(error))
            return False

    async def _attend(self, schedule: Schedule) -> None:
        """Make the fire of a schedule that is wanted, when there is a place for it."""
        async with self._places:
            try:
                if not self._is_winding_up:
                    with self._log.alone(schedule.name):
                        await self._make_wanted(schedule)
                    self._troubles.pop(schedule.name, None)
            except RunBusy:
                return  # another process is at it
            except DeepResearchError as error:
                self._trouble(schedule.name, str(error))

    async def _make_wanted(self, schedule: Schedule) -> None:
        """Make the fire that is wanted, unless another process did so by now."""
        killed = self._killed(schedule)
        if killed is not None:
            fire = self._fire(schedule, killed.due, killed.began, is_taken_up=True)
            await self._watched(fire, killed.number)
            return
        now = self._clock.now()
        seen = fires.seen(schedule, self._log.seen(schedule.name), now)
        time = fires.due(schedule, seen, now)
        if time is not None:
            fire = self._fire(schedule, time, now)
            await self._watched(fire, self._log.begin(fire, fires.after(schedule, seen, time, now)))

    def _killed(self, schedule: Schedule) -> Fired | None:
        """Return the last fire if it is told to go on: so it is while its lock is held."""
        last = self._log.fires(schedule.name, 1)
        return last[0] if last and last[0].status == RUNNING and not schedule.is_paused else None

    def _fire(
        self, schedule: Schedule, due: datetime, began: datetime, *, is_taken_up: bool = False
    ) -> Fire:
        return Fire(
            schedule=schedule,
            due=due,
            began=began,
            series=schedule.asked.settings.out / schedule.name,
            predecessor=self._log.predecessor(schedule.name),
            is_taken_up=is_taken_up,
        )

    async def _watched(self, fire: Fire, number: int) -> None:
        """Make a fire with a brake that stops it with the others, and say how it ended."""
        name = fire.schedule.name
        begun = "taken up again" if fire.is_taken_up else "begun"
        self._say(name, f"{begun}, due {fire.due.astimezone(fire.schedule.rule.zone):{MOMENT}}")
        self._brakes[name] = Brake(limits(fire.schedule.asked.settings))
        try:
            report = await self._made(fire, number, Host(brake=self._brakes[name]))
            self._say(name, f"{report.run.status}: {fire.series / report.run.id}")
        except DeepResearchError as error:
            self._say(name, f"failed: {error}")
        except Exception as error:  # noqa: BLE001 - the other schedules are none the worse
            self._say(name, f"failed: unexpected {type(error).__name__}: {error}")
        finally:
            del self._brakes[name]

    async def _made(self, fire: Fire, number: int, host: Host) -> Report:
        """Make a fire, and keep how it ended, however that was."""
        try:
            report = await self._work(fire, host)
        except DeepResearchError as error:
            self._log.end(number, FAILED, error.stopped_run, str(error))
            raise
        except asyncio.CancelledError:
            self._log.end(number, STOPPED, "", "it was broken off")
            raise
        except Exception as error:
            self._log.end(number, FAILED, "", f"{type(error).__name__}: {error}")
            raise
        self._log.end(number, report.run.status, report.run.id, report.run.reason)
        return report

    def _trouble(self, name: str, text: str) -> None:
        """Say what is wrong, once for as long as it is the same."""
        if self._troubles.get(name) != text:
            self._troubles[name] = text
            self._say(name, text)
