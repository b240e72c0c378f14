"""Tells pictures and films by their first bytes, names them, and saves them whole or not at all."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME_CHARACTERS: Final = 48

ENOUGH_TO_TELL: Final = 12
"""Bytes from the beginning of a file that `kind_of` looks at."""

_STARTS: Final = (
    ("png", 0, b"\x89PNG\r\n\x1a\n"),
    ("jpg", 0, b"\xff\xd8\xff"),
    ("gif", 0, b"GIF8"),
    ("webp", 8, b"WEBP"),
    ("mp4", 4, b"ftyp"),
    ("webm", 0, b"\x1aE\xdf\xa3"),
)

PICTURES: Final = frozenset({"png", "jpg", "gif", "webp"})
FILMS: Final = frozenset({"mp4", "webm"})


def kind_of(data: bytes) -> str:
    """Return the kind of file these bytes begin, as its usual suffix; empty if it is none."""
    return next((kind for kind, at, start in _STARTS if data[at:].startswith(start)), "")


def free_name(folder: Path, prompt: str, kind: str) -> Path:
    """Return a path in the folder, named after the prompt, where nothing is yet."""
    words = re.sub(r"\W+", "-", prompt.lower())[:NAME_CHARACTERS].strip("-") or "untitled"
    paths = (folder / f"{words}-{number}.{kind}" for number in count(1))
    return next(path for path in paths if not path.exists())


def save(data: bytes, path: Path) -> None:
    """Write the file so that nobody ever sees a part of it."""
    with aside(path) as file:
        file.write(data)


@contextmanager
def aside(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside the path; it takes the path's place if all went well, else it goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
