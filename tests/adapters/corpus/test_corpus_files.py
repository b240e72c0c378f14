import os
from pathlib import Path

import pytest

from agent.adapters.corpus import Corpus
from agent.adapters.corpus.files import contents, listed, stamp
from agent.domain.question import Scope
from agent.errors import CorpusUnusable, PageUnreadable


def names(folder: Path) -> list[str]:
    return [str(file.relative_to(folder)) for file in listed([folder]).files]


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("heat")
    return path


def test_hidden_files_and_other_peoples_folders_are_passed_over(tmp_path: Path) -> None:
    for name in (
        ".a.md",
        ".git/b.md",
        "node_modules/c/d.md",
        "x/.y/e.md",
        "x/f.md",
        "g.PDF",
        "h.exe",
    ):
        write(tmp_path / name)
    assert names(tmp_path) == ["g.PDF", "x/f.md"]


def test_all_kinds_of_files_are_listed(tmp_path: Path) -> None:
    for kind in ("md", "txt", "html", "htm", "pdf", "docx", "csv"):
        write(tmp_path / f"a.{kind}")
    assert len(names(tmp_path)) == 7


def test_links_are_followed_within_the_folder_and_not_out_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    write(folder / "real.md")
    write(folder / ".annex" / "object.md")
    write(folder / "program.exe")
    write(tmp_path / "secret" / "secret.md")
    (folder / "link.md").symlink_to(folder / "real.md")
    (folder / "shown.md").symlink_to(folder / ".annex" / "object.md")
    (folder / "program.md").symlink_to(folder / "program.exe")
    (folder / "out.md").symlink_to(tmp_path / "secret" / "secret.md")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "round").symlink_to(folder)
    (folder / "dead.md").symlink_to(folder / "nothing.md")
    assert sorted(names(folder)) == [".annex/object.md", "real.md"]


def test_a_folder_may_itself_be_named_by_a_link(tmp_path: Path) -> None:
    file = write(tmp_path / "real" / "a.md")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert listed([tmp_path / "link"]).files == (file,)


async def test_a_file_that_becomes_a_link_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.md")
    file = write(tmp_path / "corpus" / "a.md")
    corpus = Corpus([tmp_path / "corpus"])
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(PageUnreadable, match=r"a\.md has become a link"):
        await corpus.read(file.as_uri())
    assert await corpus.search("heat", limit=3, scope=Scope()) != []
    assert await corpus.search("heat", limit=3, scope=Scope()) == []


def test_what_is_no_file_any_more_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    with pytest.raises(PageUnreadable, match="no longer a file"):
        contents(tmp_path / "pipe.md")
    with pytest.raises(PageUnreadable, match="cannot be read: No such file"):
        stamp(tmp_path / "gone.md")


def test_a_folder_within_that_does_not_open_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.md")
    shut = write(tmp_path / "shut" / "b.md").parent
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if path == shut:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = listed([tmp_path])
    assert found.shut == {shut: "the folder cannot be listed: Permission denied"}
    assert found.files == (tmp_path / "a.md",)
    with pytest.raises(CorpusUnusable, match="cannot be listed: Permission denied"):
        listed([shut])


async def test_a_folder_that_does_not_open_is_read_as_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.md")
    shut = write(tmp_path / "shut" / "b.md").parent
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if path == shut:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    corpus = Corpus([tmp_path])
    hits = await corpus.search("heat", limit=3, scope=Scope())
    assert [hit.url for hit in hits] == [(tmp_path / "a.md").as_uri(), shut.as_uri()]
    with pytest.raises(PageUnreadable, match="cannot be listed"):
        await corpus.read(shut.as_uri())


async def test_odd_names_are_read_and_shown_as_text(tmp_path: Path) -> None:
    odd = [b"line\nend.md", b"\xff\xfe.md", "热 泵#?%.md".encode()]
    folder = os.fsencode(tmp_path)
    for name in odd:
        Path(os.fsdecode(folder + b"/" + name)).write_text("heat pumps")
    gone = Path(os.fsdecode(folder + b"/\xfa\n.txt"))
    gone.write_text("heat")
    corpus = Corpus([tmp_path], cache=tmp_path / "cache")
    gone.unlink()
    hits = await corpus.search("heat", limit=9, scope=Scope())
    assert len(hits) == 4
    assert all(hit.url.isascii() and hit.url.isprintable() for hit in hits)
    for hit in hits[:3]:
        assert (await corpus.read(hit.url)).text == "heat pumps"
    with pytest.raises(PageUnreadable) as refused:
        await corpus.read(hits[3].url)
    assert str(refused.value).startswith("\ufffd .txt cannot be read")


def test_a_folder_of_an_odd_name_is_refused_in_words_that_can_be_printed(tmp_path: Path) -> None:
    with pytest.raises(CorpusUnusable) as refused:
        listed([Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))])
    assert str(refused.value).encode()
