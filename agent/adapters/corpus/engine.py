"""Searches and reads one's own files through an index that is kept up to date."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from agent.adapters.corpus.database import discard, require_full_text_search
from agent.adapters.corpus.files import contents, listed, stamp
from agent.adapters.corpus.index import Index, IndexCorrupt
from agent.adapters.corpus.places import index_file
from agent.adapters.corpus.snippets import snippet
from agent.adapters.corpus.updating import made_of, update
from agent.adapters.own_thread import in_own_thread
from agent.domain.evidence import Failure, Hit, Page
from agent.errors import AddressRefused, PageUnreadable, SearchFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from agent.adapters.corpus.files import Listing
    from agent.adapters.corpus.updating import OnProgress, Parse
    from agent.domain.question import Scope, SourceKind

READ_AT_ONCE: Final = 4
MOST_TOLD: Final = 20
"""Unreadable files that are told of one by one; the rest is told as a number for each folder."""

Answer = TypeVar("Answer")
_log: Final = logging.getLogger(__name__)


async def parse_in_thread(body: bytes, content_type: str, url: str) -> Page:
    """Make a page of bytes in a thread of this process."""
    from agent.adapters.parsing.extraction import extract  # noqa: PLC0415 - only where there are files

    return await in_own_thread(partial(extract, body, content_type, url))


def tell_nobody(_done: int, _total: int) -> None:
    """Listen to nothing: the default where nobody watches."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The files as of this run, ready to be searched; ``unreadable`` says what is not, and why."""

    index: Index
    files: Mapping[str, Path]
    unreadable: Mapping[str, str]

    def admits(self, scope: Scope, url: str, published: str | None) -> bool:
        """Whether a file of the index is meant; another run may have added one we do not know."""
        day = date.fromisoformat(published) if published else None
        return url in self.files and scope.covers(day)


class Corpus:
    """A search engine over files, and the reader of those files and no others.

    The files are listed when it is made; those that are new or changed are read once, at the
    first search or reading or when it is told to ``prepare``. What was made of them is kept in a
    file in the folder ``cache``, or in memory if there is none.
    """

    name = "corpus"
    kind: SourceKind = "corpus"

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        cache: Path | None = None,
        parse: Parse = parse_in_thread,
        read_at_once: int = READ_AT_ONCE,
        on_progress: OnProgress = tell_nobody,
    ) -> None:
        """Take folders or single files; raise CorpusUnusable if one has nothing to read."""
        require_full_text_search()
        self._listing = listed(folders)
        self._path = index_file(cache, self._listing.folders) if cache else None
        self._parse = parse
        self._read_at_once = read_at_once
        self._on_progress = on_progress
        self._preparing: asyncio.Future[Shelf] | None = None
        self._unreadable_told = False

    async def prepare(self) -> None:
        """Read what is new or changed, so that searches need not wait for it."""
        await asyncio.shield(self._begun())

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` files that share words with the query, best first.

        The first search also returns files that cannot be read: trying to says why.
        """
        try:
            hits, shelf = await self._ask(partial(_hits, query=query, limit=limit, scope=scope))
        except IndexCorrupt as error:
            raise SearchFailed(f"the index of the corpus is damaged: {error}") from error
        told, self._unreadable_told = self._unreadable_told, True
        return hits if told else hits + [Hit("corpus", url, "") for url in shelf.unreadable]

    async def read(self, url: str) -> Page:
        """Return the page of a file as it is now; every other address is refused."""
        try:
            known, shelf = await self._ask(partial(_known, url=url))
            file = shelf.files.get(url)
            if known is None and file:
                found = await in_own_thread(partial(contents, file))
                entry = await made_of(url, file, found, self._parse)
                await in_own_thread(partial(shelf.index.put, [entry]))
                known = entry.outcome
        except (SearchFailed, IndexCorrupt) as error:
            raise PageUnreadable(str(error)) from error
        if known is None:
            raise AddressRefused(f"{url} is no file of the corpus")
        if isinstance(known, Failure):
            raise PageUnreadable(known.why)
        return known

    async def aclose(self) -> None:
        """Stop reading and close the index; without it both end with the last reference."""
        preparing, self._preparing = self._preparing, None
        if preparing:
            preparing.cancel()
            for shelf in await asyncio.gather(preparing, return_exceptions=True):
                if isinstance(shelf, Shelf):
                    await in_own_thread(shelf.index.close)

    async def _ask(self, ask: Callable[[Shelf], Answer]) -> tuple[Answer, Shelf]:
        """Ask the shelf in a thread; if its index turns out to be damaged, make it anew, once."""
        preparing = self._begun()
        shelf = await asyncio.shield(preparing)
        try:
            return await in_own_thread(partial(ask, shelf)), shelf
        except IndexCorrupt as error:
            if self._preparing is preparing:  # else another search has seen to it
                self._preparing = asyncio.ensure_future(self._renewed(shelf.index, error))
        shelf = await asyncio.shield(self._begun())
        return await in_own_thread(partial(ask, shelf)), shelf

    def _begun(self) -> asyncio.Future[Shelf]:
        """Read all files once; a caller that gives up (on a shield) does not stop it for others."""
        if self._preparing is None:
            self._preparing = asyncio.ensure_future(self._prepare())
        return self._preparing

    async def _prepare(self) -> Shelf:
        index = await in_own_thread(partial(_opened, self._path))
        try:
            return await self._shelf(index)
        except IndexCorrupt as error:
            return await self._renewed(index, error)

    async def _renewed(self, index: Index, error: IndexCorrupt) -> Shelf:
        await in_own_thread(index.close)
        return await self._shelf(await in_own_thread(partial(_made_anew, self._path, error)))

    async def _shelf(self, index: Index) -> Shelf:
        files = await in_own_thread(partial(_by_address, self._listing))
        unreadable = await update(
            index,
            files,
            parse=self._parse,
            at_once=self._read_at_once,
            on_progress=self._on_progress,
        )
        return Shelf(index, files, _told(unreadable, files, self._listing))


def _opened(path: Path | None) -> Index:
    """Open the index, made anew if it is damaged."""
    try:
        return Index(path)
    except IndexCorrupt as error:
        return _made_anew(path, error)
    except (OSError, SearchFailed) as error:
        return _in_memory(error)


def _made_anew(path: Path | None, error: IndexCorrupt) -> Index:
    _log.warning("the index of the corpus was damaged (%s) and is made anew", error)
    try:
        if path:
            discard(path)
        return Index(path)
    except (OSError, SearchFailed, IndexCorrupt) as refused:
        return _in_memory(refused)


def _in_memory(error: Exception) -> Index:
    _log.warning("the corpus is indexed in memory, for this run only: %s", error)
    return Index()


def _by_address(listing: Listing) -> dict[str, Path]:
    return {file.as_uri(): file for file in listing.files}


def _told(
    unreadable: Mapping[str, str], files: Mapping[str, Path], listing: Listing
) -> dict[str, str]:
    """Return the first of what cannot be read, and under each folder how much more is in it."""
    paths = dict(files) | {folder.as_uri(): folder for folder in listing.shut}
    reasons = dict(unreadable) | {folder.as_uri(): why for folder, why in listing.shut.items()}
    first, more = sorted(reasons)[:MOST_TOLD], sorted(reasons)[MOST_TOLD:]
    folders = Counter(
        next(folder for folder in listing.folders if paths[url].is_relative_to(folder))
        for url in more
    )
    return {url: reasons[url] for url in first} | {
        folder.as_uri(): f"{count:,} more of the files in it cannot be read"
        for folder, count in folders.items()
    }


def _hits(shelf: Shelf, *, query: str, limit: int, scope: Scope) -> list[Hit]:
    pages = shelf.index.search(query, limit, partial(shelf.admits, scope))
    return [
        Hit(
            kind="corpus",
            url=page.url,
            title=page.title,
            snippet=snippet(page.text, query),
            authors=page.authors,
            published=page.published,
            publication=page.publication,
        )
        for page in pages
    ]


def _known(shelf: Shelf, *, url: str) -> Page | Failure | None:
    """Return what was made of a file if it is still the same; None if it has to be read."""
    file = shelf.files.get(url)
    if file:
        return shelf.index.outcome(url, stamp(file))
    return Failure(url, shelf.unreadable[url]) if url in shelf.unreadable else None
