"""Pictures of a report: geometry here, markup in ``templates/``, and a table that says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.rendering.charts.bars import coverage, independence, spending, stages
from agent.rendering.charts.columns import years
from agent.rendering.charts.figure import Figure
from agent.rendering.charts.web import web

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.domain.report import Report
    from agent.rendering.words import Words

__all__ = ["Figure", "of_evidence", "of_making"]


def of_evidence(
    report: Report, words: Words, text: Callable[[str], str], labels: Sequence[str]
) -> tuple[Figure, ...]:
    """Draw what the report rests on; a picture of nothing is left out.

    ``labels`` name the cited sources as the text does, already escaped.
    """
    drawn = (
        coverage(report, words, text),
        independence(report, words, text),
        years(report, words),
        web(report, words, text, labels),
    )
    return tuple(figure for figure in drawn if figure)


def of_making(report: Report, words: Words, text: Callable[[str], str]) -> tuple[Figure, ...]:
    """Draw what the report took to make; a picture of nothing is left out."""
    drawn = (stages(report, words, text), spending(report, words, text))
    return tuple(figure for figure in drawn if figure)
