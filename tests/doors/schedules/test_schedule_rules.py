"""When a schedule is due, against every half hour of a year in several time zones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.doors.schedules.rule import Rule
from agent.errors import InvalidOption

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
ZONES = [
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/Santiago",  # its gap swallows midnight
    "Australia/Lord_Howe",  # its clocks change by half an hour
    "Asia/Kolkata",  # its clocks never change
]
Meant = Callable[[datetime], bool]
RULES: dict[str, Meant] = {
    "0 7 * * 1": lambda w: w.weekday() == 0 and (w.hour, w.minute) == (7, 0),
    "30 2 * * *": lambda w: (w.hour, w.minute) == (2, 30),
    "0 0 * * 0": lambda w: w.weekday() == 6 and (w.hour, w.minute) == (0, 0),
    "*/30 0-3 * * *": lambda w: w.hour <= 3,
    "0 9-17/4 * * mon-fri": lambda w: w.weekday() < 5 and w.hour in {9, 13, 17} and w.minute == 0,
    "0 6 13 * 5": lambda w: (w.day == 13 or w.weekday() == 4) and (w.hour, w.minute) == (6, 0),
    "0 6 */2 * 7": lambda w: w.day % 2 == 1 and w.weekday() == 6 and (w.hour, w.minute) == (6, 0),
    "0 12 29-31 2,apr *": lambda w: (
        w.month in {2, 4} and w.day >= 29 and (w.hour, w.minute) == (12, 0)
    ),
    "@hourly": lambda w: w.minute == 0,
}


def halves(zone: str) -> list[tuple[datetime, list[datetime]]]:
    """Each half hour of the year, with the wall times that come with it for the first time."""
    place = ZoneInfo(zone)
    found: list[tuple[datetime, list[datetime]]] = []
    before = (BEGIN - HALF_HOUR).astimezone(place).replace(tzinfo=None)
    instant = BEGIN
    while instant < END:
        wall = instant.astimezone(place).replace(tzinfo=None)
        walls = []
        while before < wall:  # more than once in a gap, and never while walls come again
            before += HALF_HOUR
            walls.append(before)
        found.append((instant, walls))
        instant += HALF_HOUR
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_every_wall_time_that_is_meant_is_due_once_and_a_skipped_one_after_the_gap(
    zone: str,
) -> None:
    year = halves(zone)
    for expression, is_meant in RULES.items():
        expected = [instant for instant, walls in year if any(map(is_meant, walls))]
        times = Rule(expression, zone).after(BEGIN - timedelta(seconds=1))
        assert list(takewhile(lambda time: time < END, times)) == expected, expression


def walls(expression: str, zone: str, after: datetime, many: int) -> list[str]:
    times = islice(Rule(expression, zone).after(after), many)
    return [f"{time.astimezone(ZoneInfo(zone)):%d %H:%M %z}" for time in times]


def test_a_wall_time_that_does_not_exist_is_due_at_the_first_instant_after_the_gap() -> None:
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert walls("30 2 * * *", "Europe/Berlin", spring, 2) == ["29 03:00 +0200", "30 02:30 +0200"]
    assert walls("*/20 2 * * *", "Europe/Berlin", spring, 2) == ["29 03:00 +0200", "30 02:00 +0200"]


def test_a_wall_time_that_occurs_twice_is_due_when_it_occurs_first() -> None:
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert walls("30 2 * * *", "Europe/Berlin", autumn, 2) == ["25 02:30 +0200", "26 02:30 +0100"]
    between = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 2:10 for the second time
    assert walls("30 2 * * *", "Europe/Berlin", between, 1) == ["26 02:30 +0100"]


@given(
    st.integers(0, 10 * 365 * 24 * 3600),
    st.sampled_from(ZONES),
    st.sampled_from([*RULES, "* * * * *", "7 3 29 2 *"]),
)
def test_times_come_in_order_and_none_is_lost_between_two_looks(
    seconds: int, zone: str, expression: str
) -> None:
    rule, begin = Rule(expression, zone), BEGIN + timedelta(seconds=seconds)
    times = list(islice(rule.after(begin), 5))
    assert times == sorted(set(times))
    assert times[0] > begin
    for time, following in pairwise(times):
        assert next(rule.after(time)) == following
        assert next(rule.after(time - timedelta(microseconds=1))) == time


@pytest.mark.parametrize(
    ("expression", "timezone", "key", "said"),
    [
        ("0 7 * *", "", "cron", "no cron expression of 5 fields"),
        ("0 7 * * 1 2026", "", "cron", "no cron expression of 5 fields"),
        ("@reboot", "", "cron", "no cron expression of 5 fields"),
        ("60 7 * * 1", "", "cron", "'60' is no minute of a cron expression: that is 0 to 59"),
        ("0 7 * * moon", "", "cron", "'moon' is no day of the week"),
        ("0 7 * * 5-1", "", "cron", "'5-1' is no day of the week"),
        ("5/10 7 * * 1", "", "cron", "'5/10' is no minute"),
        ("*/0 7 * * 1", "", "cron", "'*/0' is no minute"),
        ("0 7 1,,2 * *", "", "cron", "'' is no day of the month"),
        ("0 7 ² * *", "", "cron", "'²' is no day of the month"),
        ("0 7 30,31 2 *", "", "cron", "no day is meant"),
        ("0 7 * * 1", "Europe/Berln", "timezone", "no time zone 'Europe/Berln'"),
        ("0 7 * * 1", "../../etc/passwd", "timezone", "no time zone"),
    ],
)
def test_what_is_no_rule_is_refused_with_what_is_wrong_and_a_mend(
    expression: str, timezone: str, key: str, said: str
) -> None:
    with pytest.raises(InvalidOption, match=r".") as refused:
        Rule(expression, timezone)
    assert refused.value.option == key
    assert said in str(refused.value)
    assert refused.value.mend


def test_a_day_no_month_has_is_no_trouble_beside_a_weekday() -> None:
    rule = Rule("0 7 30 2 1", "UTC")
    assert [f"{time:%m-%d}" for time in islice(rule.after(BEGIN), 3)] == ["02-02", "02-09", "02-16"]
