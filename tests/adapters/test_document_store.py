import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.adapters.clock import SystemClock
from agent.adapters.document_store import FolderDocuments
from agent.domain.text import clean
from agent.errors import DocumentLost, RunUnwritable


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(codec=None)).map(clean))
async def test_what_was_put_is_what_one_gets_in_a_later_run(text: str) -> None:
    with TemporaryDirectory() as folder:
        digest = await FolderDocuments(Path(folder)).put(text)
        assert digest == hashlib.sha256(text.encode()).hexdigest()
        assert await FolderDocuments(Path(folder)).get(digest) == text


async def test_the_file_is_named_by_its_content_and_nothing_is_left_aside(tmp_path: Path) -> None:
    documents = FolderDocuments(tmp_path / "documents")
    digest = await documents.put("eins\nzwei 三")
    assert digest == await documents.put("eins\nzwei 三")
    assert [file.name for file in (tmp_path / "documents").iterdir()] == [f"{digest}.txt"]
    assert await documents.get(digest) == "eins\nzwei 三"


async def test_a_text_that_was_changed_is_not_passed_off_as_what_was_read(tmp_path: Path) -> None:
    digest = await FolderDocuments(tmp_path).put("true")
    (tmp_path / f"{digest}.txt").write_text("false")
    with pytest.raises(DocumentLost, match="was changed"):
        await FolderDocuments(tmp_path).get(digest)


async def test_a_text_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(DocumentLost, match="cannot be read"):
        await FolderDocuments(tmp_path).get("0" * 64)


async def test_only_a_digest_can_name_a_file(tmp_path: Path) -> None:
    with pytest.raises(DocumentLost, match="no SHA-256"):
        await FolderDocuments(tmp_path).get("../secret")


async def test_a_folder_that_cannot_be_made_is_unwritable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunUnwritable, match="cannot write"):
        await FolderDocuments(tmp_path / "file" / "documents").put("text")


def test_the_clock_is_aware_and_never_goes_back() -> None:
    clock = SystemClock()
    before = clock.seconds()
    assert clock.now().utcoffset() is not None
    assert clock.seconds() >= before
