import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr

from agent.adapters.postgres import Database, open_database
from agent.testing.postgres_server import PostgresServer


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """One server for all tests; each has a database of its own."""
    with PostgresServer() as made:
        yield made


@pytest.fixture
def url(server: PostgresServer) -> SecretStr:
    return server.database()


@pytest.fixture(scope="session")
def prepared(server: PostgresServer) -> SecretStr:
    """A database with all tables, for others to be like."""
    url = server.database()

    async def migrate() -> None:
        async with open_database(url) as opened:
            await opened.migrate()

    asyncio.run(migrate())
    return url


@pytest.fixture
async def database(server: PostgresServer, prepared: SecretStr) -> AsyncIterator[Database]:
    async with open_database(server.database(prepared)) as opened:
        yield opened
