"""Finds runs by what a person remembers of them; lists, shows and removes them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent.adapters.run_folder import WorkingFolder, run_id, unfinished
from agent.adapters.run_lock import held, is_held
from agent.adapters.run_request import read_request
from agent.errors import RunDamaged, RunFinished, RunUnknown, RunUnwritable
from agent.rendering.reading_back import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.domain.question import Question
    from agent.domain.report import Report


LATEST: Final = 5
"""Runs that say how long the next one may take."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A run in a list; ``usd`` is None while it is not known."""

    id: str
    status: str
    started: datetime
    question: str
    folder: Path
    usd: float | None = None

    def as_json(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self), ensure_ascii=False, default=str)


def listed(out: Path) -> list[Listed]:
    """Return all runs in a folder, latest first; what cannot be read is none."""
    stopped = [_stopped(folder) for _, folder in unfinished(out)]
    runs = [*map(_finished, _finished_folders(out)), *stopped]
    return sorted(filter(None, runs), key=lambda run: run.started, reverse=True)


def _finished(folder: Path) -> Listed | None:
    try:
        told = _read(folder / "run.json")
        return Listed(
            id=told["id"],
            status=told["status"],
            started=datetime.fromisoformat(told["started"]),
            question=told["question"]["text"],
            folder=folder,
            usd=told["usd"],
        )
    except (RunUnknown, KeyError, TypeError, ValueError):
        return None


def _stopped(folder: Path) -> Listed | None:
    id_ = run_id(folder)
    status = "going on" if is_held(WorkingFolder(folder.parent, id_).lock) else "stopped"
    try:
        request = read_request(folder)
    except RunDamaged:
        return None
    return Listed(id_, status, request.started, request.question.text, folder)


def remove(run: Listed) -> None:
    """Remove a run; raise RunBusy if a process works on it, RunUnwritable if the disk refuses."""
    try:
        with held(WorkingFolder(run.folder.parent, run.id).lock):
            gone = run.folder.with_name(f".{run.id}.removed")  # never half of it under its name
            run.folder.rename(gone)
            shutil.rmtree(gone)
    except OSError as error:
        raise RunUnwritable(f"cannot remove {run.folder}: {error.strerror or error}") from error


def find_any(name: str, out: Path) -> Listed:
    """Return a run, finished or not; raise RunUnknown if there is none or more than one."""
    try:
        found = _stopped(find_unfinished(name, out))
    except RunFinished:
        found = _finished(find(name, out))
    if found is None:
        raise RunUnknown(f"the run {name!r} cannot be read", mend="remove its folder by hand")
    return found


def find(name: str, out: Path) -> Path:
    """Return the folder of a run, given its path, its id, the beginning of it, or ``latest``.

    Raises RunUnknown if there is none or more than one.
    """
    if (Path(name) / "run.json").is_file():
        return Path(name)
    return _named(name, out, {folder.name: folder for folder in _finished_folders(out)})


def find_in(name: str, out: Path) -> str:
    """Return the id of a finished run, named as for ``find``; raise RunUnknown if it is elsewhere.

    A run that goes on from another one looks for it in the folder it is made in.
    """
    folder = find(name, out).resolve()
    if folder.parent != out.resolve():
        raise RunUnknown(f"{folder} is not in {out}", mend=f"add --out {folder.parent}")
    return folder.name


def _finished_folders(out: Path) -> Iterator[Path]:
    folders = (path.parent for path in out.glob("[!.]*/run.json"))
    return (folder for folder in folders if not folder.is_symlink())  # `latest` of a series


def find_unfinished(name: str, out: Path) -> Path:
    """Return the folder of a run that was stopped or is going on, named in any of these ways.

    Raises RunFinished if it is finished, RunUnknown if there is none or more than one.
    """
    runs = dict(unfinished(out))
    here = Path(name).resolve()
    for folder in runs.values():
        if folder.resolve() == here:
            return folder
    try:
        return _named(name, out, runs)
    except RunUnknown as unknown:
        try:
            done = find(name, out)
        except RunUnknown:
            raise unknown from None
        raise RunFinished(f"the run is finished: {done}") from None


def find_asked(question: Question, out: Path) -> Path | None:
    """Return the folder of the latest run that was stopped and was asked this very question."""
    asked = [folder for _, folder in unfinished(out) if _was_asked(folder, question)]
    return max(asked, key=lambda folder: folder.stat().st_mtime, default=None)


def _was_asked(folder: Path, question: Question) -> bool:
    try:
        return read_request(folder).question == question
    except RunDamaged:
        return False  # whatever it was, there is nothing to go on with


def _named(name: str, out: Path, runs: Mapping[str, Path]) -> Path:
    """Return the one folder that a name means, of folders by id."""
    ids = sorted(runs, key=lambda id_: runs[id_].stat().st_mtime)
    if name == "latest":
        found = ids[-1:]
    else:
        found = [id_ for id_ in ids if id_ == name] or [
            id_ for id_ in ids if id_.startswith(name) or id_.endswith(f"-{name}")
        ]
    if not found:
        raise RunUnknown(f"no run {name!r} in {out}", mend="name another folder with --out")
    if len(found) > 1:
        raise RunUnknown(f"{name!r} could be {', '.join(found)}", mend="type more of it")
    return runs[found[0]]


def shares(out: Path) -> dict[str, float]:
    """Return which part of its time each stage took in the latest runs; empty without any."""
    finished = sorted(_finished_folders(out), key=lambda folder: folder.stat().st_mtime)
    seconds: Counter[str] = Counter()
    for folder in finished[-LATEST:]:
        with suppress(RunUnknown, KeyError, TypeError):  # another's report need not have them
            seconds.update(_read(folder / "report.json")["timing"]["by_stage"])
    total = sum(seconds.values())
    return {stage: taken / total for stage, taken in seconds.items()} if total else {}


def report(name: str, out: Path) -> tuple[Report, Path]:
    """Return the report of a run, named as for ``find`` or by its report.json, and its folder.

    The folder's name is the run's id, which a report of a stranger cannot choose.
    """
    path = Path(name) if Path(name).is_file() else find(name, out) / "report.json"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise RunUnknown(f"{path} cannot be read: {error}") from error
    try:
        return read(text), path.resolve().parent
    except RunUnknown as error:
        raise RunUnknown(f"{path} cannot be read: {error}") from error


def cover(report: Report, folder: Path) -> bytes:
    """Return the picture on a report's cover; without one, nothing."""
    if report.cover is None or Path(report.cover.file).name != report.cover.file:
        return b""
    try:
        return (folder / report.cover.file).read_bytes()
    except FileNotFoundError:
        return b""  # it was taken away: the report is whole without it


def shown(folder: Path) -> str:
    """Return how a run ended, and its report as Markdown or, without one, as its claims."""
    run = _read(folder / "run.json")
    reason = f" ({run['reason']})" if run["reason"] else ""
    head = (
        f"{folder}\n{run['status']}{reason}: {run['claims']} claims held by {run['sources']}"
        f" sources, {run['dropped']} dropped; {run['seconds']:.1f} s, ${run['usd']:.4f}\n\n"
    )
    markdown = folder / "report.md"
    if markdown.is_file():
        return head + markdown.read_text(encoding="utf-8")
    sections = _read(folder / "report.json")["sections"]
    return head + "\n".join(claim["sentence"] for part in sections for claim in part["claims"])


def _read(path: Path) -> Any:  # noqa: ANN401 - JSON; our own files, read back
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunUnknown(f"{path} cannot be read: {error}") from error
