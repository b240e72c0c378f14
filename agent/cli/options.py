"""The options that commands share, and what they are made into."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from agent.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from agent.domain.question import Question, SourceKind
    from agent.settings import Settings

FORMATS: Final = ("md", "html", "json", "bib")
ALL_FORMATS: Final = (*FORMATS, "ris", "csl", "jsonld", "txt", "brief", "docx", "pdf")
CITATION_STYLES: Final = ("numeric", "author-year", "apa", "ieee", "gb7714")
SOURCES: Final = ("web", "arxiv", "scholar", "corpus")
STYLES: Final = ("brief", "report", "survey")


class PositiveDecimal(click.ParamType[Decimal]):
    """An amount of money."""

    name = "amount"

    def convert(self, value: Any, param: Any, ctx: Any) -> Decimal:  # noqa: ANN401
        """Return the amount; fail if it is none, or not above 0."""
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is no amount, as in 0.50", param, ctx)
        if not (amount.is_finite() and amount > 0):
            self.fail(f"{value!r} is not above 0", param, ctx)
        return amount


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


_LIMIT_OPTIONS: Final = (
    click.option("--max-usd", type=PositiveDecimal(), metavar="USD",
                 help="Most it may cost; what is found by then is written and verified."),
    click.option("--max-tokens", type=click.IntRange(1), metavar="N",
                 help="Most tokens it may take."),
    click.option("--max-minutes", type=click.FloatRange(0, min_open=True), metavar="N",
                 help="Most minutes it may take."),
)  # fmt: skip
_WATCHING_OPTIONS: Final = (
    click.option("--events", type=click.File("a", encoding="utf-8"), metavar="FILE|-",
                 help="Also write what happens to a file, one JSON line an event."),
    *_LIMIT_OPTIONS,
    click.option("--quiet", is_flag=True, help="Say nothing but the result."),
    click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON line."),
)  # fmt: skip


def watching_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what says how loudly, and how far, a run goes on."""
    for option in reversed(_WATCHING_OPTIONS):
        command = option(command)
    return command


_REPORT_OPTIONS: Final = (
    click.option("--format", "formats", type=WordList("formats", ALL_FORMATS), default=FORMATS,
                 metavar="FORMATS",
                 help=f"Which of {','.join(ALL_FORMATS)} to write; json always is."
                 "  [md,html,json,bib]"),
    click.option("--citation-style", type=click.Choice(CITATION_STYLES),
                 help="How references are written.  [numeric]"),
    click.option("--templates", type=click.Path(path_type=Path), metavar="DIR",
                 help="Folder of templates that write the report in the place of ours."),
    click.option("--out", type=click.Path(path_type=Path), help="Folder for runs.  [runs]"),
)  # fmt: skip


def output_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what says where a report goes and how loudly."""
    for option in reversed((
        *_REPORT_OPTIONS,
        *_WATCHING_OPTIONS,
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


def scope_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what narrows a search."""
    for option in reversed(_SCOPE_OPTIONS):
        command = option(command)
    return command


def question_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what says how a question is researched."""
    for option in reversed((
        click.option("--sources", type=WordList("sources", SOURCES),
                     help="Where to look: web,arxiv,scholar,corpus.  [all there are]"),
        click.option("--depth", type=click.IntRange(1, 10), help="Most rounds of retrieval.  [2]"),
        click.option("--breadth", type=click.IntRange(1, 20),
                     help="Most queries a round for each kind of source.  [5]"),
        click.option("--language", metavar="xx",
                     help="Language of the report, such as en or zh.  [the question's]"),
        click.option("--style", type=click.Choice(STYLES), default="report", show_default=True,
                     help="A few sentences a part, the usual, or a comparison of all there is."),
        click.option("--audience", metavar="WHO", help="For whom it is written, in your words."),
        click.option("--words", "length", type=click.IntRange(50, 20_000), metavar="N",
                     help="About how long the report should be.  [the style's]"),
        *_SCOPE_OPTIONS,
    )):  # fmt: skip
        command = option(command)
    return command


_MATERIAL_OPTIONS: Final = (
    click.option("--corpus", multiple=True, type=click.Path(path_type=Path), metavar="DIR",
                 help="Also read md, txt, html, pdf, docx, csv files in it. Repeatable."),
    click.option("--illustrate", is_flag=True,
                 help="Have the gateway's image model draw a cover, marked as generated."),
)  # fmt: skip


def material_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what a run has beside its question."""
    for option in reversed(_MATERIAL_OPTIONS):
        command = option(command)
    return command


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add all that bears on a run, whoever begins it: what a file may say of one."""
    for option in reversed((*_REPORT_OPTIONS, *_LIMIT_OPTIONS)):
        command = option(command)
    return material_options(question_options(command))


def settings_from(**options: Any) -> Settings:  # noqa: ANN401
    """Return the settings, with those options in their place that are settings too."""
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
        "illustrate",
        "citation_style",
        "templates",
        "max_usd",
        "max_tokens",
        "max_minutes",
    )
    return read_settings(**{name: options[name] or None for name in known if name in options})


def question_from(
    text: str,
    settings: Settings,
    *,
    sources: tuple[SourceKind, ...] | None = None,
    language: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    **manner: Any,  # noqa: ANN401 - click's own values; how it is written, and other options
) -> Question:
    """Return the question as the options ask it; raise InvalidInput if they disagree."""
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
        style=manner.get("style", "report"),
        audience=manner.get("audience") or "",
        length=manner.get("length"),
        ask=tuple(word for word in ("clarity", "plan") if manner.get(f"ask_{word}")),
    )
