"""Pictures whose parts are compared by length: coverage, independence, time and cost."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.rendering.charts.figure import WIDTH, Bar, Figure, lines_of
from agent.rendering.method import dollars, in_order, stage_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from agent.domain.report import Claim, Report
    from agent.rendering.words import Words

_LONGEST: Final = 216.0
"""A whole bar; the rest of the width is for its value in words."""

_LINE: Final = 16.0
_THICK: Final = 9.0
_GAP: Final = 13.0
_LABEL_LINES: Final = 2

_STAGE_OF_TASK: Final = {
    "refine": "refine",
    "excerpt": "synthesize",
    "outline": "synthesize",
    "write": "synthesize",
    "summarize": "synthesize",
    "judge": "verify",
    "repair": "verify",
}


class _Row(NamedTuple):
    label: str
    amount: float
    value: str


def coverage(report: Report, words: Words, text: Callable[[str], str]) -> Figure | None:
    """Draw how many claims answer each sub-question, and how many works hold those."""
    rows, table = [], []
    for part in report.brief.sub_questions:
        claims = [
            claim
            for section in report.sections
            if part.id in section.answers
            for claim in section.claims
        ]
        works = _works(report, claims)
        rows.append(_Row(text(part.text), len(claims), _coverage_in_words(claims, works, words)))
        table.append((text(part.text), str(len(claims)), str(works)))
    says = words.say(
        "coverage_says", n=sum(row.amount > 0 for row in rows), all=len(report.brief.sub_questions)
    )
    head = (words.say("sub_question"), words.say("claims_head"), words.say("works_head"))
    return _figure("coverage", words.say("coverage"), says, rows, (head, table))


def independence(report: Report, words: Words, text: Callable[[str], str]) -> Figure | None:
    """Draw how many independent sources hold each section."""
    rows, table = [], []
    for section in report.sections:
        works = _works(report, section.claims)
        rows.append(_Row(text(section.title), works, words.count("works", works)))
        table.append((text(section.title), str(works)))
    head = (words.say("section"), words.say("works_head"))
    says = words.count("independence_says", report.independent)
    return _figure("independence", words.say("independence"), says, rows, (head, table))


def stages(report: Report, words: Words, text: Callable[[str], str]) -> Figure | None:
    """Draw how long each stage took."""
    spent = in_order(report.seconds_by_stage)
    rows = [
        _Row(stage_name(stage, words, text), seconds, words.say("seconds", n=seconds))
        for stage, seconds in spent.items()
    ]
    head = (words.say("stage"), words.say("time_head"))
    says = words.say("stages_says", n=sum(spent.values()))
    table = [(row.label, row.value) for row in rows]
    return _figure("stages", words.say("stages"), says, rows, (head, table))


def spending(report: Report, words: Words, text: Callable[[str], str]) -> Figure | None:
    """Draw what the model calls of each stage cost."""
    usd: dict[str, Decimal] = {}
    for task, usage in sorted(report.usage.by_task.items()):
        stage = _STAGE_OF_TASK.get(task, task)
        usd[stage] = usd.get(stage, Decimal(0)) + usage.usd
    rows = [
        _Row(stage_name(stage, words, text), float(cost), dollars(cost))
        for stage, cost in in_order(usd).items()
    ]
    head = (words.say("stage"), words.say("cost_head"))
    says = words.say("spending_says", usd=dollars(report.usage.usd))
    table = [(row.label, row.value) for row in rows]
    return _figure("spending", words.say("spending"), says, rows, (head, table))


def _works(report: Report, claims: Iterable[Claim]) -> int:
    work = {source.id: source.work or source.id for source in report.cited}
    return len({work[citation.source] for claim in claims for citation in claim.citations})


def _coverage_in_words(claims: Sequence[Claim], works: int, words: Words) -> str:
    if not claims:
        return words.say("open")
    return f"{words.count('claims_short', len(claims))} · {words.count('works_short', works)}"


def _figure(
    name: str,
    title: str,
    says: str,
    rows: Sequence[_Row],
    table: tuple[tuple[str, ...], Sequence[tuple[str, ...]]],
) -> Figure | None:
    """Return the picture, or None if all bars would be empty or there is but one to look at."""
    if sum(row.amount > 0 for row in rows) < 1 or len(rows) < 2:  # noqa: PLR2004  # to compare
        return None
    bars = tuple(_bars(rows))
    height = bars[-1].y + _THICK + 2
    head, body = table
    return Figure(name, title, says, height, head, tuple(body), bars=bars)


def _bars(rows: Sequence[_Row]) -> Iterator[Bar]:
    most = max(row.amount for row in rows)
    y = 0.0
    for row in rows:
        label = lines_of(row.label, WIDTH, _LABEL_LINES)
        y += _LINE * len(label)
        yield Bar(y, label, round(_LONGEST * row.amount / most, 1), row.value)
        y += _THICK + _GAP
