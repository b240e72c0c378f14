"""A pool of connections to PostgreSQL, and transactions that outlive a restart of it."""

from __future__ import annotations

import os
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from psycopg import AsyncConnection, Error, OperationalError, ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool

from agent.adapters.postgres import tables
from agent.adapters.postgres.locks import Locks
from agent.adapters.postgres.patience import patiently, unavailable
from agent.errors import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from pydantic import SecretStr

Result = TypeVar("Result")

CONNECT_SECONDS: Final = 5
CONNECTED: Final[Mapping[str, Any]] = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""A host that is gone is noticed in seconds, not in the hours of the system's defaults."""

IDLE_SECONDS: Final = 10
"""After which PostgreSQL ends a transaction of a process that was stopped in the middle of it, and
would else keep whoever takes over its run waiting."""


class Database:
    """A database of runs; made by ``open_database``."""

    def __init__(self, pool: AsyncConnectionPool[Any], locks: Locks) -> None:
        self.pool = pool
        self.locks = locks

    async def transaction(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Do work in a transaction, and again if the connection breaks: twice has to be as once.

        Raises DatabaseUnavailable if the database stays away, or refuses the work.
        """

        async def once() -> Result:
            async with self.pool.connection(CONNECT_SECONDS) as connection:
                async with connection.transaction() as transaction:
                    result = await work(connection)
                if transaction.status is not transaction.Status.COMMITTED:
                    # psycopg says nothing if the connection broke right after the last statement
                    raise OperationalError("the connection broke before the commit")
                return result

        return await patiently(once)

    async def migrate(self) -> tuple[int, int]:
        """Bring the tables to this version; return the versions before and after."""
        try:
            async with self.pool.connection(CONNECT_SECONDS) as connection:
                return await tables.migrate(connection)
        except Error as error:
            raise unavailable(error) from error

    async def version(self) -> int:
        """Return the version of the tables; 0 if there are none."""
        return await self.transaction(tables.version)

    async def require_current(self) -> None:
        """Raise DatabaseOutdated unless the tables are those of this version."""
        await self.transaction(tables.require_current)


@asynccontextmanager
async def open_database(url: SecretStr, *, connections: int = 8) -> AsyncIterator[Database]:
    """Open a database with so many connections at most, besides one for the locks of runs.

    Raises InvalidSettings if the address is none, DatabaseUnavailable if nobody answers there.
    """
    parts = {**CONNECTED, **_parts(url), "application_name": _ourselves()}
    try:
        await (await AsyncConnection.connect(**parts)).close()
    except Error as error:
        raise unavailable(error) from error
    pool = AsyncConnectionPool(
        kwargs={**parts, "autocommit": True},
        min_size=1,
        max_size=connections,
        configure=_configured,
        check=AsyncConnectionPool.check_connection,
        reconnect_timeout=CONNECT_SECONDS,  # then whoever wants one asks again
        open=False,
    )
    async with pool, Locks(parts) as locks:
        yield Database(pool, locks)


async def _configured(connection: AsyncConnection) -> None:
    await connection.execute(
        f"SET idle_in_transaction_session_timeout = '{int(IDLE_SECONDS * 1000)}'"
    )


def _parts(url: SecretStr) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(url.get_secret_value()))
    except ProgrammingError:
        raise InvalidSettings(  # without the cause, which quotes what may be a password
            "DEEP_RESEARCH_DATABASE_URL is no address of a PostgreSQL database",
            mend="as in postgresql://user:password@host/name",
        ) from None


def _ourselves() -> str:
    return f"deep-research, process {os.getpid()} on {socket.gethostname()}"[:63]
