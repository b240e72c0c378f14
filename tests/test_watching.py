from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.adapters.run_folder import WorkingFolder
from agent.adapters.run_lock import held
from agent.domain.events import Event, event_line, event_of
from agent.watching import followed

NOW = datetime(2026, 1, 2, tzinfo=UTC)
FIRST, SECOND, LAST = (Event("retrieve", text) for text in ("first", "second", "last"))


def line(event: Event) -> str:
    return event_line(event, NOW)


def test_a_run_is_followed_through_its_renaming_to_its_end(tmp_path: Path) -> None:
    folder = WorkingFolder(tmp_path, "run-1")
    folder.aside.mkdir()
    folder.events.write_text(line(FIRST))
    seen: list[Event] = []
    lock = held(folder.lock)
    lock.__enter__()

    def meanwhile(_: float) -> None:
        if SECOND not in seen:
            with folder.events.open("a") as file:
                file.write(line(SECOND) + '{"torn\n')
            return
        with folder.events.open("a") as file:
            file.write(line(LAST))
        folder.aside.rename(folder.path)
        lock.__exit__(None, None, None)

    for event in followed(folder.aside, meanwhile):
        seen += [event]  # looked at meanwhile
    assert seen == [FIRST, SECOND, LAST]


def test_a_run_nobody_works_on_is_told_as_far_as_it_came(tmp_path: Path) -> None:
    folder = WorkingFolder(tmp_path, "run-1")
    folder.aside.mkdir()
    assert list(followed(folder.aside)) == []
    folder.events.write_text(line(FIRST))
    assert list(followed(folder.aside)) == [FIRST]


@pytest.mark.parametrize("broken", ["{", "[]", "{}", "7"])
def test_what_tells_no_event_is_none(broken: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own, or ours
        event_of(broken)
