"""The web of claims and sources: which sentence rests on which source."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from agent.rendering.charts.figure import SERIES, Bracket, Dot, Figure, legend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agent.domain.report import Report
    from agent.rendering.words import Words

WIDTH: Final = 480
"""This one picture is wider than the others: threads that are steep cannot be told apart."""

_LEFT: Final = 56.0
_RIGHT: Final = 410.0
_BEND: Final = 150.0
_TOP: Final = 12.0
_STEP: Final = 16.0
_HIGHEST: Final = 560.0
"""Where the two columns of dots stand, and how high they grow."""

_FOOT: Final = 16.0
_DOT: Final = 3.0
_ROOM_FOR_LABEL: Final = 11.0
_LONGEST_LABEL: Final = 4

_FEWEST: Final = 2
"""Claims and sources: a web of one thread shows nothing."""


def web(
    report: Report, words: Words, text: Callable[[str], str], labels: Sequence[str]
) -> Figure | None:
    """Draw a thread from every claim to every source it rests on."""
    if len(report.claims) < _FEWEST or len(report.cited) < _FEWEST:
        return None
    higher = max(len(report.claims), len(report.cited))
    height = min(_HIGHEST, _STEP * higher)
    at_claims = _places(len(report.claims), height)
    return Figure(
        name="web",
        title=words.say("web_of_claims"),
        says=words.say("web_says", claims=len(report.claims), sources=len(report.cited)),
        height=height + 2 * _TOP + _FOOT,
        head=("", words.say("claim_head"), words.say("sources")),
        rows=tuple(_rows(report, text, labels)),
        claims=tuple(
            Dot(
                _LEFT, y, round(min(_DOT, height / len(at_claims) / 2), 1), "", text(claim.sentence)
            )
            for claim, y in zip(report.claims, at_claims, strict=True)
        ),
        sources=tuple(_sources(report, at_claims, height, text, labels)),
        brackets=tuple(_brackets(report, at_claims, height / len(at_claims))),
        width=WIDTH,
        legend=legend({source.kind for source in report.cited}, words, WIDTH),
    )


def _rows(
    report: Report, text: Callable[[str], str], labels: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    order = {source.id: place for place, source in enumerate(report.cited)}
    for number, claim in enumerate(report.claims, 1):
        resting_on = sorted({order[citation.source] for citation in claim.citations})
        yield str(number), text(claim.sentence), ", ".join(labels[place] for place in resting_on)


def _places(count: int, height: float) -> tuple[float, ...]:
    """Spread dots evenly over a height."""
    step = height / count
    return tuple(round(_TOP + step * (place + 0.5), 1) for place in range(count))


def _sources(
    report: Report,
    at_claims: tuple[float, ...],
    height: float,
    text: Callable[[str], str],
    labels: Sequence[str],
) -> Iterator[Dot]:
    places = _places(len(report.cited), height)
    labelled = height / len(report.cited) >= _ROOM_FOR_LABEL
    resting_on: dict[str, list[float]] = {source.id: [] for source in report.cited}
    for claim, at in zip(report.claims, at_claims, strict=True):
        for id_ in dict.fromkeys(citation.source for citation in claim.citations):
            resting_on[id_].append(at)
    for source, label, y in zip(report.cited, labels, places, strict=True):
        resting = resting_on[source.id]
        yield Dot(
            _RIGHT,
            y,
            round(min(_DOT + math.sqrt(len(resting)), max(_DOT, height / len(places))), 1),
            label if labelled and len(label) <= _LONGEST_LABEL else "",
            f"{label}. {text(source.title) or text(source.url)}",
            SERIES[source.kind],
            " ".join(_thread(at, y) for at in resting),
        )


def _thread(claim: float, source: float) -> str:
    """Return one curve of an SVG path, level where it leaves and where it arrives."""
    left, right = _LEFT + _BEND, _RIGHT - _BEND
    return f"M{_LEFT:g} {claim:g}C{left:g} {claim:g} {right:g} {source:g} {_RIGHT:g} {source:g}"


def _brackets(report: Report, at_claims: tuple[float, ...], step: float) -> Iterator[Bracket]:
    first, ends = 0, step * 0.35
    for number, section in enumerate(report.sections, 1):
        if section.claims:
            top, bottom = at_claims[first], at_claims[first + len(section.claims) - 1]
            yield Bracket(round(top - ends, 1), round(bottom - top + 2 * ends, 1), str(number))
            first += len(section.claims)
