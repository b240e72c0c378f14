"""Reads how long a server wants to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = 86_400.0
"""A day: whoever asks for more is not believed, and no run lasts as long."""


def retry_after(value: str | None) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3), None if it tells none."""
    value = (value or "").strip()
    if value.isascii() and value.isdecimal():
        return min(float(value), LONGEST)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(LONGEST, max(0.0, (moment - datetime.now(UTC)).total_seconds()))
