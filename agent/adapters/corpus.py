"""Searches and reads one's own files: Markdown, text, HTML and PDF in folders that were named."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from agent.adapters.own_thread import in_own_thread
from agent.domain.evidence import Failure, Hit, Page
from agent.domain.ranking import scores, terms
from agent.domain.text import one_line
from agent.errors import AddressRefused, CorpusUnusable, PageUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent.domain.question import Scope, SourceKind

TYPES: Final = {
    ".md": "text/markdown",
    ".txt": "text/plain",
    ".html": "text/html",
    ".htm": "text/html",
    ".pdf": "application/pdf",
}
MOST_FILES: Final = 2_000
MOST_BYTES: Final = 20_000_000
"""For one file: a scanned book is larger, but has no text either."""
SNIPPET: Final = 200
MEND: Final = f"name a folder or file with {', '.join(TYPES)}"


@dataclass(frozen=True, slots=True)
class Shelf:
    """All files as read: pages, their terms, and what could not be read."""

    pages: tuple[Page, ...]
    terms: tuple[Sequence[str], ...]
    failures: tuple[Failure, ...]


class Corpus:
    """A search engine over files, and the reader of those files and no others.

    The files are found when it is made, and read once, at the first search or reading.
    """

    name = "corpus"
    kind: SourceKind = "corpus"

    def __init__(self, folders: Sequence[Path]) -> None:
        """Take folders or single files; raise CorpusUnusable if one has nothing to read."""
        self._files = tuple(dict.fromkeys(file for folder in folders for file in _files(folder)))
        self._reading: asyncio.Future[Shelf] | None = None
        self._unreadable_told = False

    async def search(
        self,
        query: str,
        *,
        limit: int,
        scope: Scope,
    ) -> Sequence[Hit]:
        """Return up to ``limit`` files that share words with the query, best first.

        The first search also returns every file that cannot be read: trying to says why.
        """
        shelf = await self._shelf()
        found = await in_own_thread(partial(scores, query, shelf.terms))
        ranked = sorted(zip(found, shelf.pages, strict=True), key=lambda pair: -pair[0])
        hits = [_hit(page) for score, page in ranked if score > 0 and scope.covers(page.published)]
        return hits[:limit] + self._unreadable(shelf)

    async def read(self, url: str) -> Page:
        """Return the page of a file a search found; every other address is refused."""
        shelf = await self._shelf()
        for page in shelf.pages:
            if page.url == url:
                return page
        for failure in shelf.failures:
            if failure.what == url:
                raise PageUnreadable(failure.why)
        raise AddressRefused(f"{url} is no file of the corpus")

    async def _shelf(self) -> Shelf:
        """Read all files once; a caller that gives up does not stop it for the others."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(in_own_thread(partial(_read_all, self._files)))
        return await asyncio.shield(self._reading)

    def _unreadable(self, shelf: Shelf) -> list[Hit]:
        told, self._unreadable_told = self._unreadable_told, True
        return [] if told else [Hit("corpus", failure.what, "") for failure in shelf.failures]


def _files(folder: Path) -> Sequence[Path]:
    """Return the readable files of a folder by name, or the file itself."""
    try:
        if not folder.exists():
            raise CorpusUnusable(f"the corpus {folder} does not exist", mend=MEND)
        if folder.is_file():
            found = [folder.resolve()] if folder.suffix.lower() in TYPES else []
        else:
            found = sorted(islice(_inside(folder.resolve()), MOST_FILES + 1))
    except OSError as error:
        raise CorpusUnusable(f"the corpus {folder} cannot be listed: {error.strerror}") from error
    if not found:
        raise CorpusUnusable(f"the corpus {folder} has nothing that can be read", mend=MEND)
    if len(found) > MOST_FILES:
        message = f"the corpus {folder} has more than {MOST_FILES:,} files"
        raise CorpusUnusable(message, mend="name a part of it")
    return found


def _inside(folder: Path) -> Iterator[Path]:
    """Yield files that lie in the folder in truth: hidden ones and links that lead out do not."""
    for path in folder.rglob("*"):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in TYPES and not is_hidden and path.is_file():
            real = path.resolve()
            if real.is_relative_to(folder):
                yield real


def _read_all(files: Sequence[Path]) -> Shelf:
    pages: list[Page] = []
    failures: list[Failure] = []
    for file in files:
        try:
            pages.append(_read(file))
        except PageUnreadable as error:
            failures.append(Failure(file.as_uri(), str(error)))
    words = tuple(terms(f"{page.title}\n{page.text}") for page in pages)
    return Shelf(tuple(pages), words, tuple(failures))


def _read(file: Path) -> Page:
    from agent.adapters.parsing.extraction import extract  # noqa: PLC0415 - only where there are files

    try:
        with file.open("rb") as opened:
            body = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise PageUnreadable(f"{file.name} cannot be read: {error.strerror or error}") from error
    if len(body) > MOST_BYTES:
        raise PageUnreadable(f"{file.name} has more than {MOST_BYTES // 1_000_000} MB")
    return extract(body, TYPES[file.suffix.lower()], file.as_uri())


def _hit(page: Page) -> Hit:
    return Hit(
        kind="corpus",
        url=page.url,
        title=page.title,
        snippet=one_line(page.text[:SNIPPET]),
        authors=page.authors,
        published=page.published,
    )
