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


@pytest.fixture
async def database(url: SecretStr) -> AsyncIterator[Database]:
    async with open_database(url) as opened:
        await opened.migrate()
        yield opened
