"""Follows a run from outside: what happened, and what happens, until it ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from agent.adapters.run_folder import WorkingFolder, run_id
from agent.adapters.run_lock import is_held
from agent.domain.events import event_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.domain.events import Event

EVERY_SECONDS: Final = 0.2
"""How often the file is looked at: a person sees no difference."""


def followed(run: Path, sleep: Callable[[float], None] = time.sleep) -> Iterator[Event]:
    """Yield all events of the run in a folder; return when nobody works on it any more.

    The file is read on where it stands when the run is finished and its folder is renamed.
    """
    folder = WorkingFolder(run.parent, run_id(run))
    path = run / folder.events.name
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        while True:
            goes_on = is_held(folder.lock)
            yield from _events(file.readlines())
            if not goes_on:
                return
            sleep(EVERY_SECONDS)


def _events(lines: list[str]) -> Iterator[Event]:
    for line in lines:
        try:
            yield event_of(line)
        except ValueError:
            continue  # a line that was torn when the run was killed
