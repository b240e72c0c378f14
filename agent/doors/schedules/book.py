"""The file of schedules, which people write too: read strictly, and changed with care.

    version = 1

    [schedules.grid-storage]
    topic = "sodium-ion batteries for grid storage"
    cron = "0 7 * * 1"
    timezone = "Europe/Berlin"
    jitter = "5m"
    depth = 3               # and other options of a run, by their names

Comments, order and spelling of what is not changed stay as they are.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import tomlkit

from agent.adapters.run_folder import slug
from agent.adapters.whole_files import write_whole
from agent.doors.delivery.options import delivery_from
from agent.doors.schedules.rule import Rule
from agent.errors import InvalidInput, InvalidOption, InvalidSchedule, RunUnwritable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.doors.asking import Asked, Understand
    from agent.doors.delivery.options import Delivery

VERSION: Final = 1
NEW: Final = f"# Schedules of deep-research; edit as you like.\nversion = {VERSION}\n"
OWN: Final[Mapping[str, object]] = {
    "topic": None,
    "cron": None,
    "timezone": "",
    "jitter": "0s",
    "anew": False,
    "paused": False,
}
"""The keys that are no options of a run, and their defaults; None is none. ``deliver`` is one more:
a table."""

DELIVER: Final = "deliver"

UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours"}
MOST_JITTER: Final = timedelta(days=1)
HEADER: Final = re.compile(r"""\s*\[\s*schedules\s*\.\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*\]""")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A topic and options as they are written, what is asked by them, and when.

    ``jitter`` is the longest a fire is put off, so that not all begin at once. ``is_anew``: each
    report begins from nothing, not from its predecessor. ``delivery`` says where reports go.
    """

    name: str
    topic: str
    rule: Rule
    jitter: timedelta
    is_paused: bool
    is_anew: bool
    delivery: Delivery | None
    options: Mapping[str, object]
    asked: Asked


class Book:
    """All schedules in a file; what they ask for is checked by whoever understands it."""

    def __init__(self, path: Path, understand: Understand) -> None:
        self.path = path
        self._understand = understand
        self._text_before = ""
        self._schedules: dict[str, Schedule] = {}

    def schedules(self) -> dict[str, Schedule]:
        """Return the schedules by name; none, if there is no file.

        Raises InvalidSchedule, naming line and key, if the file says anything that is not meant.
        """
        text = self._text()
        if text != self._text_before:
            told = _tables(self.path, text)
            self._schedules = {name: self._schedule(name, told[name], text) for name in told}
            self._text_before = text
        return self._schedules

    def schedule(self, name: str) -> Schedule:
        """Return one schedule; raise InvalidSchedule if there is none of this name."""
        schedules = self.schedules()
        if name not in schedules:
            raise InvalidSchedule(
                f"no schedule {name!r} in {self.path}",
                mend=f"there are: {', '.join(schedules) or 'none yet'}",
            )
        return schedules[name]

    def add(self, name: str, entries: Mapping[str, object]) -> Schedule:
        """Write a new schedule at the end of the file; raise InvalidSchedule if it is none."""
        if name in self.schedules():
            raise InvalidSchedule(
                f"there is a schedule {name!r} already", mend="name another with --name"
            )
        schedule = self._schedule(name, entries, "")
        document = self._document()
        if "schedules" not in document:
            document.add("schedules", tomlkit.table(is_super_table=True))
        document["schedules"].append(name, tomlkit.item(dict(entries)))
        self._write(document)
        return schedule

    def pause(self, name: str) -> None:
        """Let a schedule fire no more; raise InvalidSchedule if there is none of this name."""
        if not self.schedule(name).is_paused:
            document = self._document()
            document["schedules"][name]["paused"] = True
            self._write(document)

    def resume(self, name: str) -> None:
        """Let a schedule fire again; raise InvalidSchedule if there is none of this name."""
        if self.schedule(name).is_paused:
            document = self._document()
            del document["schedules"][name]["paused"]
            self._write(document)

    def remove(self, name: str) -> None:
        """Take a schedule out; raise InvalidSchedule if there is none of this name."""
        self.schedule(name)
        document = self._document()
        del document["schedules"][name]
        self._write(document)

    def _schedule(self, name: str, table: object, text: str) -> Schedule:
        """Return a schedule as its table says; the error of one that is none names the place."""
        try:
            return self._read(name, table)
        except InvalidInput as error:
            key = error.option if isinstance(error, InvalidOption) else ""
            where = _place(self.path, text, name, key) if text else ""
            raise InvalidSchedule(f"{where}{error.args[0]}", mend=error.mend) from error

    def _read(self, name: str, table: object) -> Schedule:
        if slug(name) != name:
            raise InvalidSchedule(f"{name!r} is no name", mend=f"write it as {slug(name)!r}")
        if not isinstance(table, dict):
            raise InvalidSchedule("this is no table", mend=f"begin it with [schedules.{name}]")
        own = {key: _own(key, table) for key in OWN}
        options = {key: value for key, value in table.items() if key not in {*OWN, DELIVER}}
        return Schedule(
            name=name,
            topic=own["topic"],
            rule=Rule(own["cron"], own["timezone"]),
            jitter=_jitter(own["jitter"]),
            is_paused=own["paused"],
            is_anew=own["anew"],
            delivery=_delivery(table.get(DELIVER)),
            options=options,
            asked=self._understand(own["topic"], options),
        )

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return NEW
        except (OSError, ValueError) as error:
            raise InvalidSchedule(f"{self.path} cannot be read: {error}") from error

    def _document(self) -> Any:  # noqa: ANN401 - what TOML holds; it was checked when it was read
        return tomlkit.parse(self._text())

    def _write(self, document: tomlkit.TOMLDocument) -> None:
        try:
            write_whole(self.path, tomlkit.dumps(document).encode())
        except OSError as error:
            raise RunUnwritable(
                f"cannot write {self.path}: {error.strerror or error}",
                mend="name another with --file",
            ) from error


def _tables(path: Path, text: str) -> dict[str, object]:
    """Return what stands under ``schedules``, by name."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSchedule(
            f"{path}: {error}", mend="mend that line; each name and each key stands once"
        ) from error
    version, tables = told.pop("version", None), told.pop("schedules", {})
    if version != VERSION:
        raise InvalidSchedule(
            f"{path}: version is {version!r}, known is {VERSION}",
            mend=f"write version = {VERSION} at the top, or take a later deep-research",
        )
    if told or not isinstance(tables, dict):
        name = next(iter(told), "schedules")
        raise InvalidSchedule(
            f"{path}: {name!r} is nothing known here", mend="begin a schedule with [schedules.NAME]"
        )
    return tables


def _own(key: str, table: Mapping[str, object]) -> Any:  # noqa: ANN401 - checked here
    """Return one of the keys that are no options of a run, or its default."""
    value = table.get(key, OWN[key])
    if value is None:
        raise InvalidOption(key, "is missing", mend=f"add {key} = …")
    if isinstance(OWN[key], bool) is not isinstance(value, bool):
        raise InvalidOption(key, f"{value!r} is of the wrong kind", mend="write true or false")
    if not isinstance(value, bool | str):
        raise InvalidOption(key, f"{value!r} is of the wrong kind", mend="put it in quotes")
    return value


def _delivery(table: object) -> Delivery | None:
    """Return where reports go; raise InvalidSettings if that cannot be."""
    if table is None:
        return None
    if not isinstance(table, dict):
        raise InvalidOption(DELIVER, "is of the wrong kind", mend="make it a table")
    return delivery_from(table, DELIVER)


def _jitter(text: str) -> timedelta:
    """Return what ``90s``, ``5m`` or ``1h`` means."""
    told = re.fullmatch(r"(\d{1,6})([smh])", text, re.ASCII)
    jitter = timedelta(**{UNITS[told[2]]: int(told[1])}) if told else None
    if jitter is None or jitter > MOST_JITTER:
        raise InvalidOption("jitter", f"{text!r} is none", mend="write 90s, 5m or up to 24h")
    return jitter


def _place(path: Path, text: str, name: str, key: str) -> str:
    """Return where a key of a schedule stands, or the schedule: file, line and name."""
    begun, line = False, 0
    for number, words in enumerate(text.splitlines(), 1):
        if header := HEADER.match(words):
            begun = name in header.groups()
            line = number if begun else line
        elif begun and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", words):
            line = number
            break
    return f"{path}, line {line}, schedule {name}: " if line else f"{path}, schedule {name}: "
