"""A disk that is full or read-only where a run writes: said clearly, and nothing whole is lost."""

import errno
import os
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent.errors import ModelUnavailable, RunUnwritable

Place = Any
Refuse = Callable[[pytest.MonkeyPatch, int], None]


def full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read_only() -> OSError:
    return OSError(errno.EROFS, os.strerror(errno.EROFS))


def from_the(number: int, method: Any, error: Callable[[], OSError]) -> Any:
    """The method, which from its n-th call on is refused."""
    left = iter(range(number - 1))

    def refusing(*given: Any, **named: Any) -> Any:
        if next(left, None) is None:
            raise error()
        return method(*given, **named)

    return refusing


def putting_on_the_disk(patch: pytest.MonkeyPatch, number: int) -> None:
    patch.setattr(os, "fsync", from_the(number, os.fsync, full))


def making_the_folder(patch: pytest.MonkeyPatch, number: int) -> None:
    patch.setattr(Path, "mkdir", from_the(number, Path.mkdir, read_only))


def opened(ending: str, opening: Callable[..., Any]) -> Any:
    usual = Path.open

    def other(path: Path, *given: Any, **named: Any) -> Any:
        return (opening if path.name.endswith(ending) else usual)(path, *given, **named)

    return other


def taking_the_lock(patch: pytest.MonkeyPatch, number: int) -> None:
    patch.setattr(Path, "open", opened(".lock", from_the(number, Path.open, read_only)))


def telling_what_happens(patch: pytest.MonkeyPatch, number: int) -> None:
    usual = Path.open

    def small(path: Path, *given: Any, **named: Any) -> Any:
        file = usual(path, *given, **named)
        if "a" in given:
            file.write = from_the(number, file.write, full)
        return file

    patch.setattr(Path, "open", opened("events.jsonl", small))


def opening_a_database(patch: pytest.MonkeyPatch, number: int) -> None:
    places = iter(range(number - 1))
    usual = sqlite3.connect

    def connect(path: Any, *given: Any, **named: Any) -> Any:
        if Path(path).name in {"journal.sqlite", "state.sqlite"} and next(places, None) is None:
            raise sqlite3.OperationalError("unable to open database file")
        return usual(path, *given, **named)

    patch.setattr(sqlite3, "connect", connect)


@pytest.mark.parametrize(
    ("refuse", "number"),
    [
        (making_the_folder, 1),
        (taking_the_lock, 1),
        (putting_on_the_disk, 1),
        (putting_on_the_disk, 3),
        (telling_what_happens, 1),
        (opening_a_database, 1),
        (opening_a_database, 2),
    ],
)
async def test_a_run_that_cannot_begin_says_so_and_leaves_no_trace(
    place: Place, refuse: Refuse, number: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        refuse(patch, number)
        with pytest.raises(RunUnwritable) as caught:
            await place.research()
    assert caught.value.mend
    assert caught.value.stopped_run == ""
    assert place.paid == []
    assert not list(place.settings.out.glob("*"))


@pytest.mark.parametrize(
    ("refuse", "number"),
    [
        (putting_on_the_disk, 5),
        (putting_on_the_disk, 20),
        (putting_on_the_disk, 50),
        (telling_what_happens, 3),
        (telling_what_happens, 25),
    ],
)
async def test_a_run_that_cannot_go_on_is_taken_up_and_pays_for_nothing_twice(
    place: Place, refuse: Refuse, number: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        refuse(patch, number)
        with pytest.raises(RunUnwritable, match="No space left on device"):
            await place.research()
    paid = list(place.paid)
    assert not [path for path in place.stopped.rglob(".*") if path.is_file()]
    report = await place.resume()
    assert report.run.status == "complete"
    assert place.paid[: len(paid)] == paid
    assert report.usage.calls == len(place.paid)
    for form in ("BriefReply", "OutlineReply"):
        assert place.paid.count(form) == 1


async def test_where_a_days_spending_cannot_be_kept_nothing_more_is_spent_and_nothing_lost(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("GATEWAY_MODEL", "gpt-4o-mini")  # one that has a price
    place.settings = place.settings.model_copy(update={"max_usd_per_day": Decimal(5)})
    writing = Path.open

    def small(path: Path, mode: str = "r", *given: Any, **named: Any) -> Any:
        if mode == "ab" and len(place.paid) > 1:
            raise full()
        return writing(path, mode, *given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", opened("days.json", small))
        with pytest.raises(ModelUnavailable, match=r"days\.json: No space left on device"):
            await place.research()
    assert place.paid == ["BriefReply", "OutlineReply"]
    report = await place.resume()
    assert report.run.status == "complete"
    assert report.usage.calls == len(place.paid)
    assert place.paid.count("OutlineReply") == 1


async def test_what_is_kept_for_later_runs_is_no_reason_to_fail(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.settings.cache.write_text("no folder")
    report = await place.research()
    assert report.run.status == "complete"
    for said in ("pages are not kept", "searches are not kept", "page cache"):
        assert said in caplog.text
