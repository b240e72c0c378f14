"""Keeps what was made of documents, so that the same bytes are not parsed again."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import struct
import time
from typing import TYPE_CHECKING, Final, Protocol

from agent.adapters.code_version import code_version
from agent.adapters.parsing.frames import (
    LENGTHS,
    FrameBroken,
    lengths,
    packed_page,
    unpacked_head,
    unpacked_page,
)

if TYPE_CHECKING:
    from pathlib import Path

    from agent.domain.evidence import Page

MADE_BY: Final = (
    ("agent.adapters.parsing", ()),
    ("agent.domain", ("evidence.py", "injection.py", "injection_rules.py", "text.py")),
)
"""The code a page depends on: what other code has made of a document is not asked for."""
KEPT_SECONDS: Final = 30 * 86_400.0
"""As long as the answers of servers are kept at most."""

_log = logging.getLogger("agent")


class Parsing(Protocol):
    """Whoever makes pages of documents."""

    async def parse(self, body: bytes, content_type: str, encoding: str, url: str) -> Page:
        """Return the page; raise PageUnreadable if there is none."""
        ...


class KeptPages:
    """A parser with a memory: a folder of pages by the digest of all they were made of."""

    def __init__(self, parser: Parsing, folder: Path) -> None:
        self._parser = parser
        self._folder = folder
        self._swept = False

    async def parse(self, body: bytes, content_type: str, encoding: str, url: str) -> Page:
        """Return the page; raise PageUnreadable if there is none, each time anew."""
        path = await asyncio.to_thread(self._path, body, content_type, encoding, url)
        kept = await asyncio.to_thread(_read, path, url)
        if kept is not None:
            return kept
        page = await self._parser.parse(body, content_type, encoding, url)
        await asyncio.to_thread(self._keep, path, page)
        return page

    def _path(self, body: bytes, content_type: str, encoding: str, url: str) -> Path:
        digest = hashlib.sha256(f"{code_version(MADE_BY)}\n{content_type}\n{encoding}\n".encode())
        digest.update(url.encode("utf-8", "surrogatepass"))
        digest.update(b"\n" + body)
        return self._folder / digest.hexdigest()

    def _keep(self, path: Path, page: Page) -> None:
        """Write the page aside and put it in place whole; without a disk nothing is kept."""
        aside = path.with_suffix(f".{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            aside.write_bytes(packed_page(page))
            aside.replace(path)
            self._sweep()
        except OSError as error:
            _log.warning("pages are not kept: %s", error)

    def _sweep(self) -> None:
        """Once a run, remove what is too old."""
        if self._swept:
            return
        self._swept = True
        oldest = time.time() - KEPT_SECONDS
        for path in self._folder.iterdir():
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)


def _read(path: Path, url: str) -> Page | None:
    """Return a kept page, None if there is none or if it was spoiled."""
    try:
        data = path.read_bytes()
        head, body = lengths(data[: LENGTHS.size])
        if len(data) != LENGTHS.size + head + body:
            return None
        split = LENGTHS.size + head
        return unpacked_page(unpacked_head(data[LENGTHS.size : split]), data[split:], url)
    except (OSError, FrameBroken, struct.error):  # it is made again
        return None
