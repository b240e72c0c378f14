"""Puts our values into LangGraph checkpoints and gets them back as they were."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import asynccontextmanager, contextmanager
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agent.domain import changes, coverage, evidence, news, question, report
from agent.errors import RunDamaged, RunUnwritable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import (
        ChannelVersions,
        Checkpoint,
        CheckpointMetadata,
        CheckpointTuple,
    )

OURS: Final = tuple(
    value
    for module in (question, evidence, coverage, report, changes, news)
    for value in vars(module).values()
    if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__
)


PACKED: Final = "+zlib"
FASTEST: Final = 1
"""Of zlib's levels; a checkpoint becomes a quarter of what it was, in one millisecond."""


class Serializer(JsonPlusSerializer):
    """LangGraph's serializer, strict: it makes no objects but our values and its own.

    What it writes is packed, as the names of fields are most of it. MessagePack has no tuples, so
    what comes back as a list within one of our values is made a tuple again: our values hold no
    lists.
    """

    def __init__(self) -> None:
        super().__init__(
            allowed_msgpack_modules=[(ours.__module__, ours.__name__) for ours in OURS]
        )

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:  # noqa: ANN401 - LangGraph's signature
        """Return the kind of a value and its bytes."""
        kind, data = super().dumps_typed(obj)
        return kind + PACKED, zlib.compress(data, FASTEST)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:  # noqa: ANN401 - LangGraph's signature
        """Return what was put in."""
        kind, value = data
        if kind.endswith(PACKED):  # savers have kinds of their own
            kind, value = kind.removesuffix(PACKED), zlib.decompress(value)
        return _restored(super().loads_typed((kind, value)))


class Checkpoints(AsyncSqliteSaver):
    """LangGraph's SQLite saver with our serializer; what is wrong with its file is our error."""

    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        super().__init__(connection, serde=Serializer())
        self._path = path

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the last checkpoint, or None; raise RunDamaged if it cannot be read."""
        with _told(self._path):
            return await super().aget_tuple(config)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Commit a checkpoint; raise RunUnwritable if the disk refuses."""
        with _told(self._path):
            return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Commit what a node returned; raise RunUnwritable if the disk refuses."""
        with _told(self._path):
            await super().aput_writes(config, writes, task_id, task_path)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Checkpoints]:
    """Open a run's checkpoints; each is on the disk before the next step begins."""
    with _told(path):
        connection = await aiosqlite.connect(path)
    checkpoints = Checkpoints(connection, path)
    try:
        with _told(path):
            await connection.execute("PRAGMA synchronous = FULL")
        yield checkpoints
    finally:
        try:
            # a cursor that a traceback still holds keeps a closed connection's transaction open,
            # and so its lock on the file: sqlite3_close_v2
            async with checkpoints.lock:
                await connection.rollback()
                await connection.close()
        finally:
            await connection.close()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        mend = "make room, or make it writable"
        raise RunUnwritable(f"cannot write {path}: {error}", mend=mend) from error
    except (sqlite3.Error, zlib.error, ValueError, TypeError, LookupError) as error:
        # whatever a changed byte makes of a serialized value
        raise RunDamaged(
            f"the checkpoints {path} cannot be read: {type(error).__name__}",
            mend="delete them: the run begins anew and pays for nothing that its journal holds",
        ) from error


def _restored(value: Any) -> Any:  # noqa: ANN401 - any value a checkpoint may hold
    """Return the value with tuples where our values had them; leave LangGraph's own alone."""
    if isinstance(value, OURS):
        parts = {field.name: _tupled(getattr(value, field.name)) for field in fields(value)}
        return type(value)(**parts)
    if isinstance(value, dict):
        return {key: _restored(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_restored(item) for item in value)
    return value


def _tupled(value: Any) -> Any:  # noqa: ANN401 - any part of our values
    if isinstance(value, list | tuple):
        return tuple(_tupled(item) for item in value)
    return _restored(value)
