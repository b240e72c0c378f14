"""Keeps what happens during a run as lines of JSON, for whoever watches from outside or later."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from agent.domain.events import event_line
from agent.errors import RunUnwritable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.domain.events import Event, Tell


@contextmanager
def event_log(path: Path, tell: Tell) -> Iterator[Tell]:
    """Yield a teller that also adds each event to a file; raise RunUnwritable if it cannot be."""
    try:
        file = path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise RunUnwritable(f"cannot write {path}: {error.strerror or error}") from error
    with file:
        yield both(tell, written(file))


def written(file: TextIO) -> Tell:
    """Return a teller that adds each event to a file."""

    def tell(event: Event) -> None:
        try:
            file.write(event_line(event, datetime.now(UTC)))
            file.flush()
        except OSError as error:
            message = f"cannot write {file.name}: {error.strerror or error}"
            raise RunUnwritable(message, mend="make room, or make it writable") from error

    return tell


def both(one: Tell, other: Tell) -> Tell:
    """Return a teller that tells two."""

    def tell(event: Event) -> None:
        one(event)
        other(event)

    return tell
