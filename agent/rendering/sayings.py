"""Recognizes what the program itself says of a run in English, and says it in another language.

Reasons and failures are made as finished English sentences wherever they arise, and stay so in
report.json. A saying is the pattern of one, with gaps for what was put in. Matching takes time
linear in the text, whatever stands in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONGEST: Final = 4_000
"""Characters of a text that may be a saying; a longer one was written by somebody else."""

DEEPEST: Final = 5
"""Sayings within sayings; the program itself puts no more than three into one another."""

TOLD: Final = "told"
"""The gap that holds what the program says itself; all others hold texts from outside."""

_GAP: Final = re.compile(r"\{(\w+)\}")
_NUMBER: Final = "0123456789.,%"
_AND: Final = "; "
_MENDED_BY: Final = (" - ", ": ")
"""What stands before a mend: in errors of the agent, and in those of the gateway client."""


@dataclass(frozen=True, slots=True)
class Saying:
    """An English sentence in ``literals`` with a gap between each two, and how to say it.

    A gap with a name of one letter holds a number, one with a name in capitals a single word.
    """

    literals: tuple[str, ...]
    gaps: tuple[str, ...]
    said: str

    @classmethod
    def of(cls, english: str, said: str) -> Saying:
        """Read an English sentence with its gaps in braces."""
        parts = _GAP.split(english)
        return cls(tuple(parts[::2]), tuple(parts[1::2]), said)

    @property
    def opens_outside(self) -> bool:
        """Whether it begins with a text that may be any, and not with a word or a number."""
        return not self.literals[0] and len(self.gaps[0]) > 1

    def filled(self, text: str) -> dict[str, str] | None:
        """Return what fills the gaps if a text is this saying; no gap is empty."""
        first, last = self.literals[0], self.literals[-1]
        if not self.gaps:
            return {} if text == first else None
        if not text.startswith(first) or not text.endswith(last):
            return None
        fills: list[str] = []
        start, end = len(first), len(text) - len(last)
        for literal in self.literals[1:-1]:
            at = text.find(literal, start + 1, max(start, end))
            if at < 0:
                return None
            fills.append(text[start:at])
            start = at + len(literal)
        if start >= end:
            return None
        found = dict(zip(self.gaps, (*fills, text[start:end]), strict=True))
        return found if all(_fits(gap, fill) for gap, fill in found.items()) else None


def _by_precision(table: Mapping[str, str]) -> tuple[Saying, ...]:
    """Return the sayings of a table, those first that have more words of their own."""
    sayings = (Saying.of(english, said) for english, said in table.items())
    return tuple(sorted(sayings, key=lambda saying: -sum(map(len, saying.literals))))


def _fits(gap: str, fill: str) -> bool:
    if len(gap) == 1:
        return not fill.strip(_NUMBER)
    return not gap.isupper() or len(fill.split()) == 1


@dataclass(frozen=True, slots=True)
class Sayings:
    """All sayings of one language, what to do about failures, and how both are joined.

    ``mended`` is a phrase with the gaps ``told`` and ``mend``.
    """

    told: tuple[Saying, ...]
    mends: tuple[Saying, ...]
    next: str
    mended: str

    @classmethod
    def of(
        cls, told: Mapping[str, str], mends: Mapping[str, str], *, next_: str, mended: str
    ) -> Sayings:
        """Read the tables of a language."""
        return cls(_by_precision(told), _by_precision(mends), next_, mended)

    def tell(self, english: str) -> str:
        """Say what the program says in English; what it does not know stays as it is."""
        if not self.told or len(english) > LONGEST:
            return english
        return self._told(english, DEEPEST) or english

    def _told(self, text: str, deeper: int) -> str:
        """Say one saying, or several parted by semicolons; nothing if it is none."""
        if not deeper:
            return ""
        parts = text.split(_AND)
        said = [self._piece(part, deeper, is_next=at > 0) for at, part in enumerate(parts)]
        if not all(said) and (whole := self._piece(text, deeper)):
            return whole
        return "".join(self._joined(parts, said)) if any(said) else ""

    def _joined(self, parts: list[str], said: list[str]) -> Iterator[str]:
        for at, (part, one) in enumerate(zip(parts, said, strict=True)):
            if at:
                yield self.next if one else _AND  # a part unknown may be of what filled a gap
            yield one or part

    def _piece(self, text: str, deeper: int, *, is_next: bool = False) -> str:
        return self._with_mend(text, deeper) or self._saying(text, deeper, is_next=is_next)

    def _with_mend(self, text: str, deeper: int) -> str:
        """Say what ends in a mend; what that is for may be known or not."""
        for mend in self.mends:
            for dash in _MENDED_BY:
                head, found, tail = text.rpartition(dash + mend.literals[0])
                gaps = mend.filled(mend.literals[0] + tail) if found else None
                if gaps is not None:
                    told = self._told(head, deeper - 1) or head
                    return self.mended.format(told=told, mend=mend.said.format_map(gaps))
        return ""

    def _saying(self, text: str, deeper: int, *, is_next: bool) -> str:
        """Say one saying, which after another one has to begin with words of the program.

        What follows a semicolon within a text from outside may look like one that begins with any.
        """
        for saying in self.told:
            gaps = saying.filled(text)
            if gaps is None:
                continue
            inner = self._told(gaps[TOLD], deeper - 1) if TOLD in gaps else ""
            if is_next and saying.opens_outside and not (inner and saying.gaps[0] == TOLD):
                continue
            return saying.said.format_map(gaps | {TOLD: inner or gaps.get(TOLD)})
        return ""
