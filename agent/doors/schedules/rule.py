"""When something is due: the wall times of a cron expression, as instants of a time zone.

Wall times are found as if there were no time zone, and only then looked up in it. So each of them
is due once: one that a change of the clocks skips, at the first instant after the gap; one that
occurs twice, when it occurs first. What several skipped wall times share is one instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from agent.doors.schedules.cron import WEEKDAYS, Cron, cron
from agent.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import tzinfo

    from apscheduler.triggers.cron import CronTrigger

MINUTE: Final = timedelta(minutes=1)
LONGEST_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True)
class Rule:
    """A cron expression in a time zone; raises InvalidOption if one of them is none.

    An empty ``timezone`` is the machine's, as for cron itself.
    """

    expression: str
    timezone: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no rule, and what never comes, before somebody waits for it."""
        _zone(self.timezone)
        if not (self._has_day or self.cron.either_day):
            raise InvalidOption(
                "cron", f"no day is meant by {self.expression!r}", mend="name a day its months have"
            )

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the instants this is due later than a moment, earliest first, in UTC."""
        last = moment
        # Of a wall time that occurs twice, the second would stand for all that follow it.
        begin = moment.astimezone(self.zone).replace(tzinfo=None, fold=0)
        for wall in self._walls(begin):
            instant = self._instant(wall)
            if instant > last:
                yield instant
                last = instant

    @cached_property
    def cron(self) -> Cron:
        """What the expression stands for."""
        return cron(self.expression)

    @cached_property
    def zone(self) -> tzinfo:
        """The time zone."""
        return _zone(self.timezone)

    @property
    def _has_day(self) -> bool:
        """Whether one of the days of the month is in one of the months."""
        longest = max(LONGEST_MONTHS[month - 1] for month in self.cron.months)
        return min(self.cron.days) <= longest

    def _walls(self, wall: datetime) -> Iterator[datetime]:
        """Yield the wall times this is due at, from one on."""
        while True:
            now = wall.replace(tzinfo=UTC)
            wall = min(t.get_next_fire_time(None, now) for t in self._triggers).replace(tzinfo=None)
            yield wall
            wall += MINUTE

    def _instant(self, wall: datetime) -> datetime:
        """Return when a wall time is, or the end of the gap it is in."""
        while True:
            instant = wall.replace(tzinfo=self.zone).astimezone(UTC)
            if instant.astimezone(self.zone).replace(tzinfo=None) == wall:
                return instant
            wall += MINUTE

    @cached_property
    def _triggers(self) -> tuple[CronTrigger, ...]:
        """APScheduler's, which wants a day to fit both the month and the week: so there are two.

        It counts weekdays from Monday, and is told names.
        """
        if not self.cron.either_day:
            return (self._trigger(self.cron.days, self.cron.weekdays),)
        by_weekday = self._trigger(range(1, 32), self.cron.weekdays)
        if not self._has_day:
            return (by_weekday,)
        return (self._trigger(self.cron.days, range(7)), by_weekday)

    def _trigger(self, days: Sequence[int], weekdays: Sequence[int]) -> CronTrigger:
        from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 - few commands need it

        return CronTrigger(
            minute=_listed(self.cron.minutes, 60),
            hour=_listed(self.cron.hours, 24),
            day=_listed(days, 31),
            month=_listed(self.cron.months, 12),
            day_of_week=_listed([WEEKDAYS[day] for day in weekdays], 7),
            timezone=UTC,
        )


def _zone(name: str) -> tzinfo:
    from tzlocal import get_localzone  # noqa: PLC0415 - few commands need it

    try:
        return ZoneInfo(name) if name else get_localzone()
    except (OSError, ValueError, LookupError) as error:  # no such name; no name at all
        raise InvalidOption(
            "timezone",
            f"no time zone {name!r}",
            mend="give one as in Europe/Berlin; if all are unknown, pip install tzdata",
        ) from error


def _listed(values: Sequence[object], most: int) -> str:
    """Return values as a trigger reads them; it is much faster where all are told by one sign."""
    return "*" if len(values) == most else ",".join(map(str, values))
