"""The commands that look at things: read, search, show, verify, claims, doctor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, TextIO

import click

from agent.cli.options import question_from, scope_options, settings_from


@click.command()
@click.argument("run_name", metavar="RUN")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run folders.  [runs]")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def show(run_name: str, out: Path | None, *, debug: bool) -> None:
    """Show the report of an earlier run.

    RUN is a run's id, the beginning or the last six characters of it, a path, or "latest".
    """
    from agent import past_runs

    del debug
    folder = past_runs.find(run_name, settings_from(out=out).out)
    click.echo(past_runs.shown(folder))


@click.command()
@click.argument("addresses", metavar="URL|FILE...", nargs=-1, required=True)
@click.option("--offline", is_flag=True, help="Read what earlier runs kept, and ask nobody.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line for each.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def read(addresses: tuple[str, ...], *, offline: bool, as_json: bool, debug: bool) -> None:
    """Show what a run would see of pages or files.

    Ends with status 1 if one of them cannot be read.
    """
    import asyncio

    from agent import looking

    del debug
    settings = settings_from(offline=offline or None)

    async def show() -> bool:
        well = True
        async for seen in looking.read(addresses, settings):
            well = well and seen.page is not None
            click.echo(seen.as_json() if as_json else seen.as_text())
        return well

    sys.exit(0 if asyncio.run(show()) else 1)


@click.command()
@click.argument("query")
@click.option("--limit", type=click.IntRange(1, 50), default=10, help="Most hits of each engine.")
@click.option("--language", metavar="xx", default="en", help="Language of the results.  [en]")
@scope_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def search(query: str, *, limit: int, as_json: bool, debug: bool, **options: Any) -> None:  # noqa: ANN401
    """Show what every engine answers, and the one ranking made of it."""
    import asyncio

    from agent import looking

    del debug
    settings = settings_from(**options)
    scope = question_from(query, settings, **options).scope(options["language"])
    looked = asyncio.run(looking.search(query, settings, scope, limit))
    click.echo(looked.as_json() if as_json else looked.as_text())


@click.command()
@click.argument("run_name", metavar="RUN")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run folders.  [runs]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def verify(run_name: str, out: Path | None, *, as_json: bool, debug: bool) -> None:
    """Check a report again, from its files alone.

    Looks at every quote, number, digest and id, asking neither a model nor the network. RUN is as
    for show, or the path of a report.json with its documents beside it. Ends with status 1 if
    anything is not as the report says.
    """
    import json
    from dataclasses import asdict

    from agent import checking, past_runs

    del debug
    named = Path(run_name)
    is_path = named.is_file() or (named / "report.json").is_file()
    path = named if is_path else past_runs.find(run_name, settings_from(out=out).out)
    checked = checking.check(path)
    if as_json:
        told = {"ok": not checked.breaches, **asdict(checked)}
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        for breach in checked.breaches:
            click.echo(f"{breach.where}: {breach.what}")
        looked = f"{checked.claims} claims, {checked.citations} quotes, {checked.sources} sources"
        click.echo(f"{looked}: {len(checked.breaches) or 'no'} breaches")
    sys.exit(1 if checked.breaches else 0)


@click.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--judge", is_flag=True, help="Have a model judge what is unclear by rule.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def claims(file: TextIO, *, judge: bool, debug: bool) -> None:
    """Judge claims of anybody's against their evidence.

    FILE, or - for standard input, has one {"claim", "evidence"} a line, the evidence a text or a
    list of texts; out comes one {"support", "verdict", "reasons"} a line. No model is asked
    without --judge. Ends with status 1 if a line cannot be read.
    """
    import asyncio
    from contextlib import AsyncExitStack

    from agent import claims as judging

    del debug

    async def answer() -> bool:
        well, model = True, None
        async with AsyncExitStack() as stack:
            if judge:
                from agent import wiring

                model = await stack.enter_async_context(wiring.open_judge())
            async for answer in judging.answers(file, model):
                well = well and not answer.error
                click.echo(answer.as_json())
        return well

    sys.exit(0 if asyncio.run(answer()) else 1)


@click.command()
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def doctor(*, debug: bool) -> None:
    """Check what a run depends on.

    Looks at keys, endpoints, searches and write access, and says how to mend what is broken.
    """
    import asyncio

    from agent import doctor as checks

    del debug
    results = asyncio.run(checks.examine(settings_from()))
    for check in results:
        click.echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.what}: {check.finding}")
        if check.mend:
            click.echo(f"      {check.mend}")
    sys.exit(0 if all(check.ok for check in results) else 1)
