"""A year of a machine that sleeps, is started anew, paused, and whose clock is set back."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.doors.conftest import Machine

END = datetime(2027, 1, 1, tzinfo=UTC)
SCHEDULES = {
    "weekly": ("0 7 * * 1", "Europe/Berlin"),
    "nightly": ("30 2 * * *", "America/New_York"),
    "half-days": ("15 */12 * * *", "Australia/Lord_Howe"),
    "monthly": ("0 0 1 * *", "America/Santiago"),
}
