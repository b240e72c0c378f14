"""Makes a foreign text fit to be shown: one line, nothing invisible that could mislead."""

from __future__ import annotations

import re
from typing import Final

_MISLEADING: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # controls other than white space
    "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the reading direction
    "\ud800-\udfff\ufffe\uffff]"  # halves of characters, and no characters at all
)


def clean(text: str) -> str:
    """Fold white space and leave out what cannot be seen."""
    return " ".join(_MISLEADING.sub("", text).split())
