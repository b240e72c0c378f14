import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from agent.adapters.extractive import completion
from agent.adapters.postgres import Database, open_database
from agent.demo.world import DemoWorld
from agent.settings import Settings
from agent.testing.postgres_server import PostgresServer
from gateway_client.testing import Asked, Reply, ScriptedGateway


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


@pytest.fixture
async def world() -> AsyncIterator[DemoWorld]:
    async with DemoWorld() as made:
        yield made


@pytest.fixture
def settings(world: DemoWorld, tmp_path: Path) -> Settings:
    return Settings(
        out=tmp_path / "runs",
        cache=tmp_path / "cache",
        engines=("searxng", "arxiv"),
        searxng_url=world.searxng_url,
        arxiv_url=world.arxiv_url,
        allow_hosts=frozenset({world.host}),
    )


class Paid:
    """A gateway that answers by extraction, and counts."""

    def __init__(self) -> None:
        self.forms: list[str] = []
        self.fails_from = ""

    def answer(self, asked: Asked) -> Reply:
        form = str(asked.payload["response_format"]["json_schema"]["name"])  # type: ignore[index]
        if form == self.fails_from:
            return Reply.failure(400, "no")
        self.forms.append(form)
        return Reply(body=json.dumps(completion(asked.payload)).encode())


@pytest.fixture
async def paid(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Paid]:
    made = Paid()
    async with ScriptedGateway(made.answer) as gateway:
        monkeypatch.setenv("GATEWAY_BASE_URL", gateway.base_url)
        monkeypatch.setenv("GATEWAY_MODEL", "scripted")
        yield made
