"""The options of a run where a file gives them, by the names they have on the command line."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.options import question_from, run_options, settings_from
from agent.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.doors.asking import Asked


@click.command()
@run_options
def _run(**_: object) -> None:
    """Stand for all commands that research: only its options are used."""


def names() -> dict[str, click.Parameter]:
    """Return the options a file may give, by name, such as ``max-usd``."""
    return {option.opts[0].removeprefix("--"): option for option in _run.params}


def asked(topic: str, told: Mapping[str, object]) -> Asked:
    """Return what a topic and its options ask for, each as it would be on the command line.

    Raises InvalidOption, naming the option that is unknown or wrong, and InvalidInput.
    """
    from agent.doors.asking import Asked

    options = _understood([word for name, value in told.items() for word in _words(name, value)])
    settings = settings_from(**options)
    return Asked(question_from(topic, settings, **options), settings, options["formats"])


def written(context: click.Context) -> dict[str, object]:
    """Return the options of a run that were given on a command line, as a file has them."""
    return {
        name: _plain(context.params[str(option.name)])
        for name, option in names().items()
        if context.get_parameter_source(str(option.name)) is click.core.ParameterSource.COMMANDLINE
    }


def _understood(words: list[str]) -> dict[str, Any]:
    try:
        return _run.make_context("", words).params
    except click.UsageError as error:
        option = (
            error.param.opts[0] if isinstance(error, click.BadParameter) and error.param else ""
        )
        raise InvalidOption(option.removeprefix("--"), error.message) from error


def _words(name: str, value: object) -> Iterator[str]:
    """Yield an option as it is typed; raise InvalidOption if there is none, or no such value."""
    option = names().get(name)
    if not isinstance(option, click.Option):
        raise InvalidOption(name, "there is no such option", mend=f"known: {', '.join(names())}")
    if option.is_flag:
        if not isinstance(value, bool):
            raise InvalidOption(name, f"{value!r} is of the wrong kind", mend="write true or false")
        yield from [f"--{name}"] if value else []
        return
    values = value if isinstance(value, list) else [value]
    if any(isinstance(one, bool | dict | list) for one in values):
        raise InvalidOption(
            name, f"{value!r} is of the wrong kind", mend="write a word or a number"
        )
    for one in values if option.multiple else [",".join(map(str, values))]:
        yield f"--{name}={one}"


def _plain(value: object) -> object:
    """Return a value that click made as TOML and JSON have it."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, Path) else value
