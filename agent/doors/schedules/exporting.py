"""Schedules as the machine's own scheduler has them: systemd timers, or lines of a crontab.

Only what says exactly the same is written; for the rest an error names what to do instead.
"""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tzlocal import get_localzone_name

from agent.doors.schedules.cron import WEEKDAYS
from agent.errors import InvalidSchedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.doors.schedules.book import Schedule
    from agent.doors.schedules.rule import Rule

PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
SERVICE: Final = """\
[Unit]
Description=deep-research schedule {name}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={folder}
EnvironmentFile=-%E/deep-research.env
ExecStart={command}
SuccessExitStatus=3 4
KillMode=mixed
TimeoutStopSec=5min
"""
TIMER: Final = """\
[Unit]
Description=when deep-research schedule {name} is due

[Timer]
{calendars}
AccuracySec=1s
RandomizedDelaySec={jitter}
Persistent=true

[Install]
WantedBy=timers.target
"""


def systemd_units(schedule: Schedule, command: Sequence[str], folder: str) -> dict[str, str]:
    """Return the files of a schedule by name: a timer, and the service it starts in a folder.

    What a sleeping machine missed is made up for once (``Persistent``). The service ends well with
    a partial or an empty report too. Told to stop, it alone hears of it, and has time to write and
    verify what was found.
    """
    unit = f"deep-research-{_escaped(schedule.name)}"
    calendars = "\n".join(f"OnCalendar={one}" for one in on_calendar(schedule.rule))
    service = SERVICE.format(
        name=_percent(schedule.name),
        folder=_percent(folder),
        command=" ".join(_quoted(word) for word in command),
    )
    timer = TIMER.format(
        name=_percent(schedule.name),
        calendars=calendars,
        jitter=schedule.jitter // timedelta(seconds=1),
    )
    return {f"{unit}.service": service, f"{unit}.timer": timer}


def on_calendar(rule: Rule) -> list[str]:
    """Return a rule as systemd's calendar events, which are due when any of them is."""
    cron = rule.cron
    month = _values(cron.months, 12)
    weekdays = ",".join(WEEKDAYS[day].capitalize() for day in cron.weekdays)
    weekday = f"{weekdays} " if len(cron.weekdays) < len(WEEKDAYS) else ""
    date, any_date = f"*-{month}-{_values(cron.days, 31)}", f"*-{month}-*"
    time = f"{_values(cron.hours, 24)}:{_values(cron.minutes, 60)}:00"
    zone = f" {rule.timezone}" if rule.timezone else ""
    days = [date, f"{weekday}{any_date}"] if cron.either_day else [f"{weekday}{date}"]
    return [f"{day} {time}{zone}" for day in days]


def cron_line(schedule: Schedule, command: Sequence[str], folder: str) -> str:
    """Return a schedule as a line of a crontab; raise InvalidSchedule where cron cannot say it."""
    timezone = schedule.rule.timezone
    if timezone and timezone != get_localzone_name():
        raise InvalidSchedule(
            f"cron has no time zone but the machine's, which is not {timezone} of {schedule.name}",
            mend="export it for systemd, or use deep-research schedule run",
        )
    if schedule.jitter:
        raise InvalidSchedule(
            f"cron knows no jitter, and {schedule.name} has some",
            mend="export it for systemd, or use deep-research schedule run",
        )
    shell = f"cd {shlex.quote(folder)} && {shlex.join(command)}".replace("%", r"\%")
    return f"{schedule.rule.cron.text} {shell}"


def _values(values: Sequence[int], most: int) -> str:
    """Return the values of a field, or ``*`` if it has all there are."""
    return "*" if len(values) == most else ",".join(f"{value:02d}" for value in values)


def _quoted(word: str) -> str:
    """Return a word as ExecStart reads it."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{_percent(plain)}"'


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def _escaped(name: str) -> str:
    """Return a name as that of a unit may be, as ``systemd-escape`` does."""
    return "".join(_escaped_letter(letter) for letter in name)


def _escaped_letter(letter: str) -> str:
    return letter if letter in PLAIN else "".join(f"\\x{byte:02x}" for byte in letter.encode())
