from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.adapters.corpus import Corpus
from agent.adapters.corpus import files as corpus_files
from agent.domain.question import Scope
from agent.errors import AddressRefused, CorpusUnusable, PageUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

HTML = (
    "<html><head><title>Old page</title><meta name='date' content='2020-01-05'></head><body><p>"
    + "Battery storage was dear in those days, and nobody built much of it anywhere. " * 4
    + "</p></body></html>"
)


@pytest.fixture
def folder(tmp_path: Path, write_pdf: Callable[..., bytes]) -> Path:
    made = tmp_path / "my corpus#1"
    (made / "deep").mkdir(parents=True)
    (made / "notes.md").write_text("# Notes on heat\n\nHeat pumps need less power than stoves.")
    (made / "deep" / "zh.txt").write_text("热泵比炉子省电。", "utf-8")
    (made / "old.HTML").write_text(HTML)
    (made / "paper.pdf").write_bytes(write_pdf(["Wind turbines and their blades."]))
    (made / "table.xlsx").write_text("heat,1")
    (made / ".hidden.md").write_text("heat")
    return made


async def found(corpus: Corpus, query: str, since: date | None = None) -> list[str]:
    hits = await corpus.search(query, limit=3, scope=Scope("en", since))
    return [hit.title for hit in hits]


async def test_files_of_all_kinds_are_found_by_their_words(folder: Path) -> None:
    corpus = Corpus([folder])
    assert await found(corpus, "How much power do heat pumps need?") == ["Notes on heat"]
    assert await found(corpus, "热泵省电吗") == ["热泵比炉子省电。"]
    assert await found(corpus, "wind turbines") == ["Wind turbines and their blades."]
    assert await found(corpus, "battery storage") == ["Old page"]
    assert await found(corpus, "zeppelin") == []


async def test_a_hit_can_be_read_under_its_address(folder: Path) -> None:
    corpus = Corpus([folder])
    hit = (await corpus.search("heat pumps", limit=1, scope=Scope()))[0]
    assert hit.url == (folder / "notes.md").as_uri()
    assert hit.kind == corpus.kind == "corpus"
    assert hit.snippet == "# Notes on heat Heat pumps need less power than stoves."
    assert (await corpus.read(hit.url)).text.endswith("less power than stoves.")


async def test_files_that_state_an_earlier_date_are_left_out(folder: Path) -> None:
    assert await found(Corpus([folder]), "battery", date(2020, 1, 5)) == ["Old page"]
    assert await found(Corpus([folder]), "battery", date(2020, 1, 6)) == []


async def test_one_bad_file_does_not_discard_its_siblings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    (folder / "empty.txt").write_text("")
    (folder / "large.txt").write_text("heat " * 1_000)
    monkeypatch.setattr(corpus_files, "MOST_BYTES", 4_000)
    corpus = Corpus([folder])
    hits = await corpus.search("heat pumps", limit=3, scope=Scope())
    names = [Path(hit.url).name for hit in hits]
    assert names == ["notes.md", "broken.pdf", "empty.txt", "large.txt"]
    for hit, why in zip(hits[1:], ("cannot be opened", "no text", "more than"), strict=True):
        with pytest.raises(PageUnreadable, match=why):
            await corpus.read(hit.url)


async def test_files_that_cannot_be_read_are_told_of_once(folder: Path) -> None:
    corpus = Corpus([folder])
    (folder / "notes.md").unlink()
    assert await found(corpus, "heat pumps") == [""]
    assert await found(corpus, "heat pumps") == []
    with pytest.raises(PageUnreadable, match=r"notes\.md cannot be read: No such file"):
        await corpus.read((folder / "notes.md").as_uri())


async def test_a_single_file_is_a_corpus_and_none_is_there_twice(folder: Path) -> None:
    corpus = Corpus([folder / "notes.md", folder / "notes.md", folder])
    assert await found(corpus, "heat pumps") == ["Notes on heat"]
    only = Corpus([folder / "notes.md"])
    assert await found(only, "battery") == []


@pytest.mark.parametrize(
    "address",
    ["../secret.md", "table.xlsx", ".hidden.md", "out.md", "outside/secret.md", "none.md"],
)
async def test_no_file_but_those_of_the_corpus_is_read(folder: Path, address: str) -> None:
    secret = folder.parent / "elsewhere" / "secret.md"
    secret.parent.mkdir()
    secret.write_text("heat secret")
    (folder / "out.md").symlink_to(secret)
    (folder / "outside").symlink_to(secret.parent, target_is_directory=True)
    (folder / "loop.md").symlink_to(folder / "loop.md")
    corpus = Corpus([folder])
    with pytest.raises(AddressRefused):
        await corpus.read((folder / address).as_uri())
    assert await found(corpus, "secret") == []


def test_a_corpus_that_cannot_be_used_is_refused_at_once(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CorpusUnusable, match="does not exist"):
        Corpus([folder, tmp_path / "missing"])
    with pytest.raises(CorpusUnusable, match="nothing that can be read"):
        Corpus([folder / "table.xlsx"])
    with pytest.raises(CorpusUnusable, match="cannot be listed: File name too long"):
        Corpus([tmp_path / ("long" * 100)])
    (tmp_path / "bare").mkdir()
    with pytest.raises(CorpusUnusable, match="nothing that can be read"):
        Corpus([tmp_path / "bare"])
    monkeypatch.setattr(corpus_files, "MOST_FILES", 3)
    with pytest.raises(CorpusUnusable, match="more than 3 files"):
        Corpus([folder])


async def test_a_caller_that_gives_up_does_not_stop_the_reading(folder: Path) -> None:
    corpus = Corpus([folder])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await corpus.search("heat", limit=1, scope=Scope())
    assert await found(corpus, "heat pumps") == ["Notes on heat"]
