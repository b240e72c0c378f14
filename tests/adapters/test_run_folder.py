from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.run_folder import LONGEST_SLUG, new_run_folder, slug
from agent.errors import RunUnwritable

TODAY = date(2026, 1, 2)


async def test_a_folder_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    async with new_run_folder(tmp_path, "Why, oh why?", TODAY) as run:
        await run.write("a.txt", "lines\r\nkept ÿ")
        assert not run.path.exists()
    assert run.path.name.startswith("2026-01-02-why-oh-why-")
    assert (run.path / "a.txt").read_bytes() == "lines\r\nkept ÿ".encode()
    assert list(tmp_path.iterdir()) == [run.path]


async def test_a_run_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    async def failing() -> None:
        async with new_run_folder(tmp_path / "deep" / "out", "q", TODAY) as run:
            await run.write("a.txt", "text")
            raise KeyError

    with pytest.raises(KeyError):
        await failing()
    assert list((tmp_path / "deep" / "out").iterdir()) == []


async def test_what_cannot_be_written_is_said_before_anything_is_spent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunUnwritable, match="--out"):
        async with new_run_folder(tmp_path / "file", "q", TODAY):
            pytest.fail("the run began")


async def test_a_file_that_cannot_be_written_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(RunUnwritable, match=r"no-such-folder/a\.txt"):
        async with new_run_folder(tmp_path, "q", TODAY) as run:
            await run.write("no-such-folder/a.txt", "text")
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=200))
def test_a_slug_is_a_short_file_name_of_letters_digits_and_hyphens(text: str) -> None:
    name = slug(text)
    assert 0 < len(name) <= LONGEST_SLUG
    assert all(c.isalnum() or c == "-" for c in name)


def test_words_are_kept_whole_and_chinese_is_kept() -> None:
    assert slug("Über „GPT-4“: 长上下文?") == "über-gpt-4-长上下文"
    assert slug("a" * 100) == "a" * LONGEST_SLUG
    assert slug("?!") == "run"
