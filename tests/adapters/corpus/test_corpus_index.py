import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from agent.adapters.corpus import Corpus, database, engine, index
from agent.adapters.corpus.places import index_file
from agent.domain.evidence import Hit, Page, Publication
from agent.domain.question import Scope
from agent.errors import AddressRefused, PageUnreadable, SearchFailed


class Parser:
    """Makes pages of text, and remembers of which files."""

    def __init__(self) -> None:
        self.parsed: list[str] = []
        self.types: set[str] = set()

    async def __call__(self, body: bytes, content_type: str, url: str) -> Page:
        self.parsed.append(Path(url).name)
        self.types.add(content_type)
        if body.startswith(b"broken"):
            raise PageUnreadable(f"{url} is broken")
        return Page(url, body.decode().splitlines()[0], body.decode())

    def told(self) -> list[str]:
        """Return what was parsed since this was last asked."""
        parsed, self.parsed = sorted(self.parsed), []
        return parsed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "corpus"
    made.mkdir()
    for name in ("heat", "wind", "sun"):
        (made / f"{name}.md").write_text(f"About {name}\nPower from {name}.")
    return made


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "indexes"


@pytest.fixture
def parser() -> Parser:
    return Parser()


@pytest.fixture
def opened(folder: Path, cache: Path, parser: Parser) -> Callable[[], Corpus]:
    return lambda: Corpus([folder], cache=cache, parse=parser)


async def titles(corpus: Corpus, query: str) -> list[str]:
    return [hit.title for hit in await corpus.search(query, limit=9, scope=Scope())]


async def test_a_second_run_reads_no_file(opened: Callable[[], Corpus], parser: Parser) -> None:
    assert await titles(opened(), "wind") == ["About wind"]
    assert parser.told() == ["heat.md", "sun.md", "wind.md"]
    again = opened()
    assert await titles(again, "wind") == ["About wind"]
    hit = (await again.search("sun", limit=1, scope=Scope()))[0]
    assert (await again.read(hit.url)).text == "About sun\nPower from sun."
    assert parser.told() == []


async def test_only_what_is_new_or_changed_is_read_and_what_is_gone_is_forgotten(
    folder: Path, opened: Callable[[], Corpus], parser: Parser
) -> None:
    await opened().prepare()
    parser.told()
    (folder / "wind.md").write_text("About gales\nPower from gales.")
    (folder / "new.md").write_text("About tides\nPower from tides.")
    (folder / "sun.md").unlink()
    corpus = opened()
    assert sorted(await titles(corpus, "power")) == ["About gales", "About heat", "About tides"]
    assert parser.told() == ["new.md", "wind.md"]
    assert await titles(corpus, "wind") == await titles(corpus, "sun") == []


async def test_a_file_that_changed_during_the_run_is_read_as_it_is_now(
    folder: Path, opened: Callable[[], Corpus]
) -> None:
    corpus = opened()
    await corpus.prepare()
    (folder / "wind.md").write_text("About gales\nThe day after.")
    url = (folder / "wind.md").as_uri()
    assert (await corpus.read(url)).title == "About gales"
    assert await titles(corpus, "gales") == ["About gales"]
    (folder / "wind.md").unlink()
    with pytest.raises(PageUnreadable, match="No such file"):
        await corpus.read(url)


async def test_a_file_that_no_longer_opens_is_not_found_by_what_it_once_said(
    folder: Path, opened: Callable[[], Corpus]
) -> None:
    await opened().prepare()
    (folder / "wind.md").unlink()
    os.mkfifo(folder / "sun.md.new")
    (folder / "sun.md.new").rename(folder / "sun.md")
    corpus = opened()
    assert await titles(corpus, "wind sun") == []
    with pytest.raises(AddressRefused):
        await corpus.read((folder / "sun.md").as_uri())


async def test_a_failure_stands_for_an_hour_and_no_longer(
    folder: Path, opened: Callable[[], Corpus], parser: Parser, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "bad.txt").write_text("broken")
    await opened().prepare()
    parser.told()
    corpus = opened()
    assert await corpus.search("zeppelin", limit=3, scope=Scope()) == [
        Hit("corpus", (folder / "bad.txt").as_uri(), "")
    ]
    with pytest.raises(PageUnreadable, match="is broken"):
        await corpus.read((folder / "bad.txt").as_uri())
    assert parser.told() == []
    monkeypatch.setattr(index, "FAILURES_STAND", -1.0)
    await opened().prepare()
    assert parser.told() == ["bad.txt"]


async def test_many_unreadable_files_are_told_of_as_a_number(
    folder: Path, opened: Callable[[], Corpus]
) -> None:
    for number in range(engine.MOST_TOLD + 5):
        (folder / f"bad{number:02}.txt").write_text("broken")
    corpus = opened()
    hits = await corpus.search("wind", limit=3, scope=Scope())
    assert len(hits) == 1 + engine.MOST_TOLD + 1
    assert hits[-1].url == folder.as_uri()
    with pytest.raises(PageUnreadable, match="5 more of the files in it cannot be read"):
        await corpus.read(hits[-1].url)


async def test_an_index_of_other_code_is_made_anew(
    folder: Path, cache: Path, opened: Callable[[], Corpus], parser: Parser
) -> None:
    await opened().prepare()
    parser.told()
    with closing(sqlite3.connect(index_file(cache, [folder]))) as connection:
        connection.execute("PRAGMA user_version = 7")
        connection.execute("DROP TABLE pages")
    assert await titles(opened(), "wind") == ["About wind"]
    assert len(parser.told()) == 3


async def test_a_damaged_index_is_made_anew_with_a_warning(
    folder: Path, cache: Path, opened: Callable[[], Corpus], caplog: pytest.LogCaptureFixture
) -> None:
    cache.mkdir(parents=True)
    index_file(cache, [folder]).write_bytes(b"no database at all" * 100)
    corpus = opened()
    assert await titles(corpus, "wind") == ["About wind"]
    assert "damaged" in caplog.text
    caplog.clear()
    await corpus.aclose()
    path = index_file(cache, [folder])
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    assert await titles(opened(), "wind") == ["About wind"]
    assert "damaged" in caplog.text


async def test_an_index_that_turns_out_damaged_during_searches_is_made_anew_once(
    folder: Path, cache: Path, opened: Callable[[], Corpus], parser: Parser
) -> None:
    corpus = opened()
    await corpus.prepare()
    parser.told()
    with closing(sqlite3.connect(index_file(cache, [folder]))) as connection:
        connection.execute("UPDATE pages SET page = x'00'")
        connection.commit()
    found = await asyncio.gather(*(titles(corpus, "wind") for _ in range(4)))
    assert found == [["About wind"]] * 4
    assert len(parser.told()) == 3


async def test_two_runs_at_once_share_one_index(
    folder: Path, opened: Callable[[], Corpus], parser: Parser
) -> None:
    for number in range(60):
        (folder / f"more{number}.md").write_text(f"More {number}\nstorm{number}")
    first, second = opened(), opened()
    await asyncio.gather(first.prepare(), second.prepare())
    for corpus in (first, second):
        assert await titles(corpus, "storm7") == ["More 7"]
        assert await titles(corpus, "wind") == ["About wind"]
    parser.told()
    assert await titles(opened(), "storm59") == ["More 59"]
    assert parser.told() == []


async def test_what_another_run_added_is_not_found_here(
    folder: Path, opened: Callable[[], Corpus]
) -> None:
    early = opened()
    await early.prepare()
    (folder / "late.md").write_text("Late\nwind")
    assert len(await titles(opened(), "wind")) == 2
    assert await titles(early, "wind") == ["About wind"]


async def test_an_index_that_another_run_locks_for_too_long_fails_aloud(
    folder: Path, cache: Path, opened: Callable[[], Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    await opened().prepare()
    (folder / "new.md").write_text("New\nwind")
    with closing(sqlite3.connect(index_file(cache, [folder]), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        corpus = opened()
        with pytest.raises(SearchFailed, match="database is locked"):
            await corpus.search("wind", limit=1, scope=Scope())
        with pytest.raises(PageUnreadable, match="database is locked"):
            await corpus.read((folder / "new.md").as_uri())


async def test_a_page_comes_back_from_the_index_whole(folder: Path, cache: Path) -> None:
    async def parse(body: bytes, content_type: str, url: str) -> Page:
        return Page(
            url, "Wärme", "热泵省电。" * 9, ("Ann",), date(2024, 2, 29), "Site", "https://a.org",
            Publication(doi="10.1/x", citations=3, retracted=True), (0, 4),
        )  # fmt: skip

    url = (folder / "wind.md").as_uri()
    expected = await parse(b"", "", url)
    await Corpus([folder], cache=cache, parse=parse).prepare()
    again = Corpus([folder], cache=cache, parse=parse)
    assert await again.read(url) == expected
    hit = (await again.search("热泵", limit=1, scope=Scope()))[0]
    assert (hit.authors, hit.published, hit.publication.doi) == (
        ("Ann",),
        date(2024, 2, 29),
        "10.1/x",
    )


async def test_dates_narrow_a_search_before_it_is_cut_short(folder: Path) -> None:
    async def parse(body: bytes, content_type: str, url: str) -> Page:
        return Page(url, url[-7:], "wind", published=date(2020 + len(Path(url).stem), 1, 1))

    corpus = Corpus([folder], parse=parse)
    scope = Scope(until=date(2023, 12, 31), only_sites=("a.org",))
    assert [Path(hit.url).stem for hit in await corpus.search("wind", limit=1, scope=scope)] == [
        "sun"
    ]


async def test_what_has_words_of_no_language_we_know_finds_nothing(
    opened: Callable[[], Corpus],
) -> None:
    assert await titles(opened(), '" OR * ) NEAR(') == []
    assert await titles(opened(), "the of") == []
    assert await titles(opened(), " ".join(f"word{n}" for n in range(2_000))) == []
