"""A run's folder: made aside under a name that sorts away, and renamed when all of it is there."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import unicodedata
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from agent.errors import RunUnwritable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import date
    from pathlib import Path

LONGEST_SLUG: Final = 48


class NewRunFolder:
    """The folder of a run that is going on; readers see it under its own name only when whole."""

    def __init__(self, out: Path, run_id: str) -> None:
        self.id = run_id
        self.path = out / run_id
        self.aside = out / f".{run_id}.unfinished"

    @property
    def documents(self) -> Path:
        """Where the texts of this run's sources are kept."""
        return self.aside / "documents"

    async def write(self, name: str, content: str | bytes) -> None:
        """Write one file aside; raise RunUnwritable if the disk refuses."""
        try:
            await asyncio.to_thread(_write, self.aside / name, content)
        except OSError as error:
            raise _unwritable(self.aside / name, error) from error

    def publish(self) -> None:
        """Give the folder its name."""
        try:
            self.aside.rename(self.path)
        except OSError as error:
            raise _unwritable(self.path, error) from error


@asynccontextmanager
async def new_run_folder(out: Path, question: str, today: date) -> AsyncIterator[NewRunFolder]:
    """Make a run's folder before anything is spent; publish it at the end, or leave no trace.

    Raises RunUnwritable if ``out`` cannot be written.
    """
    run = NewRunFolder(out, f"{today:%Y-%m-%d}-{slug(question)}-{secrets.token_hex(3)}")
    try:
        run.documents.mkdir(parents=True)
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        yield run
        run.publish()
    finally:
        if run.aside.exists():
            await asyncio.to_thread(shutil.rmtree, run.aside)


def slug(text: str) -> str:
    """Return the words of a text as a file name: letters, digits and hyphens; Chinese kept."""
    plain = unicodedata.normalize("NFKC", text).lower()
    words = re.findall(r"[^\W_]+", plain)
    name = ""
    for word in words:
        if len(name) + 1 + len(word) > LONGEST_SLUG:
            break
        name = f"{name}-{word}" if name else word
    return name or (words[0][:LONGEST_SLUG] if words else "run")


def _write(path: Path, content: str | bytes) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def _unwritable(path: Path, error: OSError) -> RunUnwritable:
    return RunUnwritable(
        f"cannot write {path}: {error.strerror or error}",
        mend="choose a folder you may write to with --out",
    )
