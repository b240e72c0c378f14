"""Keeps spending under its caps: money is set aside before a call, and settled after it.

Held exactly: what was set aside and what was settled, by all clients of one process that share a
Purse, never pass a cap together. What a call takes is estimated beforehand; one that takes more
than its estimate is still paid, and the next is refused. Of other processes that share a day
file, what they settled is seen, but not what they have set aside.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway_client.errors import BudgetSpent, ConfigInvalid, PriceUnknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway_client.catalog import Budget

ZERO: Final = Decimal(0)

_log = logging.getLogger(__name__)


def today() -> str:
    """Return the day, as the world's clock has it."""
    return datetime.now(UTC).date().isoformat()


@dataclass(slots=True)
class Sum:
    """Dollars and tokens."""

    usd: Decimal = ZERO
    tokens: int = 0

    def add(self, usd: Decimal, tokens: int) -> None:
        """Add to both."""
        self.usd += usd
        self.tokens += tokens


@dataclass(slots=True)
class Reservation:
    """What was set aside for one call; it ends once, by being settled."""

    usd: Decimal
    tokens: int
    open: bool = True


class Purse:
    """One budget, its spending and what is set aside."""

    def __init__(self, budget: Budget, today: Callable[[], str] = today) -> None:
        self.budget = budget
        self._today = today
        self._lock = threading.Lock()
        self._spent = Sum()
        self._held = Sum()
        self._day = ""
        self._of_day = Sum()
        self._file = DayFile(Path(budget.file)) if budget.file else None
        self._unwritten: list[tuple[str, Decimal, int]] = []
        self.capped_in_usd = budget.usd is not None or budget.usd_per_day is not None
        in_tokens = budget.tokens is not None or budget.tokens_per_day is not None
        self.capped = self.capped_in_usd or in_tokens

    def reserve(self, model: str, usd: Decimal | None, tokens: int) -> Reservation:
        """Set aside what a call may take; raise BudgetSpent if a cap would be passed."""
        if usd is None and self.capped_in_usd and not self.budget.allow_unpriced:
            raise PriceUnknown(
                f"the price of {model} is not known, so the budget in dollars cannot be kept",
                mend=f'give it a price in [models."{model}"], or set allow_unpriced in [budget]',
            )
        with self._lock:
            self._write_down()
            self._turn_the_day()
            self._check(usd or ZERO, tokens)
            self._held.add(usd or ZERO, tokens)
        return Reservation(usd or ZERO, tokens)

    def settle(self, reservation: Reservation, usd: Decimal | None, tokens: int) -> None:
        """Put what a call really took in place of what was set aside; only once."""
        with self._lock:
            if not reservation.open:
                return
            reservation.open = False
            self._held.add(-reservation.usd, -reservation.tokens)
            if usd or tokens:
                self._spend(usd or ZERO, tokens)

    def recall(self, usd: Decimal | None, tokens: int) -> None:
        """Count what was settled by an earlier process, which counted it for its own day."""
        with self._lock:
            self._spent.add(usd or ZERO, tokens)

    def pressure(self) -> float:
        """Return how much of the tightest cap is used or set aside: 0 is nothing, 1 is all."""
        if not self.capped:
            return 0.0
        with self._lock:
            self._turn_the_day()
            parts = (float(used / cap) if cap else 1.0 for _, used, cap in self._caps(ZERO, 0))
            return max(parts, default=0.0)

    def of_today(self) -> Sum:
        """Return what was settled today, by all processes that share the file."""
        with self._lock:
            self._turn_the_day()
            return Sum(self._of_day.usd, self._of_day.tokens)

    def _caps(self, usd: Decimal, tokens: int) -> list[tuple[str, Decimal, Decimal]]:
        """Return for each cap its name, what would be used, and the cap."""
        budget, held, spent, day = self.budget, self._held, self._spent, self._of_day
        rows = (
            ("usd", spent.usd + held.usd + usd, budget.usd),
            ("usd_per_day", day.usd + held.usd + usd, budget.usd_per_day),
            ("tokens", spent.tokens + held.tokens + tokens, budget.tokens),
            ("tokens_per_day", day.tokens + held.tokens + tokens, budget.tokens_per_day),
        )
        return [(name, Decimal(used), Decimal(cap)) for name, used, cap in rows if cap is not None]

    def _check(self, usd: Decimal, tokens: int) -> None:
        for name, used, cap in self._caps(usd, tokens):
            if used > cap:
                raise BudgetSpent(
                    f"this call might bring the budget {name} to {used:f} of {cap:f}",
                    mend=f"raise {name} in [budget], ask for fewer tokens, or wait for tomorrow"
                    if name.endswith("day")
                    else f"raise {name} in [budget], or ask for fewer tokens",
                )

    def _spend(self, usd: Decimal, tokens: int) -> None:
        self._spent.add(usd, tokens)
        if self._file is None:
            self._turn_the_day()
            self._of_day.add(usd, tokens)
            return
        self._unwritten.append((self._today(), usd, tokens))
        try:
            self._write_down()
        except ConfigInvalid as error:  # the answer is paid for: it is the next call that waits
            _log.warning("%s; no call is made until it can be written", error)

    def _write_down(self) -> None:
        while self._file and self._unwritten:
            self._file.write(*self._unwritten[0])
            del self._unwritten[0]

    def _turn_the_day(self) -> None:
        day = self._today()
        if day != self._day:
            self._day = day
            self._of_day = Sum()
        if self._file:
            self._of_day = self._file.of(day)


class DayFile:
    """A file of JSON lines, one for each settled call; several processes may add to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._days: dict[str, Sum] = {}

    def write(self, day: str, usd: Decimal, tokens: int) -> None:
        """Add one line; so short a write to the end of a file is never torn."""
        line = json.dumps({"day": day, "usd": str(usd), "tokens": tokens}) + "\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab", buffering=0) as file:
                file.write(line.encode())
        except OSError as error:
            raise self._refused(error.strerror) from error

    def of(self, day: str) -> Sum:
        """Return what all processes have settled on this day."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                for line in file:
                    if line.endswith(b"\n"):
                        self._count(line)
        except FileNotFoundError:
            return Sum()
        except OSError as error:
            raise self._refused(error.strerror) from error
        return self._days.setdefault(day, Sum())

    def _count(self, line: bytes) -> None:
        self._read += len(line)
        try:
            said = json.loads(line)
            self._days.setdefault(said["day"], Sum()).add(Decimal(said["usd"]), said["tokens"])
        except (ValueError, KeyError, TypeError, ArithmeticError) as error:
            kind = type(error).__name__
        else:
            return
        # beyond the except, as its error may hold the line, and the line anything, a key too
        raise self._refused(f"holds a line that is none of ours ({kind})")

    def _refused(self, reason: object) -> ConfigInvalid:
        mend = "set [budget] file to a file of its own that may be written"
        return ConfigInvalid(f"the budget file {self._path}: {reason}", mend=mend)
