"""The commands that research: run, resume, demo, and refine, which stops before any search."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from agent.cli.options import (
    material_options,
    output_options,
    question_from,
    question_options,
    settings_from,
    watching_options,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from agent.domain.question import Question
    from agent.domain.report import Report
    from agent.running import Host
    from agent.settings import Settings

EXIT_STATUS: Final = {"complete": 0, "partial": 3, "empty": 4}
DEMO_QUESTION: Final = "Do long context windows replace retrieval-augmented generation?"
NO_GATEWAY: Final = (
    "No model gateway is set: the embedded extractive model selects and quotes, and writes nothing"
    " of its own. For a written report set GATEWAY_BASE_URL and GATEWAY_API_KEY."
)


@click.command()
@click.argument("question")
@material_options
@question_options
@click.option("--since-run", "predecessor", metavar="RUN",
              help="Tell first what has changed since a run on the same question.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with a run of this question that was stopped.")
@click.option(
    "--clarify",
    "ask_clarity",
    is_flag=True,
    help="Be asked at most three questions before anything is searched.",
)
@click.option("--review-plan", "ask_plan", is_flag=True,
              help="See and edit the plan before it is carried out.")  # fmt: skip
@output_options
def run(
    question: str,
    corpus: tuple[Path, ...],
    *,
    resume: bool,
    predecessor: str | None,
    **options: Any,  # noqa: ANN401
) -> None:
    """Research QUESTION and write a report."""
    from agent import past_runs

    settings = settings_from(corpus=corpus or None, **options)
    asked = question_from(question, settings, **options)
    if predecessor:
        asked = replace(asked, predecessor=past_runs.find_in(predecessor, settings.out))
    _notice(quiet=options["quiet"])
    stopped = past_runs.find_asked(asked, settings.out) if resume else None
    if stopped is not None:
        sys.exit(_go_on(stopped, settings, **options))
    sys.exit(_research(asked, settings, demo=False, **options))


@click.command()
@click.argument("run_name", metavar="RUN")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for runs.  [runs]")
@watching_options
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def resume(run_name: str, **options: Any) -> None:  # noqa: ANN401
    """Go on with a run that was stopped, wherever it was, paying for nothing twice.

    RUN is as for show. Of a run that is finished it says so.
    """
    from agent import past_runs
    from agent.errors import RunFinished

    settings = settings_from(**options)
    try:
        stopped = past_runs.find_unfinished(run_name, settings.out)
        sys.exit(_go_on(stopped, settings, **options))
    except RunFinished as finished:
        click.echo(finished, err=True)
        click.echo(past_runs.find(run_name, settings.out))


@click.command()
@click.argument("question", default=DEMO_QUESTION)
@output_options
def demo(question: str, **options: Any) -> None:  # noqa: ANN401
    """Try it: no network, no key.

    Runs the whole machine on a miniature internet of its own, which is about long-context language
    models and retrieval.
    """
    settings = settings_from(**options)
    asked = question_from(question, settings, sources=("web", "arxiv"))
    sys.exit(_research(asked, settings, demo=True, **options))


@click.command()
@click.argument("question")
@question_options
@click.option("--json", "as_json", is_flag=True, help="Print the brief as JSON.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def refine(question: str, *, as_json: bool, debug: bool, **options: Any) -> None:  # noqa: ANN401
    """Only print sub-questions and queries."""
    import asyncio

    from agent import wiring
    from agent.rendering.step_files import step_file

    del debug
    settings = settings_from(**options)
    asked = question_from(question, settings, **options)
    brief = asyncio.run(wiring.brief(asked))
    if as_json:
        click.echo(step_file(brief), nl=False)
        return
    click.echo(f"{brief.restated}\n")
    for part in brief.sub_questions:
        click.echo(f"  {part.id}  {part.text}")
    for name, queries in (("web", brief.web_queries), ("arXiv", brief.arxiv_queries)):
        click.echo(f"\n{name} queries")
        for query in queries:
            click.echo(f"  {query}")


def _notice(*, quiet: bool) -> None:
    from agent import wiring

    if not quiet and not wiring.gateway_is_set():
        click.echo(NO_GATEWAY, err=True)


def _research(
    question: Question,
    settings: Settings,
    *,
    demo: bool,
    formats: tuple[str, ...],
    **options: Any,  # noqa: ANN401
) -> int:
    """Run the pipeline, say where the report is, and return the exit status."""
    from agent import wiring

    async def work(host: Host) -> Report:
        async with AsyncExitStack() as stack:
            where = settings
            if demo:
                from agent.demo.world import DemoWorld

                world = await stack.enter_async_context(DemoWorld())
                addresses = {
                    "searxng_url": world.searxng_url,
                    "arxiv_url": world.arxiv_url,
                    "allow_hosts": frozenset({world.host}),
                    "engines": ("searxng", "arxiv"),
                    "cached": False,
                    "offline": False,
                }
                where = settings.model_copy(update=addresses)
            return await wiring.research(
                question, settings=where, host=host, embedded=demo, formats=formats, demo=demo
            )

    return _finish(work, settings, formats, embedded=demo, **options)


def _go_on(stopped: Path, settings: Settings, **options: Any) -> int:  # noqa: ANN401
    """Go on with the run whose folder this is, and return the exit status."""
    from agent import wiring
    from agent.adapters.run_folder import run_id
    from agent.adapters.run_request import read_request

    here = settings.model_copy(update={"out": stopped.parent})

    async def work(host: Host) -> Report:
        return await wiring.resume(run_id(stopped), settings=here, host=host)

    request = read_request(stopped)
    return _finish(work, here, request.formats, embedded=request.embedded, **options)


def _finish(
    work: Callable[[Host], Coroutine[None, None, Report]],
    settings: Settings,
    formats: tuple[str, ...],
    /,
    *,
    embedded: bool,
    events: TextIO | None,
    quiet: bool,
    as_json: bool,
    **_: object,
) -> int:
    """Watch a run to its end, say where the report is, and return the exit status."""
    import asyncio

    from agent import past_runs, wiring
    from agent.adapters.event_log import both, written
    from agent.cli.attending import answering, braked
    from agent.cli.tracing import traced
    from agent.progress import Tally, teller
    from agent.running import Host
    from agent.stages.limits import NO_LIMITS, Brake

    limits = wiring.limits(settings)
    if not quiet:
        day = None if embedded else wiring.day(settings)
        if limits != NO_LIMITS or day:
            click.echo(wiring.estimate(settings), err=True)
        if day:
            click.echo(day, err=True)
    brake = Brake(limits)
    with (
        traced(),
        teller(
            quiet=quiet, tally=Tally(past_runs.shares(settings.out), settings.max_usd)
        ) as watcher,
    ):
        tell = both(watcher.tell, written(events)) if events else watcher.tell
        host = Host(tell, answering(watcher), brake)
        report = asyncio.run(braked(work(host), brake, watcher))
    _print_result(report, settings.out / report.run.id, formats, quiet=quiet, as_json=as_json)
    return EXIT_STATUS[report.run.status]


def _print_result(
    report: Report, path: Path, formats: tuple[str, ...], *, quiet: bool, as_json: bool
) -> None:
    from agent.rendering.forms import FORMS
    from agent.rendering.step_files import result_line

    if as_json:
        click.echo(result_line(report, path), nl=False)
        return
    if not quiet:
        click.echo(_summary(report), err=True)
    first = "html" if "html" in formats else formats[0]
    click.echo(path / FORMS[first].file)


def _summary(report: Report) -> str:
    status = report.run.status + (f" ({report.run.reason})" if report.run.reason else "")
    return f"{status}: {len(report.claims)} claims held by {len(report.cited)} sources"
