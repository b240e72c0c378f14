"""Tells a watcher what a run is doing: a live line on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from agent.domain.events import tell_nobody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.domain.events import Event, Tell


@contextmanager
def teller(*, quiet: bool) -> Iterator[Tell]:
    """Yield a function that shows events on standard error, or nothing if ``quiet``."""
    if quiet:
        yield tell_nobody
    elif sys.stderr.isatty():
        with _live() as tell:
            yield tell
    else:
        yield _plain


def _plain(event: Event) -> None:
    click.echo(f"{event.stage:<10}  {event.text}", err=True)


@contextmanager
def _live() -> Iterator[Tell]:
    """Show what goes on in one line that changes, and leave one line for each stage."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    last: list[Event] = []

    def close() -> None:
        for event in last[-1:]:
            console.print(f"[green]✓[/green] [bold]{event.stage:<10}[/bold]  {escape(event.text)}")

    with console.status("starting") as status:

        def tell(event: Event) -> None:
            if event.text == "started":
                close()
            elif event.text.startswith("failed"):
                console.print(f"  [yellow]{escape(event.text)}[/yellow]")
            last[:] = [event]
            status.update(f"{event.stage:<10}  {escape(event.text)}")

        yield tell
        close()
