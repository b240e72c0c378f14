from datetime import date
from pathlib import Path

import pytest

from agent.adapters.engines.remembered import Remembered
from agent.domain.evidence import Hit, Publication
from agent.domain.question import Scope
from agent.errors import SearchFailed
from agent.testing import ListedEngine

HIT = Hit(
    "arxiv",
    "https://a.example/",
    "A title — 标题",
    "snippet",
    ("https://a.example/x.pdf",),
    ("One", "Two"),
    date(2025, 1, 2),
    "abstract",
    Publication("10.1/x", "2501.00001", citations=3, retracted=True),
)


async def test_offline_an_engine_answers_as_it_did(tmp_path: Path) -> None:
    engine = ListedEngine([HIT, Hit("web", "https://b.example/", "B")])
    scope = Scope("en", date(2024, 1, 1), only_sites=("example",))
    online = await Remembered(engine, tmp_path, offline=False).search("q", limit=5, scope=scope)
    offline = Remembered(engine, tmp_path, offline=True)
    assert list(await offline.search("q", limit=5, scope=scope)) == list(online)
    assert engine.queries == ["q"]
    assert (offline.name, offline.kind) == ("listed", "web")


async def test_what_was_never_asked_is_a_failure_offline_and_not_nothing(tmp_path: Path) -> None:
    offline = Remembered(ListedEngine([HIT]), tmp_path, offline=True)
    with pytest.raises(SearchFailed, match="without --offline"):
        await offline.search("q", limit=5, scope=Scope())


@pytest.mark.parametrize("text", ["", "[", "[{}]", '[{"kind": 1}]', "{}x"])
async def test_a_spoiled_memory_is_a_failure(tmp_path: Path, text: str) -> None:
    await Remembered(ListedEngine([HIT]), tmp_path, offline=False).search(
        "q", limit=5, scope=Scope()
    )
    (kept,) = tmp_path.iterdir()
    kept.write_text(text)
    with pytest.raises(SearchFailed, match="cannot be read"):
        await Remembered(ListedEngine([]), tmp_path, offline=True).search(
            "q", limit=5, scope=Scope()
        )


async def test_a_memory_that_cannot_be_written_stops_no_search(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    engine = Remembered(ListedEngine([HIT]), tmp_path / "file" / "x", offline=False)
    assert await engine.search("q", limit=5, scope=Scope()) == [HIT]
