import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from agent import wiring
from agent.adapters.run_lock import held
from agent.errors import RunBusy, RunDamaged, RunFinished, RunUnknown

Place = Any


async def test_a_run_that_failed_goes_on_and_pays_for_nothing_twice(stopped: Place) -> None:
    assert stopped.paid == ["BriefReply"]
    report = await stopped.resume()
    assert report.run.status == "complete"
    assert stopped.paid.count("BriefReply") == 1
    assert report.usage.calls == len(stopped.paid)
    assert report.usage.by_task["refine"].calls == 1
    assert stopped.finished.name == report.run.id
    assert not (stopped.finished / "state.sqlite").exists()


async def test_a_run_that_is_finished_or_never_was_is_not_taken_up(place: Place) -> None:
    report = await place.research()
    with pytest.raises(RunFinished, match=report.run.id):
        await wiring.resume(report.run.id, settings=place.settings)
    with pytest.raises(RunUnknown, match="no run 'it'"):
        await wiring.resume("it", settings=place.settings)
    assert place.finished.name == report.run.id


async def test_who_comes_second_is_told_who_works_on_the_run(stopped: Place) -> None:
    first = asyncio.create_task(stopped.resume())
    await asyncio.sleep(0)
    with pytest.raises(RunBusy, match=r"process \d+ on .+ \(since .+\) is working on this run"):
        await stopped.resume()
    await first
    assert stopped.paid.count("BriefReply") == 1


async def test_a_lock_that_tells_nothing_still_holds(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with held(lock):
        lock.write_text('{"pid": 1')
        with pytest.raises(RunBusy, match="another process"), held(lock):
            pytest.fail("both hold it")
    assert not lock.exists()
    with held(lock):
        pass


@pytest.mark.parametrize("harm", ["overwritten", "cut", "a byte changed"])
async def test_damaged_checkpoints_are_named_and_without_them_nothing_is_paid_twice(
    stopped: Place, harm: str
) -> None:
    checkpoints = stopped.stopped / "state.sqlite"
    damage(checkpoints, harm)
    with pytest.raises(RunDamaged, match="delete them"):
        await stopped.resume()
    checkpoints.unlink()
    report = await stopped.resume()
    assert report.run.status == "complete"
    assert stopped.paid.count("BriefReply") == 1


async def test_a_damaged_journal_is_named_and_without_it_the_checkpoints_count(
    stopped: Place,
) -> None:
    journal = stopped.stopped / "journal.sqlite"
    damage(journal, "overwritten")
    with pytest.raises(RunDamaged, match="delete it"):
        await stopped.resume()
    journal.unlink()
    report = await stopped.resume()
    assert report.run.status == "complete"
    assert stopped.paid.count("BriefReply") == 1


async def test_a_torn_request_is_named(stopped: Place) -> None:
    request = stopped.stopped / "0-request.json"
    request.write_bytes(request.read_bytes()[:-20])
    with pytest.raises(RunDamaged, match=r"0-request\.json"):
        await stopped.resume()


async def test_no_address_and_no_key_is_kept_in_the_request(stopped: Place) -> None:
    text = (stopped.stopped / "0-request.json").read_text(encoding="utf-8")
    assert stopped.settings.searxng_url not in text
    assert "_url" not in text


def damage(path: Path, harm: str) -> None:
    if harm == "overwritten":
        path.write_bytes(b"nothing that SQLite knows" * 1000)
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    else:
        database = sqlite3.connect(path)
        database.execute("UPDATE checkpoints SET checkpoint = substr(checkpoint, 1, 500)")
        database.commit()
        database.close()
