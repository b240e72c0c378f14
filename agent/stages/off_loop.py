"""Does the work that keeps a processor busy where it holds up neither the loop nor other runs."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Given = ParamSpec("Given")
Result = TypeVar("Result")

_ONE_THREAD: Final = ThreadPoolExecutor(1, thread_name_prefix="off-loop")
"""For all runs of the process. Python runs one thread at a time: more of them would get nothing
done sooner, but the loop would have to wait for each in turn whenever it comes back from waiting
(5 ms apiece)."""


async def off_loop(
    work: Callable[Given, Result], /, *args: Given.args, **kwargs: Given.kwargs
) -> Result:
    """Return what a function returns that computes and does not wait, or raise what it raises."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_ONE_THREAD, partial(work, *args, **kwargs))
