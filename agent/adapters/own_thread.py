"""Runs a synchronous stranger in a thread of its own, which nobody has to wait for."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


async def in_own_thread(function: Callable[[], Result]) -> Result:
    """Return what a function returns, or raise what it raises.

    Unlike ``asyncio.to_thread``, a caller that gave up is rid of it: the thread is a daemon, so
    a server that never answers can keep neither the event loop nor the process from ending.
    """
    promise: Future[Result] = Future()

    def work() -> None:
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - handed on to whoever waits
            promise.set_exception(error)
        else:
            promise.set_result(result)

    promise.set_running_or_notify_cancel()
    Thread(target=work, daemon=True, name="stranger").start()
    return await asyncio.wrap_future(promise)
