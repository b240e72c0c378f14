from pathlib import Path

import pytest

from agent.adapters.engines.journalled import Journalled
from agent.domain.evidence import Failure, Hit
from agent.domain.question import Scope
from agent.errors import SearchFailed
from agent.testing import ListedEngine
from gateway_client.journal import Journal

HITS = [Hit("web", "https://a.example", "A", "about a"), Hit("web", "https://b.example", "B")]
SCOPE = Scope("en")


class Mended(ListedEngine):
    """An engine that always has something to own up to."""

    def failures(self) -> list[Failure]:
        return [Failure("its own index", "was down")]


async def searched(engine: ListedEngine, path: Path, query: str) -> tuple[object, object]:
    journal = Journal(path)
    try:
        await journal.begin("retrieve 1", "")
        asking = Journalled(engine, journal)
        return await asking.search(query, limit=5, scope=SCOPE), asking.failures()
    finally:
        journal.close()


async def test_an_answer_is_asked_for_once_and_comes_back_with_what_was_mended(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.sqlite"
    first = await searched(Mended(HITS), path, "a")
    nobody = ListedEngine(None)
    assert (
        await searched(nobody, path, "a")
        == first
        == (HITS, (Failure("its own index", "was down"),))
    )
    assert nobody.queries == []


async def test_a_search_that_failed_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with pytest.raises(SearchFailed):
        await searched(ListedEngine(None), path, "a")
    assert await searched(ListedEngine(HITS), path, "a") == (HITS, ())


async def test_another_query_is_another_search(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    await searched(ListedEngine(HITS), path, "a")
    engine = ListedEngine(HITS)
    await searched(engine, path, "b")
    assert engine.queries == ["b"]
