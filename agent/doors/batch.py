"""Many topics from one file, side by side: what they read from is shared, how each ends is kept.

A batch that was stopped goes on when it is called again: what is done is left alone, and a run
that was begun is taken up. What tells them apart is the digest of a row, so rows may be moved,
added and taken out in between.
"""

from __future__ import annotations

import asyncio
import csv
import gc
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from agent import past_runs, wiring
from agent.adapters.run_folder import run_id
from agent.adapters.run_lock import held
from agent.errors import DeepResearchError, InvalidBatch, InvalidInput, RunUnwritable
from agent.running import Host
from agent.stages.limits import Brake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from agent.domain.events import Event
    from agent.domain.report import Report
    from agent.doors.asking import Asked, Understand

TOPIC: Final = "topic"
FAILED: Final = "failed"
STOPPED: Final = "stopped"
DONE: Final = frozenset({"complete", "partial", "empty"})

STOPPING: Final = "the batch was stopped"


@dataclass(frozen=True, slots=True)
class Row:
    """A topic with options of its own; ``number`` is its line in the file."""

    number: int
    topic: str
    options: Mapping[str, object]
    asked: Asked

    @property
    def key(self) -> str:
        """What tells rows apart, wherever they stand."""
        told = json.dumps([self.topic, self.options], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a row ended: the status of its report, ``failed`` or ``stopped``, and why."""

    key: str
    topic: str
    status: str
    run: str = ""
    reason: str = ""
    claims: int = 0
    sources: int = 0
    tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Watch:
    """Who hears of a batch: of a row that begins, of its events, and of how it ended."""

    begun: Callable[[Row], None] = lambda _: None
    tell: Callable[[Row, Event], None] = lambda _row, _event: None
    ended: Callable[[Row, Outcome], None] = lambda _row, _outcome: None


def read_rows(path: Path, understand: Understand, common: Mapping[str, object]) -> tuple[Row, ...]:
    """Return the rows of a file, by its ending: a topic a line, CSV with a head, or JSON Lines.

    Columns and keys other than ``topic`` are options of a run, by the names they have on the
    command line; they come before the ``common`` ones. Raises InvalidBatch, naming the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InvalidBatch(f"{path} cannot be read: {error}", mend="write it in UTF-8") from error
    reading = {".txt": _lines, ".csv": _columns, ".jsonl": _objects}.get(path.suffix.lower())
    if reading is None:
        raise InvalidBatch(f"{path} is of no known kind", mend="name it .txt, .csv or .jsonl")
    rows = tuple(
        _row(path, number, dict(told), understand, common) for number, told in reading(path, text)
    )
    if not rows:
        raise InvalidBatch(f"{path} has no topic", mend="write one a line")
    _refuse_twins(path, rows)
    return rows


def _refuse_twins(path: Path, rows: Sequence[Row]) -> None:
    """Refuse rows that could take up each other's runs: those are found by what was asked."""
    seen: dict[object, Row] = {}
    for row in rows:
        other = seen.setdefault((row.asked.question, row.asked.settings.out), row)
        if other is not row:
            raise InvalidBatch(f"{path}: lines {other.number} and {row.number} ask the same")


def _lines(_: Path, text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, {TOPIC: line.strip()}


def _columns(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    lines = csv.reader(text.splitlines(), strict=True)
    try:
        head = [name.strip() for name in next(lines, [])]
        for cells in lines:
            if any(map(str.strip, cells)):
                if len(cells) > len(head):
                    raise InvalidBatch(
                        f"{path}:{lines.line_num}: {len(cells)} cells under {len(head)} columns",
                        mend="put quotation marks around a cell with a comma",
                    )
                given = zip(head, map(str.strip, cells), strict=False)
                yield lines.line_num, {name: cell for name, cell in given if cell}
    except csv.Error as error:
        raise InvalidBatch(f"{path}:{lines.line_num}: {error}") from error


def _objects(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
        except ValueError as error:
            raise InvalidBatch(f"{path}:{number}: this is no JSON ({error})") from error
        if not isinstance(told, dict):
            raise InvalidBatch(f"{path}:{number}: this is no object", mend='{"topic": "…"}')
        yield number, told


def _row(
    path: Path,
    number: int,
    told: dict[str, object],
    understand: Understand,
    common: Mapping[str, object],
) -> Row:
    topic = told.pop(TOPIC, None)
    if not isinstance(topic, str) or not topic.strip():
        raise InvalidBatch(f"{path}:{number}: no topic", mend=f"give it under {TOPIC!r}")
    options = {name.replace("_", "-"): value for name, value in told.items()}
    try:
        asked = understand(topic, {**common, **options})
    except InvalidInput as error:
        raise InvalidBatch(f"{path}:{number}: {error.args[0]}", mend=error.mend) from error
    shared = understand(topic, common).settings
    _refuse_other_inputs(f"{path}:{number}", asked.settings.model_dump(), shared.model_dump())
    return Row(number, topic, options, asked)


def _refuse_other_inputs(
    where: str, settings: Mapping[str, object], shared: Mapping[str, object]
) -> None:
    for name in wiring.OF_INPUTS:
        if settings[name] != shared[name]:
            option = name.replace("_", "-")
            raise InvalidBatch(
                f"{where}: {option} cannot be a row's own: all rows read from the same",
                mend=f"give --{option} for all of them",
            )


class Record:
    """How rows ended, kept in the folder of the runs as JSON Lines; the last word counts."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def outcomes(self) -> dict[str, Outcome]:
        """Return what is known, by key; a line that was cut short by a crash is passed over."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise RunUnwritable(f"{self.path} cannot be read: {error}") from error
        known = (_outcome(line) for line in lines)
        return {outcome.key: outcome for outcome in known if outcome}

    def add(self, outcome: Outcome) -> None:
        """Keep how a row ended."""
        line = json.dumps({name: getattr(outcome, name) for name in Outcome.__slots__})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file:
                file.write(_line_end_missing(file) + line.encode() + b"\n")
        except OSError as error:
            raise RunUnwritable(
                f"{self.path} cannot be written: {error.strerror or error}",
                mend="name another folder with --out",
            ) from error


def _line_end_missing(file: BinaryIO) -> bytes:
    """Return what ends a line that a crash cut short, and go to the end of the file."""
    if not file.seek(0, os.SEEK_END):
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"


def _outcome(line: str) -> Outcome | None:
    try:
        return Outcome(**json.loads(line))
    except (ValueError, TypeError):
        return None


@dataclass
class Batch:
    """Rows to be researched, ``at_once`` of them at a time; those that failed before, once more."""

    rows: Sequence[Row]
    record: Record
    at_once: int
    watch: Watch = field(default_factory=Watch)
    _brakes: set[Brake] = field(default_factory=set, init=False)

    async def run(self, stop: Brake) -> list[Outcome]:
        """Research what is not done, and return how all rows ended, in their order.

        A row that fails stops no other. Once the brake is pulled, what goes on ends in partial
        reports, and nothing begins. Raises RunBusy if another process is at this batch, and
        RunUnwritable if it cannot be kept how a row ended: the others can then be taken up again.
        """
        self.record.path.parent.mkdir(parents=True, exist_ok=True)
        with held(self.record.path.with_suffix(".lock"), "this batch"):
            known = self.record.outcomes()
            done = {key: one for key, one in known.items() if one.status in DONE}
            waiting = [row for row in self.rows if row.key not in done]
            made = await self._made(waiting, stop) if waiting else []
        every = done | {outcome.key: outcome for outcome in made}
        return [every[row.key] for row in self.rows]

    async def _made(self, rows: Sequence[Row], stop: Brake) -> list[Outcome]:
        places = asyncio.Semaphore(self.at_once)
        pulling = asyncio.create_task(self._pass_on(stop))
        try:
            with _undisturbed():
                async with (
                    wiring.open_inputs(rows[0].asked.settings) as inputs,
                    asyncio.TaskGroup() as group,
                ):
                    tasks = [
                        group.create_task(self._attended(row, inputs, places, stop)) for row in rows
                    ]
                return [task.result() for task in tasks]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        finally:
            pulling.cancel()
            await asyncio.wait({pulling})

    async def _pass_on(self, stop: Brake) -> None:
        """Pull the brakes of all rows that go on, once the batch is to end."""
        await stop.pulled("batch")
        for brake in self._brakes:
            brake.pull(STOPPING)

    async def _attended(
        self, row: Row, inputs: wiring.Inputs, places: asyncio.Semaphore, stop: Brake
    ) -> Outcome:
        async with places:
            if stop.is_pulled:
                return Outcome(row.key, row.topic, STOPPED, reason="it was not begun")
            self.watch.begun(row)
            brake = Brake(wiring.limits(row.asked.settings))
            self._brakes.add(brake)
            try:
                outcome = _of_report(row, await self._researched(row, inputs, brake))
            except DeepResearchError as error:
                outcome = Outcome(row.key, row.topic, FAILED, error.stopped_run, str(error))
            except Exception as error:  # noqa: BLE001 - the other rows are none the worse
                why = f"unexpected {type(error).__name__}: {error}"
                outcome = Outcome(row.key, row.topic, FAILED, reason=why)
            finally:
                self._brakes.discard(brake)
            self.record.add(outcome)
            self.watch.ended(row, outcome)
            return outcome

    async def _researched(self, row: Row, inputs: wiring.Inputs, brake: Brake) -> Report:
        """Research a row, or go on with its run if it was begun before."""
        asked, settings = row.asked, row.asked.settings
        host = Host(lambda event: self.watch.tell(row, event), brake=brake)
        question = replace(asked.question, ask=())
        begun = past_runs.find_asked(question, settings.out)
        if begun is not None:
            return await wiring.resume(run_id(begun), settings=settings, host=host, inputs=inputs)
        return await wiring.research_from(
            inputs, question, settings=settings, host=host, formats=asked.formats
        )


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Import everything, and have the garbage collector look at it no more.

    It would else stop all rows for 0.2 s whenever it has looked at everything.
    """
    wiring.load()
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _of_report(row: Row, report: Report) -> Outcome:
    run, usage = report.run, report.usage
    return Outcome(
        key=row.key,
        topic=row.topic,
        status=run.status,
        run=run.id,
        reason=run.reason,
        claims=len(report.claims),
        sources=len(report.cited),
        tokens=usage.input_tokens + usage.output_tokens,
        usd=float(usage.usd),
        seconds=round((run.finished - run.started).total_seconds(), 1),
    )


def exit_status(outcomes: Iterable[Outcome]) -> int:
    """Return 0 if all are complete, 1 if any failed, else 3."""
    found = {outcome.status for outcome in outcomes}
    if FAILED in found:
        return 1
    return 0 if found <= {"complete"} else 3
