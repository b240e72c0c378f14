"""Finds what an edit made of a text: which sentences it gained, and which one it reworded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.domain.passages import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.domain.passages import Span

REWORDED: Final = 60.0
"""How alike (rapidfuzz's ratio) a sentence must be to one that is gone to be that one reworded.
Another number leaves more than 90 and another wording 60 to 80; two sentences of one page on other
things score 30 to 50. Only sentences the page gained are compared."""


def gained(before: str, after: str) -> tuple[Span, ...]:
    """Return the sentences of ``after``, as offsets, that do not stand in ``before``."""
    known = {folded(before[start:end]) for start, end in sentences(before)}
    return tuple(
        (start, end) for start, end in sentences(after) if folded(after[start:end]) not in known
    )


def reworded(sentence: str, text: str, among: Sequence[Span]) -> Span | None:
    """Return which of some stretches of a text a sentence became, None if it became none."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - 10 ms, where a page was edited

    best = process.extractOne(
        folded(sentence),
        [folded(text[start:end]) for start, end in among],
        scorer=fuzz.ratio,
        score_cutoff=REWORDED,
    )
    return among[best[2]] if best else None


def folded(sentence: str) -> str:
    """Return a sentence as it is compared: line ends and runs of white space are no edits."""
    return " ".join(sentence.split())
