"""Sees to it that one process at a time works on a run, and says which one it is."""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.errors import RunBusy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

if sys.platform == "win32":
    import msvcrt

    FAR_AWAY = 1 << 30
    """Windows bars others from reading what is locked: so nothing that is written is locked."""

    def _lock(file: BinaryIO) -> None:
        file.seek(FAR_AWAY)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def held(path: Path, work: str = "this run") -> Iterator[None]:
    """Hold a lock file, which the system lets go of when the process ends, however it ends.

    ``work`` is what it stands for. Raises RunBusy, naming the holder, if another has it; OSError if
    it cannot be made.
    """
    file = _taken(path, work)
    try:
        file.truncate(0)
        file.write(json.dumps(_ourselves()).encode())
        file.flush()
        yield
    finally:
        if sys.platform != "win32":  # there, an open file cannot be removed
            path.unlink(missing_ok=True)
        file.close()


def is_held(path: Path) -> bool:
    """Whether a process holds a lock file."""
    try:
        with path.open("rb") as file:
            _lock(file)
    except FileNotFoundError:
        return False
    except (BlockingIOError, PermissionError):
        return True
    return False


def _taken(path: Path, work: str) -> BinaryIO:
    """Return the file, locked."""
    while True:
        file = path.open("a+b")
        try:
            _lock(file)
        except (BlockingIOError, PermissionError) as error:
            holder = _holder(file)
            file.close()
            raise RunBusy(
                f"{holder} is working on {work}", mend="wait for it, or stop it"
            ) from error
        if _is_still_there(path, file):
            return file
        file.close()  # who had it before us removed it meanwhile


def _is_still_there(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _ourselves() -> dict[str, object]:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": since}


def _holder(file: BinaryIO) -> str:
    """Say who holds the lock; it may be about to write its name."""
    file.seek(0)
    try:
        told = json.loads(file.read())
        return f"process {told['pid']} on {told['host']} (since {told['since']})"
    except (ValueError, KeyError, TypeError):
        return "another process"
