"""Keeps the texts that were read in a folder, one file each, named by what is in it."""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING, Final

from agent.adapters.whole_files import write_whole
from agent.errors import DocumentLost, RunUnwritable

if TYPE_CHECKING:
    from pathlib import Path

_DIGEST: Final = re.compile("[0-9a-f]{64}")


class FolderDocuments:
    """A document store in a folder, which is made at the first text.

    The texts of this run also stay in memory: every one of them is asked for again, often.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts: dict[str, str] = {}

    async def put(self, text: str) -> str:
        """Store a text and return its SHA-256; raise RunUnwritable if the disk refuses."""
        data = text.encode()
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self._texts:
            try:
                await asyncio.to_thread(self._write, digest, data)
            except OSError as error:
                raise RunUnwritable(
                    f"cannot write {self._folder}: {error.strerror or error}",
                    mend="choose a folder you may write to with --out",
                ) from error
            self._texts[digest] = text
        return digest

    async def get(self, sha256: str) -> str:
        """Return a stored text; raise DocumentLost if it is gone or no longer the same."""
        if sha256 not in self._texts:
            self._texts[sha256] = await asyncio.to_thread(self._read, sha256)
        return self._texts[sha256]

    def _write(self, digest: str, data: bytes) -> None:
        """Put the text on the disk before anything can name it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / f"{digest}.txt", data)

    def _read(self, digest: str) -> str:
        if not _DIGEST.fullmatch(digest):
            raise DocumentLost(f"{digest!r} is no SHA-256 of a stored text")
        try:
            data = (self._folder / f"{digest}.txt").read_bytes()
        except OSError as error:
            raise DocumentLost(
                f"the stored text {digest} cannot be read: {error.strerror or error}"
            ) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise DocumentLost(f"the stored text {digest} was changed since it was read")
        return data.decode()
