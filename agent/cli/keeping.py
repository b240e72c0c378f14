"""The commands for runs as things: list, open, watch, rm, prune, compare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from agent.cli.options import settings_from

if TYPE_CHECKING:
    from agent.past_runs import Listed

STATUSES: Final = ("complete", "partial", "empty", "going on", "stopped")
LONGEST_QUESTION: Final = 60

_out = click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the run folders.  [runs]"
)
_debug = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."
)


@click.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only runs that ended, or are, so.")
@click.option("--about", default="", metavar="WORDS", help="Only runs whose question has them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line for each.")
@_out
@_debug
def list_(status: str | None, about: str, out: Path | None, *, as_json: bool) -> None:
    """List runs, latest first: how they ended, when, for how much."""
    from agent import past_runs

    for run in past_runs.listed(settings_from(out=out).out):
        if status not in {None, run.status} or about.lower() not in run.question.lower():
            continue
        click.echo(run.as_json() if as_json else _line(run))


@click.command("open")
@click.argument("run_name", metavar="RUN")
@_out
@_debug
def open_(run_name: str, out: Path | None) -> None:
    """Open the report of an earlier run in the browser, or in what opens its files."""
    from agent import past_runs

    folder = past_runs.find(run_name, settings_from(out=out).out)
    names = ("report.html", "report.md", "report.json")
    report = next(folder / name for name in names if (folder / name).is_file())
    click.echo(report)
    click.launch(str(report))


@click.command()
@click.argument("run_name", metavar="RUN")
@_out
@_debug
def watch(run_name: str, out: Path | None) -> None:
    """Follow a run that is going on, from its beginning to its end."""
    from agent import past_runs, watching
    from agent.progress import teller

    folder = settings_from(out=out).out
    run = past_runs.find_any(run_name, folder)
    with teller(quiet=False) as watcher:
        for event in watching.followed(run.folder):
            watcher.tell(event)
    click.echo(past_runs.find_any(run.id, folder).status)


@click.command()
@click.argument("names", metavar="RUN...", nargs=-1, required=True)
@_out
@_debug
def rm(names: tuple[str, ...], out: Path | None) -> None:
    """Remove runs, finished or stopped."""
    from agent import past_runs

    folder = settings_from(out=out).out
    for run in [past_runs.find_any(name, folder) for name in names]:
        past_runs.remove(run)
        click.echo(run.id)


@click.command()
@click.option("--days", type=click.IntRange(0), required=True, help="Runs begun so long ago.")
@click.option("--status", type=click.Choice(STATUSES), help="Only runs that ended, or are, so.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_out
@_debug
def prune(days: int, status: str | None, out: Path | None, *, yes: bool) -> None:
    """Remove all runs that are older than some days, but none that is going on."""
    from agent import past_runs

    before = datetime.now(UTC) - timedelta(days=days)
    old = [
        run
        for run in past_runs.listed(settings_from(out=out).out)
        if run.started <= before and run.status != "going on" and status in {None, run.status}
    ]
    for run in old:
        click.echo(_line(run))
    if old and (yes or click.confirm(f"Remove {len(old)} runs?", err=True)):
        for run in old:
            past_runs.remove(run)


@click.command()
@click.argument("before", metavar="RUN")
@click.argument("after", metavar="RUN")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line.")
@_out
@_debug
def compare(before: str, after: str, out: Path | None, *, as_json: bool) -> None:
    """Say which claims the second of two reports gained, lost or words otherwise."""
    from agent import comparing, past_runs

    folder = settings_from(out=out).out
    compared = comparing.compare(past_runs.find(before, folder), past_runs.find(after, folder))
    click.echo(compared.as_json() if as_json else compared.as_text())


def _line(run: Listed) -> str:
    cost = "" if run.usd is None else f"${run.usd:.4f}"
    question = " ".join(run.question.split())
    if len(question) > LONGEST_QUESTION:
        question = f"{question[:LONGEST_QUESTION]}…"
    began = f"{run.started:%Y-%m-%d %H:%M}"
    return f"{run.id[-6:]}  {run.status:<8}  {began}  {cost:>9}  {question}"
