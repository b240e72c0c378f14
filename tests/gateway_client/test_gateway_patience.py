"""Waits are bounded as `asyncio.timeout` bounds them, long ones by a timer they share."""

import asyncio

import pytest

from gateway_client.families import patience
from gateway_client.families.patience import Patience


@pytest.fixture(params=["a timer of its own", "the shared timer"])
def bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Patience:
    monkeypatch.setattr(patience, "TICK_SECONDS", 0.02)
    if request.param == "the shared timer":
        monkeypatch.setattr(patience, "COARSE_FROM", 0.0)
    return Patience()


async def test_what_takes_too_long_is_ended_and_the_task_goes_on(bounds: Patience) -> None:
    with pytest.raises(TimeoutError), bounds.bound(0.05):
        await asyncio.sleep(9)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_what_is_done_in_time_is_left_alone(bounds: Patience) -> None:
    for _ in range(3):
        with bounds.bound(0.1):
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)


async def test_each_of_many_waits_has_its_own_bound(bounds: Patience) -> None:
    async def wait(seconds: float, work: float) -> bool:
        try:
            with bounds.bound(seconds):
                await asyncio.sleep(work)
        except TimeoutError:
            return False
        return True

    in_time = await asyncio.gather(wait(0.05, 9), wait(9, 0.1), wait(0.06, 9), wait(9, 0.01))
    assert list(in_time) == [False, True, False, True]
    assert await wait(0.05, 9) is False  # also once the timer has stopped


async def test_a_task_that_others_cancel_is_cancelled(bounds: Patience) -> None:
    async def wait() -> None:
        with bounds.bound(0.05):
            try:
                await asyncio.sleep(9)
            finally:
                task.cancel()  # while it is being ended for being late

    task = asyncio.create_task(wait())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_work_may_fail_by_itself(bounds: Patience) -> None:
    with pytest.raises(ValueError, match="own"), bounds.bound(0.05):
        raise ValueError("its own")
