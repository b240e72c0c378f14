"""Remembers what engines answered, so that a run without a network can ask again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
from dataclasses import asdict, replace
from datetime import date
from typing import TYPE_CHECKING

from agent.domain.evidence import Hit, Publication
from agent.errors import SearchFailed
from agent.ports import Mending, RetractionIndex

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.domain.evidence import Failure
    from agent.domain.question import Scope, SourceKind
    from agent.ports import SearchEngine


_log = logging.getLogger("agent")


class Remembered:
    """An engine whose answers are kept in a folder; ``offline`` asks the folder alone."""

    def __init__(self, engine: SearchEngine, folder: Path, *, offline: bool) -> None:
        self._engine = engine
        self._folder = folder
        self._offline = offline

    @property
    def name(self) -> str:
        """The engine's."""
        return self._engine.name

    @property
    def kind(self) -> SourceKind:
        """The engine's."""
        return self._engine.kind

    def failures(self) -> Sequence[Failure]:
        """Return the engine's."""
        return self._engine.failures() if isinstance(self._engine, Mending) else ()

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return what the engine answers, or offline what it answered when last asked."""
        asked = json.dumps([self.name, query, limit, asdict(scope)], default=str)
        path = self._folder / f"{hashlib.sha256(asked.encode()).hexdigest()}.json"
        if self._offline:
            return await asyncio.to_thread(_recalled, path, self.name)
        hits = await self._engine.search(query, limit=limit, scope=scope)
        await asyncio.to_thread(_kept, path, hits)
        return hits

    async def retracted(self, dois: Sequence[str]) -> frozenset[str]:
        """Return what the engine says; nothing offline, as what was not asked is not known."""
        index = self._engine
        if self._offline or not isinstance(index, RetractionIndex):
            return frozenset()
        return await index.retracted(dois)


def written(hits: Sequence[Hit]) -> str:
    """Return hits as JSON."""
    return json.dumps([asdict(hit) for hit in hits], default=str)


def hits_of(text: str) -> list[Hit]:
    """Return the hits that were ``written``; raise ValueError or TypeError if it is none."""
    return [_hit(kept) for kept in json.loads(text)]


def _kept(path: Path, hits: Sequence[Hit]) -> None:
    """Write the answer aside and put it in place whole; if that cannot be, the search still can."""
    text = written(hits)
    aside = path.with_suffix(f".{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        _log.warning("searches are not kept for offline runs: %s", error)


def _recalled(path: Path, name: str) -> list[Hit]:
    try:
        return hits_of(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SearchFailed(
            f"this run is offline, and {name} was not asked this before",
            mend="run it once without --offline",
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise SearchFailed(f"what {name} answered before cannot be read: {error}") from error


def _hit(kept: dict[str, object]) -> Hit:
    hit = Hit(**kept)  # type: ignore[arg-type]  # what _kept wrote; anything else is a TypeError
    published = date.fromisoformat(str(hit.published)) if hit.published else None
    return replace(
        hit,
        read_urls=tuple(hit.read_urls),
        authors=tuple(hit.authors),
        published=published,
        publication=Publication(**kept["publication"]),  # type: ignore[arg-type]  # likewise
    )
