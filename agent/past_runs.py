"""Finds a run by what a person remembers of it, and shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.adapters.run_folder import unfinished
from agent.adapters.run_request import read_request
from agent.errors import RunDamaged, RunFinished, RunUnknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.domain.question import Question


def find(name: str, out: Path) -> Path:
    """Return the folder of a run, given its path, its id, the beginning of it, or ``latest``.

    Raises RunUnknown if there is none or more than one.
    """
    if (Path(name) / "run.json").is_file():
        return Path(name)
    finished = (path.parent for path in out.glob("[!.]*/run.json"))
    return _named(name, out, {folder.name: folder for folder in finished})


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
