"""Runs whose everything is kept in a database, so that any machine can go on with them."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from agent import rendering
from agent.adapters import run_journal
from agent.adapters.postgres import journal, stored_run
from agent.adapters.postgres.checkpoints import StoredCheckpoints
from agent.adapters.postgres.documents import StoredDocuments
from agent.adapters.postgres.exporting import exported as export_run
from agent.adapters.postgres.removing import finished_before, remove_unread
from agent.adapters.postgres.removing import remove as remove_run
from agent.adapters.run_folder import new_run_id
from agent.adapters.run_request import request_of
from agent.errors import DatabaseUnavailable, RunUnwritable
from agent.running import NOBODY, Host
from agent.settings import Settings, read_settings
from agent.wiring import carried_out, inputs_for, own_settings, requested
from agent.wiring.keeping import Keeping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from agent.adapters.postgres import Database
    from agent.domain.question import Question
    from agent.domain.report import Report
    from agent.wiring import Inputs

__all__ = [
    "export_run",
    "finished_before",
    "remove_run",
    "remove_unread",
    "research_stored",
    "submit_run",
]


async def submit_run(
    database: Database,
    question: str | Question,
    *,
    settings: Settings | None = None,
    embedded: bool = False,
    formats: Sequence[str] = rendering.FORMATS,
) -> str:
    """Put a run down in the database, for whoever carries it out, and return its id.

    Raises what ``wiring.research`` raises before anything is spent.
    """
    settings = settings or read_settings()
    request = requested(question, settings, formats, embedded=embedded)
    run_id = new_run_id(request.question.text, request.started.date())
    await stored_run.begin(database, run_id, request.as_json())
    return run_id


async def research_stored(
    database: Database,
    question: str | Question | None,
    run_id: str,
    *,
    settings: Settings | None = None,
    host: Host = NOBODY,
    inputs: Inputs | None = None,
) -> Report:
    """Carry out a run, or go on with it, and return its report; the database keeps all of it.

    ``question`` is for a run that was not submitted: what was asked first stays. Whatever bears on
    the result is the run's own; keys, addresses and limits are of ``settings``. Raises RunBusy if
    another process works on it, RunFinished if nothing is left to do, and RunLost if another took
    it over: then nothing more was written or paid here.
    """
    settings = settings or read_settings()
    if question is not None:
        request = requested(question, settings, rendering.FORMATS, embedded=False)
        await stored_run.begin(database, run_id, request.as_json())
    request = request_of(await stored_run.asked(database, run_id), "the database")
    own = own_settings(request, settings)
    reading = nullcontext(inputs) if inputs else inputs_for(request, own, host.tell)
    return await carried_out(_in_database(database, run_id), request, own, host, reading)


@asynccontextmanager
async def _in_database(database: Database, run_id: str) -> AsyncIterator[Keeping]:
    async with stored_run.taken(database, run_id) as run:
        with _told(), run_journal.told():
            yield Keeping(
                folder=run,
                documents=StoredDocuments(run),
                journal=await journal.opened(run),
                checkpoints=StoredCheckpoints(run),
                log=run.log,
            )


@contextmanager
def _told() -> Iterator[None]:
    """Say of a journal that cannot be written what it means here: it may be written later."""
    try:
        yield
    except RunUnwritable as error:
        raise DatabaseUnavailable(str(error.args[0]), mend=error.mend) from error
