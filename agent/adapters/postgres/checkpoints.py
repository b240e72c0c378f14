"""LangGraph's PostgreSQL saver, with our serializer, writing only while the run is ours."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

from agent.adapters.checkpoints import Serializer
from agent.errors import RunDamaged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import (
        ChannelVersions,
        Checkpoint,
        CheckpointMetadata,
        CheckpointTuple,
    )
    from psycopg import AsyncConnection

    from agent.adapters.postgres.stored_run import StoredRun


class StoredCheckpoints(AsyncPostgresSaver):
    """The checkpoints of a run, each in a transaction with the question whether it is ours."""

    def __init__(self, run: StoredRun) -> None:
        super().__init__(run.database.pool, serde=Serializer())
        self._run = run

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the last checkpoint, or None; raise RunDamaged if it cannot be read."""

        async def get(connection: AsyncConnection) -> CheckpointTuple | None:
            return await self._on(connection).aget_tuple(config)

        try:
            return await self._run.database.transaction(get)
        except (zlib.error, ValueError, TypeError, LookupError) as error:
            # whatever a changed byte makes of a serialized value
            raise RunDamaged(
                f"the checkpoints of {self._run.id} cannot be read: {type(error).__name__}",
                mend="submit the question anew",
            ) from error

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Commit a checkpoint; raise RunLost if the run is ours no more."""

        async def put(connection: AsyncConnection) -> RunnableConfig:
            return await self._on(connection).aput(config, checkpoint, metadata, new_versions)

        return await self._run.written(put)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Commit what a node returned; raise RunLost if the run is ours no more."""

        async def put(connection: AsyncConnection) -> None:
            await self._on(connection).aput_writes(config, writes, task_id, task_path)

        await self._run.written(put)

    def _on(self, connection: AsyncConnection) -> AsyncPostgresSaver:
        """Return LangGraph's saver on one connection, and so within its transaction."""
        return AsyncPostgresSaver(connection, serde=self.serde)  # type: ignore[arg-type]  # it brings its own rows
