import asyncio
import threading
import time

import pytest

from agent.adapters.own_thread import in_own_thread


async def test_what_a_function_returns_or_raises_comes_back() -> None:
    assert await in_own_thread(lambda: threading.current_thread().daemon)
    with pytest.raises(ValueError, match="invalid literal"):
        await in_own_thread(lambda: int("x"))


def test_a_stranger_that_hangs_keeps_neither_its_caller_nor_the_loop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    release = threading.Event()
    ended = threading.Event()

    def hang() -> None:
        release.wait(10)
        ended.set()

    async def give_up() -> None:
        async with asyncio.timeout(0.05):
            await in_own_thread(hang)

    started = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    assert time.monotonic() - started < 2
    release.set()
    assert ended.wait(2)
    assert caplog.records == []
