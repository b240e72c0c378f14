"""Words in, report path out; the one place where an error becomes an exit status.

Exit status: 0 complete, 1 failed, 2 wrong usage, 3 partial, 4 nothing found. What is for the
caller goes to standard output, what is for the watcher to standard error. Nothing heavy is
imported before a command needs it.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from agent.errors import DeepResearchError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from agent.domain.events import Tell
    from agent.domain.question import Question, SourceKind
    from agent.domain.report import Report
    from agent.settings import Settings

EXIT_STATUS: Final = {"complete": 0, "partial": 3, "empty": 4}
DEMO_QUESTION: Final = "Do long context windows replace retrieval-augmented generation?"
NO_GATEWAY: Final = (
    "No model gateway is set: the embedded extractive model selects and quotes, and writes nothing"
    " of its own. For a written report set GATEWAY_BASE_URL and GATEWAY_API_KEY."
)
FORMATS: Final = ("md", "html", "json", "bib")
SOURCES: Final = ("web", "arxiv", "scholar", "corpus")


class WordList(click.ParamType[tuple[str, ...]]):
    """A comma-separated choice of known words."""

    def __init__(self, name: str, words: Sequence[str]) -> None:
        self.name = name
        self.words = words

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:  # noqa: ANN401
        """Return the words; fail naming the ones that are known."""
        chosen = value if isinstance(value, tuple) else tuple(w.strip() for w in value.split(","))
        for word in chosen:
            if word not in self.words:
                self.fail(f"{word!r} is none of {', '.join(self.words)}", param, ctx)
        return tuple(dict.fromkeys(chosen))


class Commands(click.Group):
    """Our own commands, and the gateway's as one of them, loaded only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted([*super().list_commands(ctx), "gateway"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by name."""
        if cmd_name == "gateway":
            from gateway_client.commands import gateway

            return gateway
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="deep-research-agent", prog_name="deep-research")
def cli() -> None:
    """Turn a vague topic into a cited report in which every sentence rests on a verbatim quote."""


def _output_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed((
        click.option("--format", "formats", type=WordList("formats", FORMATS), default=FORMATS,
                     help="Which of md,html,json,bib to write; json always is."),
        click.option("--out", type=click.Path(path_type=Path), help="Folder for runs.  [runs]"),
        click.option("--quiet", is_flag=True, help="Say nothing but the result."),
        click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON line."),
        click.option("--debug", is_flag=True, help="Show the traceback of an error."),
    )):  # fmt: skip
        command = option(command)
    return command


_DATE: Final = click.DateTime(["%Y-%m-%d", "%Y-%m", "%Y"])
_SCOPE_OPTIONS: Final = (
    click.option("--since", type=_DATE, help="Leave out sources published before this date."),
    click.option("--until", type=_DATE, help="Leave out sources published after this date."),
    click.option("--engine", "engines", multiple=True, metavar="NAME",
                 help="Ask this search engine, and others named so. Repeatable."),
    click.option("--site", "only_sites", multiple=True, metavar="HOST",
                 help="Search this site, and others named so, alone. Repeatable."),
    click.option("--without-site", "without_sites", multiple=True, metavar="HOST",
                 help="Leave out this site. Repeatable."),
    click.option("--offline", is_flag=True, help="Read what earlier runs kept, and ask nobody."),
)  # fmt: skip


def _scope_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_SCOPE_OPTIONS):
        command = option(command)
    return command


def _question_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed((
        click.option("--sources", type=WordList("sources", SOURCES),
                     help="Where to look: web,arxiv,scholar,corpus.  [all there are]"),
        click.option("--depth", type=click.IntRange(1, 10), help="Most rounds of retrieval.  [2]"),
        click.option("--breadth", type=click.IntRange(1, 20),
                     help="Most queries a round for each kind of source.  [5]"),
        click.option("--language", metavar="xx",
                     help="Language of the report, such as en or zh.  [the question's]"),
        *_SCOPE_OPTIONS,
    )):  # fmt: skip
        command = option(command)
    return command


@cli.command()
@click.argument("question")
@click.option("--corpus", multiple=True, type=click.Path(path_type=Path), metavar="DIR",
              help="Also read md, txt, html, pdf, docx, csv files in it. Repeatable.")  # fmt: skip
@_question_options
@_output_options
def run(question: str, corpus: tuple[Path, ...], **options: Any) -> None:  # noqa: ANN401
    """Research QUESTION and write a report."""
    settings = _settings(corpus=corpus or None, **options)
    asked = _question(question, settings, **options)
    _notice(quiet=options["quiet"])
    sys.exit(_research(asked, settings, demo=False, **options))


@cli.command()
@click.argument("question", default=DEMO_QUESTION)
@_output_options
def demo(question: str, **options: Any) -> None:  # noqa: ANN401
    """Try it: no network, no key.

    Runs the whole machine on a miniature internet of its own, which is about long-context language
    models and retrieval.
    """
    settings = _settings(**options)
    asked = _question(question, settings, sources=("web", "arxiv"))
    sys.exit(_research(asked, settings, demo=True, **options))


@cli.command()
@click.argument("question")
@_question_options
@click.option("--json", "as_json", is_flag=True, help="Print the brief as JSON.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def refine(question: str, *, as_json: bool, debug: bool, **options: Any) -> None:  # noqa: ANN401
    """Only print sub-questions and queries."""
    import asyncio

    from agent import wiring
    from agent.rendering.step_files import step_file

    del debug
    settings = _settings(**options)
    asked = _question(question, settings, **options)
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


@cli.command()
@click.argument("run_name", metavar="RUN")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run folders.  [runs]")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def show(run_name: str, out: Path | None, *, debug: bool) -> None:
    """Show the report of an earlier run.

    RUN is a run's id, the beginning or the last six characters of it, a path, or "latest".
    """
    from agent import past_runs

    del debug
    folder = past_runs.find(run_name, _settings(out=out).out)
    click.echo(past_runs.shown(folder))


@cli.command()
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
    settings = _settings(offline=offline or None)

    async def show() -> bool:
        well = True
        async for seen in looking.read(addresses, settings):
            well = well and seen.page is not None
            click.echo(seen.as_json() if as_json else seen.as_text())
        return well

    sys.exit(0 if asyncio.run(show()) else 1)


@cli.command()
@click.argument("query")
@click.option("--limit", type=click.IntRange(1, 50), default=10, help="Most hits of each engine.")
@click.option("--language", metavar="xx", default="en", help="Language of the results.  [en]")
@_scope_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def search(query: str, *, limit: int, as_json: bool, debug: bool, **options: Any) -> None:  # noqa: ANN401
    """Show what every engine answers, and the one ranking made of it."""
    import asyncio

    from agent import looking

    del debug
    settings = _settings(**options)
    scope = _question(query, settings, **options).scope(options["language"])
    looked = asyncio.run(looking.search(query, settings, scope, limit))
    click.echo(looked.as_json() if as_json else looked.as_text())


@cli.command()
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def doctor(*, debug: bool) -> None:
    """Check what a run depends on.

    Looks at keys, endpoints, searches and write access, and says how to mend what is broken.
    """
    import asyncio

    from agent import doctor as checks

    del debug
    results = asyncio.run(checks.examine(_settings()))
    for check in results:
        click.echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.what}: {check.finding}")
        if check.mend:
            click.echo(f"      {check.mend}")
    sys.exit(0 if all(check.ok for check in results) else 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        cli.main(words, prog_name="deep-research", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; nothing was written", err=True)
        sys.exit(130)
    except Exception as error:
        if "--debug" in words:
            raise
        sys.exit(_said(error))


def _said(error: Exception) -> int:
    """Put an error into one line and return its exit status."""
    if isinstance(error, BrokenPipeError):
        return 1
    known = isinstance(error, DeepResearchError)
    text = str(error) if known else f"unexpected {type(error).__name__}: {error} (see --debug)"
    click.echo(f"deep-research: {' '.join(text.split())}", err=True)
    return error.exit_status if isinstance(error, DeepResearchError) else 1


def _settings(**options: Any) -> Settings:  # noqa: ANN401
    from agent.settings import read_settings

    known = (
        "out",
        "depth",
        "breadth",
        "corpus",
        "engines",
        "only_sites",
        "without_sites",
        "offline",
    )
    return read_settings(**{name: options[name] or None for name in known if name in options})


def _question(
    text: str,
    settings: Settings,
    *,
    sources: tuple[SourceKind, ...] | None = None,
    language: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    **_: object,
) -> Question:
    from agent.domain.question import Question

    if sources and ("corpus" in sources) is not bool(settings.corpus):
        raise InvalidInput(
            "--sources and --corpus disagree", mend="give both a corpus and --sources …,corpus"
        )
    return Question(
        text=text,
        language=language,
        since=since.date() if since else None,
        sources=sources or (SOURCES if settings.corpus else SOURCES[:3]),
        depth=settings.depth,
        breadth=settings.breadth,
        until=until.date() if until else None,
        only_sites=settings.only_sites,
        without_sites=settings.without_sites,
    )


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
                question, settings=where, on_event=tell, embedded=demo, formats=formats
            )

    with teller(quiet=quiet) as tell:
        report = asyncio.run(work(tell))
    path = settings.out / report.run.id
    _print_result(report, path, formats, quiet=quiet, as_json=as_json)
    return EXIT_STATUS[report.run.status]


def _print_result(
    report: Report, path: Path, formats: tuple[str, ...], *, quiet: bool, as_json: bool
) -> None:
    from agent.rendering.step_files import result_line

    if as_json:
        click.echo(result_line(report, path), nl=False)
        return
    if not quiet:
        click.echo(_summary(report), err=True)
    first = "html" if "html" in formats else formats[0]
    click.echo(path / f"report.{first}" if first != "bib" else path / "references.bib")


def _summary(report: Report) -> str:
    status = report.run.status + (f" ({report.run.reason})" if report.run.reason else "")
    return f"{status}: {len(report.claims)} claims held by {len(report.cited)} sources"
