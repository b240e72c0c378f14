"""The commands that research: run, demo, and refine, which stops before the first search."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli.options import output_options, question_from, question_options, settings_from

if TYPE_CHECKING:
    from agent.domain.events import Tell
    from agent.domain.question import Question
    from agent.domain.report import Report
    from agent.settings import Settings

EXIT_STATUS: Final = {"complete": 0, "partial": 3, "empty": 4}
DEMO_QUESTION: Final = "Do long context windows replace retrieval-augmented generation?"
NO_GATEWAY: Final = (
    "No model gateway is set: the embedded extractive model selects and quotes, and writes nothing"
    " of its own. For a written report set GATEWAY_BASE_URL and GATEWAY_API_KEY."
)


@click.command()
@click.argument("question")
@click.option("--corpus", multiple=True, type=click.Path(path_type=Path), metavar="DIR",
              help="Also read md, txt, html, pdf, docx, csv files in it. Repeatable.")  # fmt: skip
@click.option("--illustrate", is_flag=True,
              help="Have the gateway's image model draw a cover, marked as generated.")  # fmt: skip
@question_options
@output_options
def run(question: str, corpus: tuple[Path, ...], **options: Any) -> None:  # noqa: ANN401
    """Research QUESTION and write a report."""
    settings = settings_from(corpus=corpus or None, **options)
    asked = question_from(question, settings, **options)
    _notice(quiet=options["quiet"])
    sys.exit(_research(asked, settings, demo=False, **options))


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
    quiet: bool,
    as_json: bool,
    illustrate: bool = False,
    **_: object,
) -> int:
    """Run the pipeline, say where the report is, and return the exit status."""
    import asyncio

    from agent import wiring
    from agent.progress import teller

    async def work(tell: Tell) -> Report:
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
                question,
                settings=where,
                on_event=tell,
                embedded=demo,
                formats=formats,
                illustrated=illustrate,
            )

    with teller(quiet=quiet) as tell:
        report = asyncio.run(work(tell))
    path = settings.out / report.run.id
    _print_result(report, path, formats, quiet=quiet, as_json=as_json)
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
