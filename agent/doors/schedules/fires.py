"""Which fire of a schedule is due, given what was seen to before: no clock, no file, no waiting.

What was seen to is told by a moment that only goes forward: every fire up to it is made, made up
for by a later one, or passed over by a pause. So each fire is made once, whenever somebody looks:
a clock that was set back brings none of them again, and what a machine slept through is one fire.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from agent.doors.schedules.book import Schedule

MOST_AHEAD: Final = timedelta(days=1)
"""What was seen to later than this from now was seen by a clock that was wrong. Without this, a
schedule that was looked at in a wrong year would be silent until then."""


@dataclass(frozen=True, slots=True)
class Fire:
    """One report that a schedule asks for, due at a moment and begun at another.

    Its run folder is made in ``series``, where those of the schedule's earlier reports are;
    ``predecessor`` is the id of the last run of them that found anything, empty before the first.
    ``is_taken_up``: it was begun before, by a process that was killed.
    """

    schedule: Schedule
    due: datetime
    began: datetime
    series: Path
    predecessor: str = ""
    is_taken_up: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """Until when a schedule was seen to, while its times were these."""

    times: str
    until: datetime


def seen(schedule: Schedule, before: Seen | None, now: datetime) -> Seen:
    """Return what is seen to by now.

    A schedule that is new, was given other times, or was paused in between, is due from now on.
    """
    paused = "paused " if schedule.is_paused else ""
    times = f"{paused}{schedule.rule.expression} {schedule.rule.timezone}"
    if before is None or before.times != times or before.until - now > MOST_AHEAD:
        return Seen(times, now)
    return before


def due(schedule: Schedule, seen: Seen, now: datetime) -> datetime | None:
    """Return the time of the fire that is to be made now; None if there is none.

    Of several that were missed it is the first; ``after`` tells which the fire makes up for.
    """
    if schedule.is_paused:
        return None
    time = next(schedule.rule.after(seen.until))
    return time if time + delay(schedule, time) <= now else None


def after(schedule: Schedule, seen: Seen, time: datetime, now: datetime) -> Seen:
    """Return what is seen to once the fire of a time is made.

    It makes up for all until now, except for what may still be put off.
    """
    return Seen(seen.times, max(time, now - schedule.jitter))


def delay(schedule: Schedule, time: datetime) -> timedelta:
    """Return how long a fire is put off: any part of the jitter, the same for everyone who asks."""
    digest = hashlib.sha256(f"{schedule.name} {time.isoformat()}".encode()).digest()
    return schedule.jitter * (int.from_bytes(digest[:4]) / 2**32)
