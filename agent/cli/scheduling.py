"""The commands for reports on a schedule."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from agent.cli import asking
from agent.cli.options import run_options, settings_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.doors.schedules.book import Book, Schedule
    from agent.doors.schedules.fire_log import Fired, FireLog
    from agent.doors.schedules.keeper import Keeper

FIRES_SHOWN: Final = 10

_file = click.option(
    "--file", "path", type=click.Path(path_type=Path), metavar="FILE",
    help="The file of schedules.  [schedules.toml]",
)  # fmt: skip
_debug = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."
)
_name = click.argument("name")
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON line for each.")


@click.group()
def schedule() -> None:
    """Have reports made at set times, into runs/NAME.

    They stand in a file that may be edited and checked in; run is the process that sees to it, or
    export hands them to systemd or cron.
    """


@schedule.command()
@click.argument("topic")
@click.option("--cron", required=True, metavar="FIELDS",
              help="Minute, hour, day, month, weekday; '0 7 * * 1' is Monday, 7:00.")  # fmt: skip
@click.option("--timezone", metavar="ZONE", help="As in Europe/Berlin.  [the machine's]")
@click.option("--name", metavar="NAME", help="What to call it.  [the first words of the topic]")
@click.option("--jitter", metavar="TIME", help="Begin up to so much later, as in 90s, 5m, 1h.")
@click.option("--anew", is_flag=True,
              help="Begin each report from nothing, not from the one before.")  # fmt: skip
@run_options
@_file
@_debug
def add(topic: str, name: str | None, path: Path | None, **_: object) -> None:
    """Add a schedule, with the options that each of its runs is to have."""
    from agent.adapters.run_folder import slug

    context = click.get_current_context()
    own = {key: context.params[key] for key in ("cron", "timezone", "jitter", "anew")}
    entries = {"topic": topic, **{key: value for key, value in own.items() if value}}
    book, _log = _opened(path)
    added = book.add(name or slug(topic), {**entries, **asking.written(context)})
    click.echo(f"{added.name}  next {_next(added)}")


@schedule.command("list")
@_json
@_file
@_debug
def list_(path: Path | None, *, as_json: bool) -> None:
    """List the schedules: when they are due next, and how they ended last."""
    book, log = _opened(path)
    for one in book.schedules().values():
        click.echo(_as_json(log, one, 1) if as_json else _line(log, one))


@schedule.command()
@_name
@_json
@_file
@_debug
def show(name: str, path: Path | None, *, as_json: bool) -> None:
    """Show one schedule: its options, its next time, and its last fires."""
    book, log = _opened(path)
    one = book.schedule(name)
    if as_json:
        click.echo(_as_json(log, one, FIRES_SHOWN))
        return
    for key, value in _told(one).items():
        click.echo(f"{key:<12}  {value}")
    for fired in log.fires(name, FIRES_SHOWN):
        parts = (_moment(one, fired.due), _status(log, one, fired), fired.run, fired.reason)
        click.echo("  ".join(filter(None, parts)))


@schedule.command()
@_name
@_file
@_debug
def pause(name: str, path: Path | None) -> None:
    """Let a schedule rest; what is due meanwhile is not made up for."""
    with _changed(name, path) as book:
        book.pause(name)


@schedule.command()
@_name
@_file
@_debug
def resume(name: str, path: Path | None) -> None:
    """Let a schedule that rests go on."""
    with _changed(name, path) as book:
        book.resume(name)


@schedule.command()
@_name
@_file
@_debug
def remove(name: str, path: Path | None) -> None:
    """Remove a schedule; its reports stay."""
    book, log = _opened(path)
    book.remove(name)
    log.forget(name)
    click.echo(f"{name} is removed")


@schedule.command("next")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("-n", "many", type=click.IntRange(1, 1_000), default=1, show_default=True,
              help="How many of each.")  # fmt: skip
@_file
@_debug
def next_(names: tuple[str, ...], many: int, path: Path | None) -> None:
    """Say when schedules are due next."""
    book, _log = _opened(path)
    for one in map(book.schedule, names or book.schedules()):
        for time in list(islice(_times(one), many)) or ["paused"]:
            click.echo(f"{time:<22}  {one.name}")


@schedule.command()
@_name
@click.option("--quiet", is_flag=True, help="Say nothing but the result.")
@_file
@_debug
def fire(name: str, path: Path | None, *, quiet: bool) -> None:
    """Make the report of a schedule now; systemd and cron call this."""
    import asyncio

    from agent import wiring
    from agent.cli.attending import braked
    from agent.cli.researching import EXIT_STATUS
    from agent.progress import Tally, teller
    from agent.running import Host
    from agent.stages.limits import Brake

    book, log = _opened(path)
    settings = book.schedule(name).asked.settings
    brake = Brake(wiring.limits(settings))
    with teller(quiet=quiet, tally=Tally(most_usd=settings.max_usd)) as watcher:
        work = _keeper(book, log).fire(name, Host(watcher.tell, brake=brake))
        report = asyncio.run(braked(work, brake, watcher))
    if report is None:
        click.echo(f"{name} is paused: nothing was done", err=True)
        return
    click.echo(settings.out / name / report.run.id)
    sys.exit(EXIT_STATUS[report.run.status])


@schedule.command()
@click.option("--parallel", type=click.IntRange(1), default=2, show_default=True, metavar="N",
              help="Most runs at a time.")  # fmt: skip
@_file
@_debug
def run(path: Path | None, parallel: int) -> None:
    """See to it that what is due is made, until told to stop.

    The file may be changed meanwhile. The first interrupt has what goes on written and verified.
    """
    import asyncio

    from agent.cli.attending import braked
    from agent.domain.events import tell_nobody
    from agent.progress import Watcher
    from agent.stages.limits import Brake

    book, log = _opened(path)
    _say("", f"{len(book.schedules())} schedules in {book.path}")
    brake = Brake()
    watcher = Watcher(tell_nobody, lambda text: _say("", text))
    asyncio.run(braked(_keeper(book, log, parallel).keep(brake), brake, watcher))


@schedule.command()
@click.argument("system", type=click.Choice(["systemd", "cron"]))
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Write systemd's files here rather than print them.")  # fmt: skip
@_file
@_debug
def export(system: str, names: tuple[str, ...], into: Path | None, path: Path | None) -> None:
    """Print what makes systemd or cron call fire at the same times.

    Keys and addresses are read by systemd from deep-research.env in the folder of its
    configuration, as ~/.config; by cron from the crontab's own lines.
    """
    from agent.doors.schedules.exporting import cron_line, systemd_units

    book, _log = _opened(path)
    here = str(Path.cwd())
    for one in map(book.schedule, names or book.schedules()):
        command = (_program(), "schedule", "fire", one.name, "--file", str(book.path.absolute()))
        if system == "cron":
            click.echo(cron_line(one, command, here))
            continue
        for file, text in systemd_units(one, command, here).items():
            if into is None:
                click.echo(f"# {file}\n{text}")
            else:
                click.echo(_put(into / file, text))


def _put(path: Path, text: str) -> Path:
    from agent.errors import RunUnwritable

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunUnwritable(
            f"cannot write {path}: {error.strerror or error}", mend="name another with --into"
        ) from error
    return path


def _program() -> str:
    """Return where this program is, or the name it is found by."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return shutil.which("deep-research", path=places) or "deep-research"


def _opened(path: Path | None) -> tuple[Book, FireLog]:
    from agent.doors.schedules.book import Book
    from agent.doors.schedules.fire_log import FireLog

    place = path or settings_from().schedules
    return Book(place, asking.asked), FireLog(place)


def _keeper(book: Book, log: FireLog, at_once: int = 1) -> Keeper:
    from agent.adapters.clock import SystemClock
    from agent.doors.schedules.firing import fire
    from agent.doors.schedules.keeper import Keeper

    return Keeper(book, log, fire, clock=SystemClock(), say=_say, at_once=at_once)


def _say(name: str, text: str) -> None:
    click.echo("  ".join(filter(None, [f"{_now():%Y-%m-%d %H:%M:%S}", name, text])), err=True)


@contextmanager
def _changed(name: str, path: Path | None) -> Iterator[Book]:
    """Let a schedule be paused or resumed; what was due till now is passed over."""
    from agent.doors.schedules import fires

    book, log = _opened(path)
    yield book
    one, before = book.schedule(name), log.seen(name)
    if before is not None:
        log.see(name, before, fires.seen(one, before, _now()))
    click.echo(f"{name} is paused" if one.is_paused else f"{name}  next {_next(one)}")


def _now() -> datetime:
    return datetime.now().astimezone()


def _times(one: Schedule) -> Iterator[str]:
    """Yield when a schedule is due from now on, by its own clock; never while it is paused."""
    times = () if one.is_paused else one.rule.after(_now())
    return (_moment(one, time) for time in times)


def _next(one: Schedule) -> str:
    return next(_times(one), "paused")


def _moment(one: Schedule, time: datetime) -> str:
    return f"{time.astimezone(one.rule.zone):%Y-%m-%d %H:%M %z}"


def _line(log: FireLog, one: Schedule) -> str:
    last = "".join(_status(log, one, fired) for fired in log.fires(one.name, 1))
    return f"{one.name:<30}  {_next(one):<22}  {last or 'new':<8}  {' '.join(one.topic.split())}"


def _status(log: FireLog, one: Schedule, fired: Fired) -> str:
    """Return how a fire ended; one that is said to go on, and that nobody holds, was killed."""
    from agent.doors.schedules.fire_log import RUNNING

    if fired.status == RUNNING and not log.is_going_on(one.name):
        return "killed"
    return fired.status


def _as_json(log: FireLog, one: Schedule, most: int) -> str:
    fires = [
        {
            "due": _moment(one, fired.due),
            "status": _status(log, one, fired),
            "run": fired.run,
            "reason": fired.reason,
        }
        for fired in log.fires(one.name, most)
    ]
    return json.dumps({**_told(one), "fires": fires}, ensure_ascii=False, default=str)


def _told(one: Schedule) -> dict[str, object]:
    """Return all there is to say of a schedule but its fires."""
    return {
        "name": one.name,
        "topic": one.topic,
        "cron": one.rule.expression,
        "timezone": str(one.rule.zone),
        "jitter": str(one.jitter),
        "paused": one.is_paused,
        "anew": one.is_anew,
        "next": _next(one),
        "series": str(one.asked.settings.out / one.name),
        "options": dict(one.options),
    }
