"""A run's folder: made aside under a name that sorts away, and renamed when all of it is there."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import unicodedata
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

from agent.adapters.run_lock import held
from agent.adapters.whole_files import sync_folder, write_whole
from agent.errors import DeepResearchError, RunFinished, RunUnknown, RunUnwritable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import date
    from pathlib import Path

LONGEST_SLUG: Final = 48
UNFINISHED: Final = ".unfinished"
REQUEST: Final = "0-request.json"
"""What a run was asked, its first file: in a folder without it there is nothing to go on with."""


class WorkingFolder:
    """The folder of a run that is going on; readers see it under its own name only when whole.

    ``is_paid`` is for whoever pays to set: such a folder is kept if the run fails.
    """

    def __init__(self, out: Path, run_id: str) -> None:
        self.id = run_id
        self.path = out / run_id
        self.aside = out / f".{run_id}{UNFINISHED}"
        self.lock = out / f".{run_id}.lock"
        self.is_paid = False

    @property
    def documents(self) -> Path:
        """Where the texts of this run's sources are kept."""
        return self.aside / "documents"

    @property
    def journal(self) -> Path:
        """Where the replies that were paid for are kept."""
        return self.aside / "journal.sqlite"

    @property
    def events(self) -> Path:
        """Where it is kept what happened."""
        return self.aside / "events.jsonl"

    @property
    def checkpoints(self) -> Path:
        """Where the state of the run is kept."""
        return self.aside / "state.sqlite"

    @property
    def is_worth_keeping(self) -> bool:
        """Whether something was paid for or read."""
        return self.is_paid or next(self.documents.glob("*.txt"), None) is not None

    async def write(self, name: str, content: str | bytes) -> None:
        """Write one file whole; raise RunUnwritable if the disk refuses."""
        data = content.encode() if isinstance(content, str) else content
        try:
            await asyncio.to_thread(write_whole, self.aside / name, data)
        except OSError as error:
            raise _unwritable(self.aside / name, error) from error

    def refuse_finished(self) -> None:
        """Raise RunFinished if the run is, and RunUnknown if it never was."""
        if self.path.is_dir():
            raise RunFinished(f"the run {self.id} is finished: {self.path}")
        if not self.aside.is_dir():
            out = self.path.parent
            raise RunUnknown(f"no run {self.id!r} in {out}", mend="see deep-research list")

    def publish(self) -> None:
        """Give the folder its name; the state of a run that is done is of no more use."""
        try:
            sync_folder(self.aside)
            self.aside.rename(self.path)
            sync_folder(self.path.parent)
            (self.path / self.checkpoints.name).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self.path, error) from error


@asynccontextmanager
async def new_run_folder(out: Path, question: str, today: date) -> AsyncIterator[WorkingFolder]:
    """Make a run's folder before anything is spent, and publish it at the end.

    A run that fails leaves what was paid for or read, to be taken up again, or else no trace.
    Raises RunUnwritable if ``out`` cannot be written.
    """
    run = WorkingFolder(out, new_run_id(question, today))
    with ExitStack() as stack:
        try:
            _make(run, stack)
            async with _published(run):
                yield run
        finally:
            if run.aside.exists() and not run.is_worth_keeping:
                # what ended the run is to be told, not what became of its remains
                await asyncio.to_thread(shutil.rmtree, run.aside, ignore_errors=True)


def _make(run: WorkingFolder, stack: ExitStack) -> None:
    """Make a run's folder, and hold its lock until the stack is closed."""
    out = run.path.parent
    try:
        run.documents.mkdir(parents=True)
        sync_folder(out)
        stack.enter_context(held(run.lock))
    except OSError as error:
        raise _unwritable(out, error) from error


@asynccontextmanager
async def taken_up(run: WorkingFolder) -> AsyncIterator[WorkingFolder]:
    """Take up the folder of a run that was stopped, and publish it at the end.

    Raises RunBusy if another process works on it, RunFinished if nothing is left to do.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(held(run.lock))
        except OSError as error:
            raise _unwritable(run.lock, error) from error
        run.refuse_finished()
        async with _published(run):
            yield run


def unfinished(out: Path) -> Iterator[tuple[str, Path]]:
    """Yield the ids and folders of the runs that are going on or were stopped."""
    for path in out.glob(f".*{UNFINISHED}/{REQUEST}"):
        yield run_id(path.parent), path.parent


def run_id(folder: Path) -> str:
    """Return the id of the run whose folder this is, under whichever of its names."""
    return folder.name.removeprefix(".").removesuffix(UNFINISHED)


def new_run_id(question: str, today: date) -> str:
    """Return an id that sorts by day, says what it is about, and is nobody else's."""
    return f"{today:%Y-%m-%d}-{slug(question)}-{secrets.token_hex(3)}"


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


@asynccontextmanager
async def _published(run: WorkingFolder) -> AsyncIterator[None]:
    """Publish a run that ends well; of one that does not, say whether it can be taken up again."""
    try:
        yield
        await asyncio.to_thread(run.publish)
    except DeepResearchError as error:
        error.stopped_run = run.id if run.is_worth_keeping else ""
        raise


def _unwritable(path: Path, error: OSError) -> RunUnwritable:
    return RunUnwritable(
        f"cannot write {path}: {error.strerror or error}",
        mend="choose a folder you may write to with --out",
    )
