"""Brings an index in line with the files: reads what is new or changed, forgets what is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING, Final

from agent.adapters.corpus.files import TYPES, contents, stamp
from agent.adapters.corpus.index import Entry, Index
from agent.adapters.own_thread import in_own_thread
from agent.domain.evidence import Failure, Page
from agent.errors import PageUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from agent.adapters.corpus.files import Contents

Parse = Callable[[bytes, str, str], Awaitable[Page]]
"""Makes a page of bytes, their media type and their address; raises PageUnreadable."""
OnProgress = Callable[[int, int], None]
"""Told how many files are done, and of how many that have to be read."""

BATCH_SECONDS: Final = 2.0
BATCH_CHARACTERS: Final = 8_000_000
"""What is written at a time: so much is lost if a run is broken off. Text files come 400 a second,
for which one large batch is quicker than many small ones; PDFs ten."""


@dataclass(slots=True)
class Update:
    """One update while it goes on; ``unreadable`` tells why, by address."""

    index: Index
    parse: Parse
    on_progress: OnProgress
    unreadable: dict[str, str]
    files: Iterator[tuple[str, Path]]
    total: int
    done: int = 0
    batch: list[Entry] = field(default_factory=list)
    characters: int = 0
    written_at: float = field(default_factory=time.monotonic)

    async def work(self) -> None:
        """Read files as long as there are any left; several of these work side by side."""
        for url, file in self.files:
            try:
                found = await in_own_thread(partial(self._contents, url, file))
            except PageUnreadable as error:  # a file that cannot be opened is not remembered
                self.unreadable[url] = str(error)
            else:
                await self._add(await made_of(url, file, found, self.parse) if found else None)
            self.done += 1
            self.on_progress(self.done, self.total)

    def _contents(self, url: str, file: Path) -> Contents | None:
        """Return the contents of a file, or None if another run was faster."""
        return None if self.index.knows(url, stamp(file)) else contents(file)

    async def _add(self, entry: Entry | None) -> None:
        if entry:
            self.batch.append(entry)
            self.characters += len(entry.outcome.text) if isinstance(entry.outcome, Page) else 0
        long = time.monotonic() - self.written_at >= BATCH_SECONDS
        if long or self.characters >= BATCH_CHARACTERS:
            await self.write()

    async def write(self) -> None:
        """Put what was read into the index."""
        full, self.batch = self.batch, []
        self.characters, self.written_at = 0, time.monotonic()
        if full:
            await in_own_thread(partial(self.index.put, full))


async def update(
    index: Index,
    files: Mapping[str, Path],
    *,
    parse: Parse,
    at_once: int,
    on_progress: OnProgress,
) -> dict[str, str]:
    """Make the index hold exactly these files as they are now.

    Returns why files cannot be read, by address. Raises SearchFailed or IndexCorrupt.
    """
    stale, unreadable = await in_own_thread(partial(_compared, index, files))
    updating = Update(index, parse, on_progress, unreadable, iter(stale), len(stale))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(stale))):
                group.create_task(updating.work())
    except ExceptionGroup as several:
        raise several.exceptions[0] from several
    await updating.write()
    return await in_own_thread(partial(_settled, index, files, unreadable))


async def made_of(url: str, file: Path, found: Contents, parse: Parse) -> Entry:
    """Return what becomes of a file's contents: a page, or why there is none."""
    body, read_at = found
    try:
        return Entry(url, read_at, await parse(body, TYPES[file.suffix.lower()], url))
    except PageUnreadable as error:
        return Entry(url, read_at, Failure(url, str(error)))


def _compared(
    index: Index, files: Mapping[str, Path]
) -> tuple[list[tuple[str, Path]], dict[str, str]]:
    """Return the files to read, and why others cannot be.

    They come in no order, so that two runs on one index do not do the same work side by side.
    """
    known = index.stamps()
    unreadable: dict[str, str] = {}
    stale: list[tuple[str, Path]] = []
    for url, file in files.items():
        try:
            if known.get(url) != stamp(file):
                stale.append((url, file))
        except PageUnreadable as error:
            unreadable[url] = str(error)
    SystemRandom().shuffle(stale)
    return stale, unreadable


def _settled(
    index: Index, files: Mapping[str, Path], unreadable: Mapping[str, str]
) -> dict[str, str]:
    """Forget files that are gone or cannot be opened, and return why files cannot be read."""
    index.keep_only(files.keys() - unreadable.keys())
    failures = {url: why for url, why in index.failures().items() if url in files}
    return failures | dict(unreadable)
