"""The journal of a run: opened in its folder, and told of each step as it begins."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from agent.errors import RunDamaged, RunUnwritable
from gateway_client.errors import JournalDamaged, JournalUnwritable
from gateway_client.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.adapters.gateway_chat import GatewayChat


class RunJournal:
    """Begins each step with what the model had learnt when that step was begun first.

    What a model learns has a say in what it is asked: a step that is repeated can only ask the
    same, and find it in the journal, if it knows the same.
    """

    def __init__(self, journal: Journal, chat: GatewayChat) -> None:
        self._journal = journal
        self._chat = chat

    async def begin(self, step: str) -> None:
        """Say which step of the run asks from now on."""
        learnt = self._chat.learnt()
        with told():
            known = await self._journal.begin(step, learnt)
        if known != learnt:
            self._chat.recall(known)


@contextmanager
def opened(path: Path) -> Iterator[Journal]:
    """Open a run's journal; raise RunUnwritable or RunDamaged if that, or closing, cannot be."""
    with told(), closing(Journal(path)) as journal:
        yield journal


@contextmanager
def told() -> Iterator[None]:
    """Say in the words of a run what is wrong with its journal."""
    try:
        yield
    except JournalUnwritable as error:
        raise RunUnwritable(error.message, mend=error.mend) from error
    except JournalDamaged as error:
        raise RunDamaged(error.message, mend=error.mend) from error
