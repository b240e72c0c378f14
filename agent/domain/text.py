"""Cleans foreign text at the door, so that what is stored is what can be shown and quoted."""

from __future__ import annotations

import re
from typing import Final

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LINE_END: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls other than tab and line ends
    "\xad\u200b\u2060\ufeff"  # soft hyphens and spaces of no width break quotes apart
    "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the reading direction
    "\ufffe\uffff"  # no characters at all
    "\U000e0000-\U000e007f]"  # tags, which a model reads and a person does not see
)
_MANY_BLANK_LINES: Final = re.compile("\n{4,}")


def clean(text: str) -> str:
    """Drop what cannot be seen, mend line ends and lone surrogates, keep at most 2 blank lines."""
    text = _LONE_SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))
    lines = _LINE_END.sub("\n", text).split("\n")
    return _MANY_BLANK_LINES.sub("\n\n\n", "\n".join(line.rstrip() for line in lines)).strip()


def one_line(text: str) -> str:
    """Clean a title, a name or an abstract, and fold its white space to single spaces."""
    return " ".join(clean(text).split())
