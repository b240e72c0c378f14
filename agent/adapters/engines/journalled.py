"""Asks an engine through the run's journal: a search may be paid, and its answer may change."""

from __future__ import annotations

import json
from dataclasses import asdict, astuple
from typing import TYPE_CHECKING

from agent.adapters.engines.remembered import hits_of, written
from agent.adapters.run_journal import told
from agent.domain.evidence import Failure
from agent.ports import Mending, RetractionIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.domain.evidence import Hit
    from agent.domain.question import Scope, SourceKind
    from agent.ports import SearchEngine
    from gateway_client.abstract_journal import AbstractJournal


class Journalled:
    """An engine whose answers are in the journal before anybody reads them."""

    def __init__(self, engine: SearchEngine, journal: AbstractJournal) -> None:
        self._engine = engine
        self._journal = journal
        self._recalled: list[Failure] = []

    @property
    def name(self) -> str:
        """The engine's."""
        return self._engine.name

    @property
    def kind(self) -> SourceKind:
        """The engine's."""
        return self._engine.kind

    def failures(self) -> Sequence[Failure]:
        """Return the engine's, and those that came with recalled answers."""
        return tuple(dict.fromkeys((*self._recalled, *self._told())))

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return what the engine answered before, or else what it answers now."""
        asked = json.dumps(["search", self.name, query, limit, asdict(scope)], default=str)
        place = self._journal.place(asked.encode())
        with told():
            kept = await self._journal.recall(place)
        if kept is not None:
            failures, hits = json.loads(kept.reply)
            self._recalled += [Failure(*failure) for failure in failures]
            return hits_of(hits)
        with told():
            await self._journal.announce()
        found = await self._engine.search(query, limit=limit, scope=scope)
        answer = [[astuple(failure) for failure in self._told()], written(found)]
        with told():
            await self._journal.keep(place, json.dumps(answer).encode())
        return found

    async def retracted(self, dois: Sequence[str]) -> frozenset[str]:
        """Return what the engine says now: it costs next to nothing, and may be news."""
        index = self._engine
        return await index.retracted(dois) if isinstance(index, RetractionIndex) else frozenset()

    def _told(self) -> Sequence[Failure]:
        return self._engine.failures() if isinstance(self._engine, Mending) else ()
