"""Finds the files of a corpus in the folders that were named, and gets their bytes."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.domain.text import one_line
from agent.errors import CorpusUnusable, PageUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TYPES: Final = {
    ".md": "text/markdown",
    ".txt": "text/plain",
    ".html": "text/html",
    ".htm": "text/html",
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".csv": "text/csv",
}
MOST_FILES: Final = 100_000
MOST_BYTES: Final = 20_000_000
"""For one file: a scanned book is larger, but has no text either."""
PASSED_OVER: Final = frozenset({"node_modules", "__pycache__"})
"""Folders full of other people's files, passed over like hidden ones."""
MEND: Final = f"name a folder or file with {', '.join(TYPES)}"

_NEVER_WAITING: Final = (  # a pipe under a file's name would; a link was not there when listed
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
)  # fmt: skip

Stamp = tuple[int, int]
"""A file's size in bytes and the nanosecond of its last change: the same stamp, the same file."""
Contents = tuple[bytes, Stamp]
"""The bytes of a file, and its stamp as they were read."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Files under their true paths, and why some folders within did not open."""

    folders: tuple[Path, ...]
    files: tuple[Path, ...]
    shut: Mapping[Path, str]


def listed(folders: Sequence[Path]) -> Listing:
    """List folders and single files; raise CorpusUnusable if one has nothing to read."""
    files: dict[Path, None] = {}
    shut: dict[Path, str] = {}
    for folder in folders:
        empty, name = True, one_line(str(folder))
        for file in _files(folder, shut):
            empty = False
            files[file] = None
            if len(files) > MOST_FILES:
                message = f"the corpus {name} has more than {MOST_FILES:,} files"
                raise CorpusUnusable(message, mend="name a part of it")
        if empty:
            raise CorpusUnusable(f"the corpus {name} has nothing that can be read", mend=MEND)
    return Listing(tuple(folder.resolve() for folder in folders), tuple(files), shut)


def stamp(file: Path) -> Stamp:
    """Return the stamp of a file; raise PageUnreadable if it is gone."""
    try:
        return _stamp(file.stat())
    except OSError as error:
        raise _unreadable(file, error) from error


def contents(file: Path) -> Contents:
    """Return what is in a file; raise PageUnreadable if it cannot be had."""
    try:
        if Path(os.path.realpath(file)) != file:
            raise PageUnreadable(f"{_name(file)} has become a link that leads elsewhere")
        with os.fdopen(os.open(file, _NEVER_WAITING), "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise PageUnreadable(f"{_name(file)} is no longer a file")
            if status.st_size > MOST_BYTES:
                raise PageUnreadable(f"{_name(file)} has more than {MOST_BYTES / 1_000_000:g} MB")
            return opened.read(MOST_BYTES), _stamp(status)
    except OSError as error:
        raise _unreadable(file, error) from error


def _files(folder: Path, shut: dict[Path, str]) -> Iterator[Path]:
    """Yield the readable files of a folder, or the file itself."""
    name = one_line(str(folder))
    try:
        if not folder.exists():
            raise CorpusUnusable(f"the corpus {name} does not exist", mend=MEND)
        real = folder.resolve()
        if real.is_dir():
            yield from _inside(real, shut)
        elif real.is_file() and _is_readable(real.name):
            yield real
    except OSError as error:
        raise CorpusUnusable(
            f"the corpus {name} cannot be listed: {error.strerror}",
            mend="name a folder you may read",
        ) from error


def _inside(root: Path, shut: dict[Path, str]) -> Iterator[Path]:
    """Yield the files that lie in a folder in truth; hidden ones and links out of it do not.

    A folder within that cannot be opened is added to ``shut``.
    """
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if folder == root:
                raise
            shut[folder] = f"the folder cannot be listed: {error.strerror}"
            continue
        for entry in inside:
            if entry.name.startswith(".") or entry.name in PASSED_OVER:
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif _is_readable(entry.name) and (file := _true_file(entry, root)):
                yield file


def _true_file(entry: os.DirEntry[str], root: Path) -> Path | None:
    if not entry.is_symlink():
        return Path(entry.path) if entry.is_file() else None
    real = Path(os.path.realpath(entry.path))
    lies_inside = real.is_relative_to(root) and real.is_file()
    return real if lies_inside and _is_readable(real.name) else None


def _is_readable(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in TYPES  # noqa: PTH122 - 10 times as fast as a Path


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_mtime_ns


def _unreadable(file: Path, error: OSError) -> PageUnreadable:
    return PageUnreadable(f"{_name(file)} cannot be read: {error.strerror or error}")


def _name(file: Path) -> str:
    """Return a file's name fit to be shown: it may hold line ends, and bytes that are no text."""
    return one_line(file.name)
