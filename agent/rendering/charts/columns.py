"""Sources over time, by kind."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from agent.rendering.charts.figure import SERIES, WIDTH, Block, Column, Figure, legend

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.domain.evidence import Source
    from agent.domain.question import SourceKind
    from agent.domain.report import Report
    from agent.rendering.words import Words

_YEARS: Final = 6
"""Columns of single years; what is older shares one, so that labels keep their room."""

_HIGHEST: Final = 120.0
_HEAD: Final = 18.0
_WIDEST: Final = 34.0
_FOOT: Final = 50.0

Counts = dict[str, Counter["SourceKind"]]


def years(report: Report, words: Words) -> Figure | None:
    """Draw when the cited sources were published; nothing if no two can be told apart by it."""
    counts = _counted(report.cited, words)
    if len(counts) < 2:  # noqa: PLR2004  # one column compares nothing
        return None
    kinds = [kind for kind in SERIES if any(kind in of_year for of_year in counts.values())]
    dated = sum(source.published is not None for source in report.cited)
    keys = legend(kinds, words, WIDTH)
    return Figure(
        name="years",
        title=words.say("years"),
        says=words.say("years_says", n=dated, all=len(report.cited)),
        height=_HEAD + _HIGHEST + _FOOT + keys[0].up,
        head=(words.say("year"), *(words.say(kind) for kind in kinds)),
        rows=tuple(
            (label, *(str(of_year[kind]) for kind in kinds)) for label, of_year in counts.items()
        ),
        columns=tuple(_columns(counts)),
        legend=keys,
    )


def _counted(sources: Sequence[Source], words: Words) -> Counts:
    """Count the sources of each kind by the label of their column, in the order of time."""
    published = sorted({source.published.year for source in sources if source.published})
    last = published[-1] if published else 0
    first = max(published[0], last - _YEARS + 1) if published else 0
    counts: Counts = {}
    if published and published[0] < first:
        counts[words.say("until_year", year=first - 1)] = Counter()
    counts |= {str(year): Counter() for year in range(first, last + 1) if published}
    earliest = next(iter(counts), "")
    for source in sources:
        label = words.say("undated")
        if source.published:
            label = str(source.published.year) if source.published.year >= first else earliest
        counts.setdefault(label, Counter())[source.kind] += 1
    return counts


def _columns(counts: Mapping[str, Counter[SourceKind]]) -> Iterator[Column]:
    step = WIDTH / len(counts)
    width = min(_WIDEST, round(step * 0.6, 1))
    most = max(of_year.total() for of_year in counts.values())
    for place, (label, of_year) in enumerate(counts.items()):
        ground = _HEAD + _HIGHEST
        blocks = []
        for kind in SERIES:
            height = round(_HIGHEST * of_year[kind] / most, 1)
            if height:
                ground = round(ground - height, 1)
                blocks.append(Block(SERIES[kind], ground, height))
        x = round(step * place + (step - width) / 2, 1)
        yield Column(x, width, tuple(blocks), ground, label, of_year.total())
