"""Tells whether what an earlier run kept was made by the same code."""

from __future__ import annotations

import zlib
from functools import cache
from importlib import resources

Code = tuple[tuple[str, tuple[str, ...]], ...]
"""Packages, and files in them; no files are all of a package."""


@cache
def code_version(code: Code) -> int:
    """Return a number of 31 bits that changes with the code."""
    number = 0
    for package, names in code:
        for file in sorted(resources.files(package).iterdir(), key=lambda file: file.name):
            if file.is_file() and (file.name in names or not names):
                number = zlib.crc32(file.read_bytes(), number)
    return number & 0x7FFF_FFFF
