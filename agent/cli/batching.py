"""The command that researches many topics from one file."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli import asking
from agent.cli.attending import braked
from agent.cli.options import run_options, settings_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.domain.events import Event
    from agent.doors.batch import Outcome, Row, Watch
    from agent.progress import Watcher

LONGEST_TOPIC: Final = 60


@click.command()
@click.argument("topics", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--parallel", "at_once", type=click.IntRange(1, 100), default=4, show_default=True,
              metavar="N", help="How many topics are researched side by side.")  # fmt: skip
@run_options
@click.option("--quiet", is_flag=True, help="Say nothing but the result.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line a topic.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def batch(
    context: click.Context,
    /,
    topics: Path,
    at_once: int,
    *,
    quiet: bool,
    as_json: bool,
    debug: bool,
    **_: Any,  # noqa: ANN401 - read from the context
) -> None:
    """Research every topic of a file: .txt (one a line), .csv or .jsonl (with options).

    Columns and keys are named as the options of run; those given here are for all topics. Called
    again, it goes on: what is done is left alone. Exit status 0 if all reports are complete, 3 if
    some are partial or empty, 1 if any failed.
    """
    import asyncio

    from agent.doors.batch import Batch, Record, exit_status, read_rows
    from agent.progress import teller
    from agent.stages.limits import Brake

    del debug
    common = asking.written(context)
    rows = read_rows(topics, asking.asked, common)
    out = settings_from(**{name: common[name] for name in ("out",) if name in common}).out
    record = Record(Path(out) / f"{topics.stem}.batch.jsonl")
    stop = Brake()
    with teller(quiet=quiet) as watcher:
        work = Batch(rows, record, at_once, watching(rows, watcher))
        outcomes = asyncio.run(braked(work.run(stop), stop, watcher))
    if as_json:
        for outcome in outcomes:
            click.echo(json.dumps(asdict(outcome), ensure_ascii=False))
    else:
        click.echo(_table(outcomes))
    sys.exit(exit_status(outcomes))


def watching(rows: Sequence[Row], watcher: Watcher) -> Watch:
    """Say how each topic begins and ends, and show the last event of any of them in between.

    An event tells what its own run has taken; what is shown is what all of them have.
    """
    from dataclasses import replace
    from decimal import Decimal

    from agent.doors.batch import Watch

    done: list[Outcome] = []
    latest: dict[str, Event] = {}

    def tell(row: Row, event: Event) -> None:
        latest[row.key] = event
        if watcher.is_live:
            shown = replace(
                event,
                kind="note",
                text=f"{_short(row.topic)}: {event.text}",
                tokens=sum(one.tokens for one in latest.values()),
                usd=sum((one.usd for one in latest.values()), Decimal(0)),
            )
            watcher.tell(shown)

    def ended(row: Row, outcome: Outcome) -> None:
        done.append(outcome)
        why = f" ({outcome.reason})" if outcome.reason else ""
        watcher.say(f"{len(done)} of {len(rows)}  {outcome.status}: {_short(row.topic)}{why}")

    return Watch(lambda row: watcher.say(f"begun: {_short(row.topic)}"), tell, ended)


def _table(outcomes: Sequence[Outcome]) -> str:
    """Return a line a topic, and one for all of them."""
    lines = [
        f"{one.status:<9} {one.claims:>5,} claims {one.sources:>5,} sources"
        f" {one.tokens:>10,} tokens ${one.usd:>8.4f}  {one.run or '-':<50}  {_short(one.topic)}"
        for one in outcomes
    ]
    counts = ", ".join(
        f"{sum(one.status == status for one in outcomes)} {status}"
        for status in dict.fromkeys(one.status for one in outcomes)
    )
    tokens, usd = sum(one.tokens for one in outcomes), sum(one.usd for one in outcomes)
    return "\n".join([*lines, f"{counts}: {tokens:,} tokens, ${usd:.4f}"])


def _short(topic: str) -> str:
    topic = " ".join(topic.split())
    return topic if len(topic) <= LONGEST_TOPIC else f"{topic[: LONGEST_TOPIC - 1]}…"
