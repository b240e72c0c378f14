import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.checkpoints import Checkpoints
from agent.errors import RunUnwritable
from gateway_client.journal import Journal

Place = Any
Method = Callable[..., Any]


def refused(method: Method, number: int, error: Callable[[], Exception]) -> Method:
    """The method, which from its n-th call on cannot write any more."""
    calls = iter(range(1, 1_000_000))

    def refusing(*given: Any, **named: Any) -> Any:
        if next(calls) >= number:
            raise error()
        return method(*given, **named)

    return refusing


def full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read_only() -> OSError:
    return OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.mark.parametrize("number", [2, 5, 18, 20, 24])
@pytest.mark.parametrize("error", [full, read_only])
async def test_a_file_that_cannot_be_written_stops_the_run_which_goes_on_once_it_can(
    place: Place, number: int, error: Callable[[], Exception]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", refused(Path.replace, number, error))
        with pytest.raises(RunUnwritable, match=error().args[1]):
            await place.research()
    paid = list(place.paid)
    report = await place.resume()
    assert report.run.status == "complete"
    assert [form for form in place.paid if form in {"BriefReply", "OutlineReply"}] == [
        "BriefReply",
        "OutlineReply",
    ]
    assert place.paid[: len(paid)] == paid
    assert (place.finished / "report.json").is_file()


async def test_a_folder_that_cannot_get_its_name_keeps_the_run(place: Place) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", refused(Path.rename, 1, read_only))
        with pytest.raises(RunUnwritable, match="--out"):
            await place.research()
    paid = list(place.paid)
    report = await place.resume()
    assert place.paid == paid
    assert place.finished.name == report.run.id


@pytest.mark.parametrize("pages", [16, 20])
@pytest.mark.parametrize("owner", [Journal, Checkpoints])
async def test_a_database_that_is_full_stops_the_run_which_goes_on_once_there_is_room(
    place: Place, monkeypatch: pytest.MonkeyPatch, owner: type, pages: int
) -> None:
    connect = sqlite3.connect

    def small(path: Any, *given: Any, **named: Any) -> sqlite3.Connection:
        database: sqlite3.Connection = connect(path, *given, **named)
        wanted = "journal.sqlite" if owner is Journal else "state.sqlite"
        if Path(path).name == wanted:
            database.execute(f"PRAGMA max_page_count = {pages}")
        return database

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", small)
        with pytest.raises(RunUnwritable, match="full - make room"):
            await place.research()
    report = await place.resume()
    assert report.run.status == "complete"
    assert place.paid.count("BriefReply") == 1
