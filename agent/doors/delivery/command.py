"""Delivers to a program of the user's own: no shell, the report as JSON on standard input."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from agent.doors.delivery.parcel import Undelivered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.doors.delivery.parcel import Parcel

SECONDS: Final = 120.0
"""How long a program may take; then it is killed with all that it started."""

LONGEST_COMPLAINT: Final = 300


async def to_command(argv: Sequence[str], parcel: Parcel, *, seconds: float = SECONDS) -> None:
    """Run a program; raise Undelivered if it cannot be, fails, or takes too long.

    ``REPORT_RUN_ID`` and ``REPORT_FOLDER`` in its environment say which report it is about. They
    have not our own prefix: our commands, called by the program, would refuse it.
    """
    names = {"REPORT_RUN_ID": parcel.report.run.id, "REPORT_FOLDER": str(parcel.folder.absolute())}
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **names},
            start_new_session=True,
        )
    except OSError as error:
        raise Undelivered(f"{argv[0]} cannot be run: {error.strerror or error}") from error
    try:
        async with asyncio.timeout(seconds):
            _, complaint = await process.communicate(parcel.as_json())
    except TimeoutError as error:
        await _killed(process)
        raise Undelivered(f"{argv[0]} took more than {seconds:g} s") from error
    except asyncio.CancelledError:
        await _killed(process)
        raise
    if process.returncode:
        said = complaint.decode(errors="replace").strip()[-LONGEST_COMPLAINT:]
        raise Undelivered(f"{argv[0]} ended with {process.returncode}: {said}".rstrip(": "))


async def _killed(process: asyncio.subprocess.Process) -> None:
    """Kill a program and what it started, which may outlive it."""
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
