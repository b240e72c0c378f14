"""Writes a run of the database to a folder, laid out as if it had been kept there."""

from __future__ import annotations

import asyncio
import shutil
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.adapters import run_journal
from agent.adapters.postgres.stored_run import asked
from agent.adapters.run_folder import WorkingFolder
from agent.adapters.run_lock import held
from agent.errors import RunUnwritable
from gateway_client.abstract_journal import Place
from gateway_client.ledger import Entry

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg import AsyncConnection

    from agent.adapters.postgres.database import Database
    from gateway_client.journal import Journal

_RUN: Final = "SELECT finished IS NOT NULL FROM deep_research.runs WHERE id = %s"
_FILES: Final = "SELECT name, data FROM deep_research.files WHERE run = %s"
_DOCUMENTS: Final = """
SELECT sha256, data FROM deep_research.documents JOIN deep_research.run_documents USING (sha256)
WHERE run = %s
"""
_EVENTS: Final = "SELECT line FROM deep_research.events WHERE run = %s ORDER BY fence, number"
_STEPS: Final = "SELECT step, note FROM deep_research.steps WHERE run = %s ORDER BY id"
_REPLIES: Final = """
SELECT id, step, request, reply FROM deep_research.replies WHERE run = %s ORDER BY id
"""
_ENTRIES: Final = """
SELECT step, reply, entry FROM deep_research.entries WHERE run = %s ORDER BY id
"""


class Parts(NamedTuple):
    """All rows of a run, at one moment."""

    is_finished: bool
    files: list[tuple[str, bytes]]
    documents: list[tuple[str, bytes]]
    events: list[tuple[str]]
    steps: list[tuple[str, str]]
    replies: list[tuple[int, str, str, bytes]]
    entries: list[tuple[str, int | None, str]]


async def exported(database: Database, run_id: str, out: Path) -> Path:
    """Write a run to its folder under ``out``, and return that; one that is finished stays.

    Raises RunUnknown if there is none, RunBusy if a process works on it there, and RunUnwritable if
    the disk refuses.
    """
    await asked(database, run_id)
    parts = await database.transaction(partial(_parts, run_id))
    folder = WorkingFolder(out, run_id)
    try:
        await asyncio.to_thread(out.mkdir, parents=True, exist_ok=True)
        with held(folder.lock):
            return await _placed(parts, folder)
    except OSError as error:
        raise RunUnwritable(
            f"cannot write {out}: {error.strerror or error}",
            mend="choose a folder you may write to with --out",
        ) from error


async def _parts(run_id: str, connection: AsyncConnection) -> Parts:
    await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    found = await connection.execute(_RUN, (run_id,))
    ((is_finished,),) = await found.fetchall()
    rows = [
        await (await connection.execute(query, (run_id,))).fetchall()
        for query in (_FILES, _DOCUMENTS, _EVENTS, _STEPS, _REPLIES, _ENTRIES)
    ]
    return Parts(is_finished, *rows)


async def _placed(parts: Parts, folder: WorkingFolder) -> Path:
    """Make the folder aside, and give it its name when all of it is there."""
    if folder.path.is_dir():
        return folder.path
    aside = WorkingFolder(folder.path.parent, f"{folder.id}.fetched")
    shutil.rmtree(aside.aside, ignore_errors=True)
    await asyncio.to_thread(_write, parts, aside)
    async with run_journal.opened(aside.journal) as journal:
        await _write_journal(parts, journal)
    shutil.rmtree(folder.aside, ignore_errors=True)
    return aside.aside.rename(folder.path if parts.is_finished else folder.aside)


def _write(parts: Parts, folder: WorkingFolder) -> None:
    folder.documents.mkdir(parents=True)
    for name, data in parts.files:
        (folder.aside / name).write_bytes(data)
    for digest, data in parts.documents:
        (folder.documents / f"{digest}.txt").write_bytes(data)
    folder.events.write_text("".join(line for (line,) in parts.events), encoding="utf-8")


async def _write_journal(parts: Parts, journal: Journal) -> None:
    """Write the journal step by step, as it was written."""
    paid = [(step, reply, Entry.from_json(text)) for step, reply, text in parts.entries]
    for step, note in parts.steps:
        await journal.begin(step, note)
        for id_, asker, request, reply in parts.replies:
            if asker == step:
                entries = [entry for _, its, entry in paid if its == id_]
                await journal.keep(Place(step, request), reply, entries)
        await journal.charge([entry for its, none, entry in paid if its == step and none is None])
