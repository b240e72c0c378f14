import asyncio
import logging
import sqlite3
import stat
from pathlib import Path

import pytest

from agent.adapters.corpus import Corpus
from agent.adapters.corpus.places import index_file
from agent.adapters.user_cache import user_cache
from agent.domain.evidence import Page
from agent.domain.question import Scope
from agent.errors import CorpusUnusable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "corpus"
    made.mkdir()
    for name in ("heat", "wind", "sun"):
        (made / f"{name}.md").write_text(f"About {name}\nPower from {name}.")
    return made


async def titles(corpus: Corpus, query: str) -> list[str]:
    return [hit.title for hit in await corpus.search(query, limit=9, scope=Scope())]


async def test_without_a_cache_nothing_is_left_behind(folder: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    corpus = Corpus([folder])
    assert await titles(corpus, "wind") == ["About wind"]
    await corpus.aclose()
    assert sorted(tmp_path.rglob("*")) == before


async def test_a_cache_that_cannot_be_made_is_done_without_and_said(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    corpus = Corpus([folder], cache=tmp_path / "file" / "cache")
    with caplog.at_level(logging.WARNING):
        assert await titles(corpus, "wind") == ["About wind"]
    assert "in memory" in caplog.text


async def test_the_index_is_for_its_owner_alone(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "indexes"
    corpus = Corpus([folder], cache=cache)
    await corpus.prepare()
    files = list(cache.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    await corpus.aclose()
    assert list(cache.iterdir()) == [index_file(cache, [folder])]


async def test_progress_is_told_to_the_last_file(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    corpus = Corpus([folder], on_progress=lambda *done: told.append(done))
    await corpus.prepare()
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_folders_in_another_order_have_the_same_index(tmp_path: Path) -> None:
    one, two = tmp_path / "a", tmp_path / "b"
    assert index_file(tmp_path, [one, two]) == index_file(tmp_path, [two, one, one])
    assert index_file(tmp_path, [one]) != index_file(tmp_path, [two])


def test_the_cache_is_where_the_platform_has_it(tmp_path: Path) -> None:
    assert user_cache("x", {"XDG_CACHE_HOME": str(tmp_path)}, "linux").is_relative_to(tmp_path)
    assert user_cache("x", {"XDG_CACHE_HOME": "not/absolute"}, "linux").is_relative_to(Path.home())
    assert "Library" in user_cache("x", {}, "darwin").parts
    assert user_cache("x", {"LOCALAPPDATA": str(tmp_path)}, "win32").is_relative_to(tmp_path)


def test_a_python_without_full_text_search_is_told_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Plain(sqlite3.Connection):
        def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
            return super().execute(statement.replace("fts5", "fts99"))

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path: connect(path, factory=Plain))
    with pytest.raises(CorpusUnusable, match="FTS5: no such module"):
        Corpus([folder])


async def test_a_closed_corpus_ends_its_reading(folder: Path) -> None:
    begun = asyncio.Event()

    async def parse(body: bytes, content_type: str, url: str) -> Page:
        begun.set()
        await asyncio.sleep(60)
        raise AssertionError

    corpus = Corpus([folder], parse=parse)
    waiting = asyncio.ensure_future(corpus.prepare())
    await begun.wait()
    await corpus.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting
