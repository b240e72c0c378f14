"""Says how a report was made: when, how long, how many calls, tokens and dollars."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar, get_args

from agent.domain.events import StageName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from agent.domain.report import Report, Usage
    from agent.rendering.words import Words

Amount = TypeVar("Amount", float, Decimal)

_STAGES: Final[tuple[str, ...]] = get_args(StageName)
_FOUR_PLACES: Final = Decimal("0.0001")
"""US dollars: about one small call; less would round to nothing."""


class Fact(NamedTuple):
    """A label and what it says."""

    label: str
    value: str


def facts(report: Report, words: Words, text: Callable[[str], str]) -> Iterator[Fact]:
    """Yield the facts of a run, for a list of labels and values."""
    run, usage = report.run, report.usage
    took = (run.finished - run.started).total_seconds()
    yield Fact(words.say("run"), text(run.id))
    yield Fact(words.say("started"), moment(run.started))
    yield Fact(words.say("took"), words.say("seconds", n=took))
    yield Fact(words.say("rounds"), _rounds(report, words))
    for stage, seconds in in_order(report.seconds_by_stage).items():
        yield Fact(stage_name(stage, words, text), words.say("seconds", n=seconds))
    yield Fact(words.say("models"), _spent(usage, words))
    for model, part in sorted(usage.by_model.items()):
        yield Fact(text(model), _spent(part, words))
    if usage.unpriced:
        yield Fact(words.say("unpriced"), ", ".join(map(text, sorted(usage.unpriced))))


def _rounds(report: Report, words: Words) -> str:
    most = words.count("at_most", report.run.question.depth)
    return words.say("so_many_of", n=report.rounds, most=most) if report.rounds else most


def stage_name(stage: str, words: Words, text: Callable[[str], str]) -> str:
    """Return what a reader knows a stage by."""
    return words.say(f"stage_{stage}") if stage in _STAGES else text(stage)


def moment(at: datetime) -> str:
    """Return a moment to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def in_order(by_stage: Mapping[str, Amount]) -> dict[str, Amount]:
    """Return the stages in the order of the pipeline, whatever order they were noted in."""

    def place(stage: str) -> tuple[int, str]:
        return (_STAGES.index(stage) if stage in _STAGES else len(_STAGES), stage)

    return {stage: by_stage[stage] for stage in sorted(by_stage, key=place)}


def _spent(usage: Usage, words: Words) -> str:
    tokens = words.say("tokens", read=usage.input_tokens, written=usage.output_tokens)
    cost = words.say("unknown_cost") if usage.unpriced and not usage.usd else dollars(usage.usd)
    cached = [words.say("cached", n=usage.cached_tokens)] if usage.cached_tokens else []
    return " · ".join((words.count("calls", usage.calls), tokens, *cached, cost))


def dollars(usd: Decimal) -> str:
    """Return a cost with as many places as it takes to be more than nothing."""
    if not usd:
        return "$0"
    return f"${usd:.4f}" if usd >= _FOUR_PLACES else f"${usd:.1g}"
