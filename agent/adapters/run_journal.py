"""The journal of a run, opened in its folder, and what may be wrong with it in a run's words."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from agent.errors import RunDamaged, RunLost, RunUnwritable
from gateway_client.errors import JournalDamaged, JournalLost, JournalUnwritable
from gateway_client.journal import Journal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Journal]:
    """Open a run's journal; raise RunUnwritable or RunDamaged if that, or closing, cannot be."""
    with told():
        journal = await asyncio.to_thread(Journal, path)
        try:
            yield journal
        finally:
            await asyncio.to_thread(journal.close)


@contextmanager
def told() -> Iterator[None]:
    """Say in the words of a run what is wrong with its journal."""
    try:
        yield
    except JournalUnwritable as error:
        raise RunUnwritable(error.message, mend=error.mend) from error
    except JournalDamaged as error:
        raise RunDamaged(error.message, mend=error.mend) from error
    except JournalLost as error:
        raise RunLost(error.message, mend=error.mend) from error
