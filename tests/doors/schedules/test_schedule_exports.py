"""Schedules handed to systemd and cron: the same times, or a refusal."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest
import tzlocal

from agent.doors.schedules.exporting import cron_line, on_calendar, systemd_units
from agent.doors.schedules.rule import Rule
from agent.errors import InvalidSchedule

COMMAND = (
    "/opt/deep research/bin/deep-research",
    "schedule",
    "fire",
    "x",
    "--file",
    "/a/100%.toml",
)
SYSTEMD = shutil.which("systemd-analyze")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
RULES = {
    "0 7 * * 1": ["Mon *-*-* 07:00:00"],
    "*/20 0-2 * * *": ["*-*-* 00,01,02:00,20,40:00"],
    "0 9 1,15 jan-mar *": ["*-01,02,03-01,15 09:00:00"],
    "0 6 13 * 5": ["*-*-13 06:00:00", "Fri *-*-* 06:00:00"],
    "0 6 */10 * 0,6": ["Sun,Sat *-*-01,11,21,31 06:00:00"],
    "* * * * *": ["*-*-* *:*:00"],
}


@pytest.mark.parametrize("expression", RULES)
def test_a_rule_is_told_to_systemd_in_its_own_words(expression: str) -> None:
    assert on_calendar(Rule(expression)) == RULES[expression]
    zoned = on_calendar(Rule(expression, "Europe/Berlin"))
    assert zoned == [f"{one} Europe/Berlin" for one in RULES[expression]]


@pytest.mark.skipif(not SYSTEMD, reason="there is no systemd here")
@pytest.mark.parametrize("expression", RULES)
def test_systemd_finds_the_same_times(expression: str) -> None:
    rule = Rule(expression, "Asia/Shanghai")
    found: set[str] = set()
    for calendar in on_calendar(rule):
        done = subprocess.run(  # noqa: S603 - our own words
            [str(SYSTEMD), "calendar", "--iterations=20",
             "--base-time=2026-01-01 00:00:00 UTC", calendar],
            check=True, capture_output=True, text=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        found |= set(re.findall(r"(\d{4}-\d\d-\d\d \d\d:\d\d):00 UTC", done.stdout))
    ours = [f"{time:%Y-%m-%d %H:%M}" for time in islice(rule.after(BEGIN), 12)]
    assert [time for time in sorted(found) if time > "2026-01-01 00:00"][:12] == ours


def test_the_units_name_folder_command_jitter_and_make_up_for_what_was_missed(machine: Any) -> None:
    machine.add("钠 电池".replace(" ", "-"), "0 7 * * 1", "Europe/Berlin", jitter="5m")
    (schedule,) = machine.book.schedules().values()
    units = systemd_units(schedule, COMMAND, "/srv/50%/our runs")
    service, timer = units.values()
    name = r"deep-research-\xe9\x92\xa0-\xe7\x94\xb5\xe6\xb1\xa0"
    assert list(units) == [f"{name}.service", f"{name}.timer"]
    assert "WorkingDirectory=/srv/50%%/our runs\n" in service
    assert 'ExecStart="/opt/deep research/bin/deep-research" "schedule" "fire" "x"' in service
    assert '"/a/100%%.toml"\n' in service
    assert "OnCalendar=Mon *-*-* 07:00:00 Europe/Berlin\n" in timer
    assert "RandomizedDelaySec=300\n" in timer
    assert "Persistent=true\n" in timer


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's time zone."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    tzlocal.reload_localzone()
    yield
    monkeypatch.undo()
    tzlocal.reload_localzone()


@pytest.mark.usefixtures("berlin")
def test_a_crontab_line_has_numbers_for_names_and_its_percents_escaped(machine: Any) -> None:
    machine.add("one", "0 7 * jan-mar mon-fri", "Europe/Berlin")
    (schedule,) = machine.book.schedules().values()
    assert cron_line(schedule, COMMAND, "/our runs") == (
        "0 7 * 1-3 1-5 cd '/our runs' && '/opt/deep research/bin/deep-research' schedule fire x"
        r" --file /a/100\%.toml"
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"timezone": "Asia/Shanghai"}, "cron has no time zone but the machine's"),
        ({"timezone": "Europe/Berlin", "jitter": "5m"}, "cron knows no jitter"),
    ],
)
@pytest.mark.usefixtures("berlin")
def test_what_cron_cannot_say_is_refused_with_a_mend(
    machine: Any, more: dict[str, str], said: str
) -> None:
    machine.add("one", "0 7 * * 1", **more)
    (schedule,) = machine.book.schedules().values()
    with pytest.raises(InvalidSchedule, match=said) as refused:
        cron_line(schedule, COMMAND, "/runs")
    assert "systemd" in refused.value.mend
