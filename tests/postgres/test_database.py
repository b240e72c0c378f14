import asyncio
import signal
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from agent.adapters.postgres import Database, locks, open_database, tables
from agent.cli import cli
from agent.errors import DatabaseOutdated, DatabaseUnavailable, InvalidSettings, RunBusy
from agent.settings import read_settings
from agent.testing.postgres_server import PostgresServer


async def number(connection: Any) -> int:
    return int((await (await connection.execute("SELECT 1")).fetchone())[0])


async def test_any_number_may_migrate_at_once(url: SecretStr) -> None:
    async with open_database(url) as one, open_database(url) as other:
        with pytest.raises(
            DatabaseOutdated, match="has no tables - run `deep-research database migrate`"
        ):
            await one.require_current()
        moves = await asyncio.gather(*(database.migrate() for database in (one, other) * 3))
        current = len(tables.VERSIONS)
        assert sorted(moves) == [(0, current)] + [(current, current)] * 5
        await one.require_current()


async def test_tables_of_a_later_version_are_left_alone(database: Database) -> None:
    async def later(connection: Any) -> None:
        await connection.execute("INSERT INTO deep_research.versions (version) VALUES (99)")

    await database.transaction(later)
    for act in (database.require_current, database.migrate):
        with pytest.raises(DatabaseOutdated, match="version 99, this program knows"):
            await act()


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT])
async def test_a_transaction_outlives_a_restart(
    server: PostgresServer, database: Database, how: signal.Signals
) -> None:
    assert await database.transaction(number) == 1
    await asyncio.to_thread(server.stop, how)
    waiting = [asyncio.create_task(database.transaction(number)) for _ in range(12)]
    await asyncio.sleep(0.3)
    await asyncio.to_thread(server.start)
    assert await asyncio.wait_for(asyncio.gather(*waiting), 10) == [1] * 12


async def test_a_transaction_whose_connection_broke_before_the_commit_is_done_again(
    database: Database,
) -> None:
    times = []

    async def put(connection: Any) -> None:
        times.append(1)
        await connection.execute("INSERT INTO deep_research.runs (id) VALUES ('it')")
        if len(times) == 1:
            connection.pgconn.finish()  # as libpq does when a last answer and the end come as one

    async def count(connection: Any) -> int:
        found = await connection.execute("SELECT count(*) FROM deep_research.runs")
        return int((await found.fetchone())[0])

    await database.transaction(put)
    assert len(times) == 2
    assert await database.transaction(count) == 1


async def test_a_lock_outlives_a_restart(
    server: PostgresServer,
    database: Database,
    url: SecretStr,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locks, "HEARD_SECONDS", 0.05)
    async with open_database(url) as mine, open_database(url) as other, mine.locks.held("run"):
        await asyncio.to_thread(server.restart)
        await asyncio.sleep(0.5)
        with pytest.raises(RunBusy, match=r"process \d+ on .* is working on this run"):
            async with other.locks.held("run"):
                pytest.fail("both hold it")


async def test_a_silent_process_loses_its_runs_and_one_that_is_heard_of_does_not(
    url: SecretStr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "SILENCE_SECONDS", 0.3)
    async with open_database(url) as one, open_database(url) as other, one.locks.held("run"):
        with pytest.raises(RunBusy):
            async with other.locks.held("run"):
                pytest.fail("both hold it")
        await asyncio.sleep(0.4)
        async with other.locks.held("run"):
            pass


async def test_a_refusal_of_the_database_is_told_in_our_words(database: Database) -> None:
    async def nonsense(connection: Any) -> None:
        await connection.execute("SELECT nonsense")

    with pytest.raises(DatabaseUnavailable, match='column "nonsense" does not exist'):
        await database.transaction(nonsense)


async def test_nobody_there_is_said_at_once_and_the_password_never() -> None:
    nobody = SecretStr("postgresql://me:canary@127.0.0.1:1/runs")
    with pytest.raises(DatabaseUnavailable, match="see that it runs") as caught:
        async with open_database(nobody):
            pytest.fail("it is open")
    assert "canary" not in str(caught.value)


async def test_an_address_that_is_none_is_refused_without_being_told() -> None:
    with pytest.raises(InvalidSettings) as caught:
        async with open_database(SecretStr("postgresql//me:canary@host")):
            pytest.fail("it is open")
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_address_shows_in_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEP_RESEARCH_DATABASE_URL", "postgresql://me:canary@host/runs")
    settings = read_settings()
    assert "canary" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_the_commands_prepare_the_database_and_say_how_it_is(
    url: SecretStr, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = CliRunner().invoke
    missing = run(cli, ["database", "status"])
    assert isinstance(missing.exception, InvalidSettings)
    monkeypatch.setenv("DEEP_RESEARCH_DATABASE_URL", url.get_secret_value())
    assert isinstance(run(cli, ["database", "status"]).exception, DatabaseOutdated)
    now = len(tables.VERSIONS)
    assert run(cli, ["database", "migrate"]).output == f"version 0 before, version {now} now\n"
    assert run(cli, ["database", "migrate"]).output == f"version {now} before, version {now} now\n"
    assert run(cli, ["database", "status"]).output == f"version {now}, current\n"


def test_the_server_for_tests_keeps_what_was_committed_when_it_crashes(
    server: PostgresServer, url: SecretStr
) -> None:
    with psycopg.connect(url.get_secret_value()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
    server.restart()
    with psycopg.connect(url.get_secret_value()) as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(1,)]
