"""How a report is to look: its citation style, whose templates write it, and its cover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from pathlib import Path

CitationStyle = Literal["numeric", "author-year", "apa", "ieee", "gb7714"]
STYLES: Final[tuple[CitationStyle, ...]] = get_args(CitationStyle)
NUMBERED: Final[frozenset[CitationStyle]] = frozenset({"numeric", "ieee", "gb7714"})
"""The styles whose marks are the numbers of a list."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a report's form leaves open.

    ``templates`` is a folder of a user's own; what it does not have, ours write. ``cover`` is the
    picture of ``Report.cover``, whose bytes are not part of the report.
    """

    style: CitationStyle = "numeric"
    templates: Path | None = None
    cover: bytes = b""

    @property
    def is_numbered(self) -> bool:
        """Whether marks are numbers."""
        return self.style in NUMBERED


PLAIN: Final = Look()
