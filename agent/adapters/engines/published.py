"""Reads the days that search engines print, if they are days and no guesses."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONGEST_AGO: Final = 1_000
"""Of hours or days: whoever counts further does not count days."""

_MONTH_FIRST: Final = re.compile(
    r"(?P<month>[A-Za-z]{3})[a-z]*\.? (?P<day>\d{1,2}), (?P<year>\d{4})"
)
_DAY_FIRST: Final = re.compile(
    r"(?P<day>\d{1,2})\.? (?P<month>[A-Za-z]{3})[a-z]*\.?,? (?P<year>\d{4})"
)
_AGO: Final = re.compile(r"(?P<count>\d{1,4}) (?P<unit>minute|min|hour|day)s? ago")


def published(value: object, now: datetime | None = None) -> date | None:
    """Return the day; None for weeks or months ago, which are no days, and for other words."""
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    if not isinstance(value, str):
        return None
    text = " ".join(value.split())
    return _iso(text) or _named(text) or _ago(text, now or datetime.now(UTC)) or _mail(text)


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _named(text: str) -> date | None:
    """Read "Mar 3, 2024" and "3 March 2024", whatever the machine's own language is."""
    found = _MONTH_FIRST.fullmatch(text) or _DAY_FIRST.fullmatch(text)
    if not found or found["month"].lower() not in MONTHS:
        return None
    month = MONTHS.index(found["month"].lower()) + 1
    try:
        return date(int(found["year"]), month, int(found["day"]))
    except ValueError:
        return None


def _ago(text: str, now: datetime) -> date | None:
    found = _AGO.fullmatch(text.lower())
    if not found or int(found["count"]) > LONGEST_AGO:
        return None
    unit = {"min": "minutes"}.get(found["unit"], f"{found['unit']}s")
    return (now - timedelta(**{unit: int(found["count"])})).date()


def _mail(text: str) -> date | None:
    """Read "Mon, 03 Mar 2025 10:00:00 GMT" (RFC 5322)."""
    try:
        return parsedate_to_datetime(text).date()
    except (ValueError, OverflowError):
        return None
