"""Tells a watcher what a run is doing: a live view on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from agent.domain.events import tell_nobody

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from decimal import Decimal

    from agent.domain.events import Counted, Event, StageName, Tell

STAGES: Final[tuple[StageName, ...]] = ("refine", "retrieve", "synthesize", "verify", "render")

_NAMES: Final[Mapping[Counted, str]] = {
    "searches": "searches",
    "pages": "pages read",
    "sections": "sections",
    "claims": "claims written",
    "held": "held",
    "dropped": "dropped",
}

SURE_FROM: Final = 0.1
"""The share of a run that has to be done before the time left is said: before, it is a guess."""


class Tally:
    """Sums up what events tell: counts, tokens, cost, and how far the run has come.

    ``shares`` is which part of its time each stage took in earlier runs, adding up to 1; without
    it no time left is said. ``most_usd`` is the limit the cost is shown against.
    """

    def __init__(
        self,
        shares: Mapping[str, float] | None = None,
        most_usd: Decimal | None = None,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shares = shares or {}
        self._most_usd = most_usd
        self._seconds = seconds
        self._begun = seconds()
        self._counts: Counter[Counted] = Counter()
        self._last: Event | None = None

    def add(self, event: Event) -> None:
        """Count one event."""
        self._counts.update(event.counts)
        self._last = event

    def line(self) -> str:
        """Return everything so far in one line."""
        last = self._last
        parts = [f"{self._counts[key]} {name}" for key, name in _NAMES.items() if self._counts[key]]
        if last and last.tokens:
            of = f" of ${self._most_usd}" if self._most_usd is not None else ""
            parts += [f"{last.tokens:,} tokens", f"${last.usd:.2f}{of}"]
        parts.append(_clock(self._seconds() - self._begun) + self._left())
        return " · ".join(parts)

    def _left(self) -> str:
        """Say how long it may still take, if as long as earlier runs."""
        stage = self._last.stage if self._last else STAGES[0]
        done = sum(self._shares.get(earlier, 0.0) for earlier in STAGES[: STAGES.index(stage)])
        if done < SURE_FROM:
            return ""
        elapsed = self._seconds() - self._begun
        return f", about {_clock(max(0.0, elapsed / done - elapsed))} left"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"


@dataclass(frozen=True, slots=True)
class Watcher:
    """Shows events, and makes room while a person is asked something."""

    tell: Tell
    say: Callable[[str], None]
    is_live: bool = False
    paused: Callable[[], AbstractContextManager[None]] = nullcontext


@contextmanager
def teller(*, quiet: bool, tally: Tally | None = None) -> Iterator[Watcher]:
    """Yield what shows events on standard error, or nothing if ``quiet``."""
    if quiet:
        yield Watcher(tell_nobody, tell_nobody)
    elif sys.stderr.isatty():
        with _live(tally or Tally()) as watcher:
            yield watcher
    else:
        yield Watcher(_plain, _line)


def _line(text: str) -> None:
    click.echo(text, err=True)


def _plain(event: Event) -> None:
    click.echo(f"{event.stage:<10}  {event.text}", err=True)


@contextmanager
def _live(tally: Tally) -> Iterator[Watcher]:
    """Show what goes on, and all so far, in two lines that change; leave a line for each stage."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    last: list[Event] = []

    def close() -> None:
        for event in last[-1:]:
            console.print(f"[green]✓[/green] [bold]{event.stage:<10}[/bold]  {escape(event.text)}")

    with console.status("starting") as status:

        def tell(event: Event) -> None:
            if event.kind == "started":
                close()
            elif event.kind == "failed":
                console.print(f"  [yellow]{escape(event.text)}[/yellow]")
            tally.add(event)
            last[:] = [event]
            now = f"{event.stage:<10}  {escape(event.text)}"
            status.update(f"{now}\n  [dim]{escape(tally.line())}[/dim]")

        @contextmanager
        def paused() -> Iterator[None]:
            status.stop()
            yield
            status.start()

        yield Watcher(tell, console.print, is_live=True, paused=paused)
        close()
