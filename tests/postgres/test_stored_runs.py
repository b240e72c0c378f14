import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from agent import checking, past_runs, wiring
from agent.adapters.extractive import completion
from agent.adapters.postgres import Database, open_database, patience
from agent.adapters.postgres import database as pooled
from agent.adapters.postgres.stored_run import StoredRun
from agent.demo.world import DemoWorld
from agent.domain.question import Question
from agent.errors import (
    DatabaseUnavailable,
    ModelUnavailable,
    RunBusy,
    RunFinished,
    RunLost,
    RunUnknown,
)
from agent.rendering.json_report import as_json
from agent.settings import Settings
from agent.testing.postgres_server import PostgresServer
from agent.wiring.stored import (
    export_run,
    remove_run,
    remove_unread,
    research_stored,
    submit_run,
)
from gateway_client.testing import Asked, Reply, ScriptedGateway

pytestmark = pytest.mark.asyncio(loop_scope="module")  # so that pages are read once for all tests

QUESTION = Question("Do long context windows replace retrieval?", sources=("web", "arxiv"))

TABLES = ("files", "run_documents", "steps", "replies", "entries", "calls", "events")
COUNT = "SELECT count(*) FROM deep_research.{} WHERE run = %s"


class Paid:
    """A gateway that answers by extraction, and counts."""

    def __init__(self) -> None:
        self.forms: list[str] = []
        self.fails_from = ""
        self.when_asked: Callable[[], object] = lambda: None

    def answer(self, asked: Asked) -> Reply:
        form = str(asked.payload["response_format"]["json_schema"]["name"])  # type: ignore[index]
        if form == self.fails_from:
            return Reply.failure(400, "no")
        self.forms.append(form)
        self.when_asked()
        return Reply(body=json.dumps(completion(asked.payload)).encode(), stall=0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[DemoWorld]:
    async with DemoWorld() as made:
        yield made


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def settings(world: DemoWorld, cache: Path, tmp_path: Path) -> Settings:
    return Settings(
        out=tmp_path / "runs",
        cache=cache,
        engines=("searxng", "arxiv"),
        searxng_url=world.searxng_url,
        arxiv_url=world.arxiv_url,
        allow_hosts=frozenset({world.host}),
    )


@pytest.fixture
def url(server: PostgresServer, prepared: SecretStr) -> SecretStr:
    return server.database(prepared)


@pytest_asyncio.fixture(loop_scope="module")
async def database(url: SecretStr) -> AsyncIterator[Database]:
    async with open_database(url) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def paid(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Paid]:
    made = Paid()
    async with ScriptedGateway(made.answer) as gateway:
        monkeypatch.setenv("GATEWAY_BASE_URL", gateway.base_url)
        monkeypatch.setenv("GATEWAY_MODEL", "scripted")
        yield made


def without_clocks(report: Any) -> Any:
    told = json.loads(as_json(report))
    for name in ("id", "started", "finished"):
        del told["run"][name]
    del told["timing"]
    for source in told["sources"]:
        del source["read_at"]
    return told


async def kept(database: Database, run_id: str) -> dict[str, int]:
    """How many rows each table has of a run."""

    async def count(connection: Any) -> dict[str, int]:
        return {
            table: (await (await connection.execute(COUNT.format(table), (run_id,))).fetchone())[0]
            for table in TABLES
        }

    return await database.transaction(count)


async def take_over(database: Database, run_id: str) -> None:
    """What another process does that takes the run."""

    async def raise_fence(connection: Any) -> None:
        await connection.execute(
            "UPDATE deep_research.runs SET fence = fence + 1 WHERE id = %s", (run_id,)
        )

    await database.transaction(raise_fence)


@pytest_asyncio.fixture(loop_scope="module")
async def stopped(database: Database, settings: Settings, paid: Paid) -> str:
    """A run that was stopped before anything was written."""
    paid.fails_from = "OutlineReply"
    run_id = await submit_run(database, QUESTION, settings=settings)
    with pytest.raises(ModelUnavailable) as caught:
        await research_stored(database, None, run_id, settings=settings)
    assert caught.value.stopped_run == run_id
    paid.fails_from = ""
    return run_id


async def test_a_stored_run_gives_the_report_and_the_folder_of_a_local_one(
    database: Database, settings: Settings, paid: Paid
) -> None:
    await wiring.research(QUESTION, settings=settings)  # which fills the cache of pages
    local = await wiring.research(QUESTION, settings=settings)
    run_id = await submit_run(database, QUESTION, settings=settings)
    report = await research_stored(database, None, run_id, settings=settings)
    assert report.run.id == run_id
    assert without_clocks(report) == without_clocks(local)

    folder = await export_run(database, run_id, settings.out)
    beside = settings.out / local.run.id
    assert names(folder) == names(beside)
    assert past_runs.find(run_id, settings.out) == folder
    assert without_clocks(past_runs.report(run_id, settings.out)[0]) == without_clocks(local)
    assert "complete" in past_runs.shown(folder)
    assert checking.check(folder).breaches == ()
    assert (folder / "events.jsonl").read_text(encoding="utf-8").count("\n") > 10
    assert await export_run(database, run_id, settings.out) == folder


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def test_a_run_that_failed_goes_on_anywhere_and_pays_for_nothing_twice(
    stopped: str, url: SecretStr, settings: Settings, paid: Paid
) -> None:
    assert paid.forms == ["BriefReply"]
    async with open_database(url) as elsewhere:
        report = await research_stored(elsewhere, None, stopped, settings=settings)
    assert report.run.status == "complete"
    assert paid.forms.count("BriefReply") == 1
    assert report.usage.calls == len(paid.forms)
    assert report.usage.by_task["refine"].calls == 1


async def test_a_stopped_run_taken_to_a_folder_goes_on_there_and_pays_for_nothing_twice(
    stopped: str, database: Database, settings: Settings, paid: Paid
) -> None:
    for _ in range(2):
        folder = await export_run(database, stopped, settings.out)
    assert folder.name == f".{stopped}.unfinished"
    report = await wiring.resume(stopped, settings=settings)
    assert report.run.status == "complete"
    assert paid.forms.count("BriefReply") == 1


async def test_what_is_asked_first_stays(
    stopped: str, database: Database, settings: Settings
) -> None:
    report = await research_stored(database, "Something else?", stopped, settings=settings)
    assert report.run.question == QUESTION


async def test_a_run_that_is_finished_or_never_was_is_not_taken_up(
    database: Database, settings: Settings, paid: Paid
) -> None:
    await research_stored(database, QUESTION, "it", settings=settings)
    forms = list(paid.forms)
    with pytest.raises(RunFinished, match="it is finished"):
        await research_stored(database, QUESTION, "it", settings=settings)
    assert paid.forms == forms
    with pytest.raises(RunUnknown, match="no run 'other'"):
        await research_stored(database, None, "other", settings=settings)
    with pytest.raises(RunUnknown, match="no run 'other'"):
        await export_run(database, "other", settings.out)


async def test_who_comes_second_is_told_who_works_on_the_run(
    stopped: str, database: Database, url: SecretStr, settings: Settings, paid: Paid
) -> None:
    async with open_database(url) as elsewhere:
        both = [
            asyncio.create_task(research_stored(one, None, stopped, settings=settings))
            for one in (database, elsewhere)
        ]
        done = await asyncio.gather(*both, return_exceptions=True)
    (busy,) = [error for error in done if isinstance(error, RunBusy)]
    assert "process" in str(busy)
    assert paid.forms.count("BriefReply") == 1
    assert any(not isinstance(one, BaseException) for one in done)


async def test_two_tasks_of_one_process_do_not_share_a_run(database: Database) -> None:
    async with database.locks.held("run"):
        with pytest.raises(RunBusy, match="this process"):
            async with database.locks.held("run"):
                pytest.fail("both hold it")
    async with database.locks.held("run"):
        pass


async def test_who_lost_the_run_neither_pays_nor_writes_again(
    stopped: str, database: Database, settings: Settings, paid: Paid
) -> None:
    taken: list[asyncio.Task[None]] = []
    paid.when_asked = lambda: taken.append(asyncio.ensure_future(take_over(database, stopped)))
    before = await kept(database, stopped)
    with pytest.raises(RunLost, match=f"taken over the run {stopped} - leave it"):
        await research_stored(database, None, stopped, settings=settings)
    assert paid.forms == ["BriefReply", "OutlineReply"]
    after = await kept(database, stopped)
    assert after["calls"] == before["calls"] + 1  # announced while the run was still ours
    for table in ("files", "run_documents", "steps", "replies", "entries"):
        assert after[table] == before[table]


async def test_who_was_stopped_in_a_transaction_keeps_nobody_from_taking_over(
    stopped: str, url: SecretStr, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooled, "IDLE_SECONDS", 0.3)
    woken = asyncio.Event()

    async def sleep(connection: Any) -> None:
        await woken.wait()

    async with open_database(url) as elsewhere:
        sleeper = StoredRun(elsewhere, stopped, fence=1)
        sleeping = asyncio.create_task(sleeper.written(sleep))
        await asyncio.sleep(0.1)
        await asyncio.wait_for(take_over(database, stopped), 5)
        woken.set()
        with pytest.raises(RunLost):
            await sleeping


async def test_a_database_that_stays_away_stops_a_run_which_goes_on_when_it_is_back(
    server: PostgresServer,
    stopped: str,
    database: Database,
    settings: Settings,
    paid: Paid,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paid.when_asked = server.stop
    with monkeypatch.context() as patch:
        patch.setattr(patience, "PATIENCE_SECONDS", 0.0)
        patch.setattr(pooled, "CONNECT_SECONDS", 0.2)
        with pytest.raises(DatabaseUnavailable) as caught:
            await research_stored(database, None, stopped, settings=settings)
    assert caught.value.stopped_run == stopped
    await asyncio.to_thread(server.start)
    paid.when_asked = lambda: None
    report = await research_stored(database, None, stopped, settings=settings)
    assert report.run.status == "complete"
    assert paid.forms.count("OutlineReply") == 2  # the reply that could not be kept


async def test_a_run_that_is_removed_leaves_nothing(
    stopped: str, database: Database, settings: Settings
) -> None:
    await research_stored(database, None, stopped, settings=settings)
    async with database.locks.held(stopped):
        with pytest.raises(RunBusy):
            await remove_run(database, stopped)
    await remove_run(database, stopped)
    assert set((await kept(database, stopped)).values()) == {0}
    assert await remove_unread(database) > 0
    assert await remove_unread(database) == 0
