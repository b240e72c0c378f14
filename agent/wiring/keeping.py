"""Where a run is kept, as one value: in a folder of this machine, or elsewhere."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from agent.adapters import checkpoints, run_journal
from agent.adapters.document_store import FolderDocuments
from agent.adapters.event_log import event_log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from langgraph.checkpoint.base import BaseCheckpointSaver

    from agent.adapters.run_folder import WorkingFolder
    from agent.domain.events import Tell
    from agent.ports import DocumentStore, RunFolder
    from gateway_client.abstract_journal import AbstractJournal


@dataclass(frozen=True, slots=True)
class Keeping:
    """What keeps a run: its files, the texts it reads, what it paid for, its state, its events.

    ``log`` yields a teller that also keeps each event, given another.
    """

    folder: RunFolder
    documents: DocumentStore
    journal: AbstractJournal
    checkpoints: BaseCheckpointSaver[str]
    log: Callable[[Tell], AbstractContextManager[Tell]]


@asynccontextmanager
async def in_folder(
    opening: AbstractAsyncContextManager[WorkingFolder],
) -> AsyncIterator[Keeping]:
    """Keep a run in a folder; all of its files are closed before it is published."""
    async with (
        opening as folder,
        run_journal.opened(folder.journal) as journal,
        checkpoints.opened(folder.checkpoints) as saver,
    ):
        try:
            yield Keeping(
                folder=folder,
                documents=FolderDocuments(folder.documents),
                journal=journal,
                checkpoints=saver,
                log=partial(event_log, folder.events),
            )
        finally:
            folder.is_paid = any(entry.usd != 0 for entry in journal.entries())
