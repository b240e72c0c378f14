"""Finds a finished run by what a person remembers of it, and shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.errors import RunUnknown
from agent.rendering.reading_back import read

if TYPE_CHECKING:
    from agent.domain.report import Report


def find(name: str, out: Path) -> Path:
    """Return the folder of a run, given its path, its id, the beginning of it, or ``latest``.

    Raises RunUnknown if there is none or more than one.
    """
    if (Path(name) / "run.json").is_file():
        return Path(name)
    runs = sorted(
        (path.parent for path in out.glob("[!.]*/run.json")), key=lambda run: run.stat().st_mtime
    )
    if name == "latest":
        found = runs[-1:]
    else:
        found = [run for run in runs if run.name == name] or [
            run for run in runs if run.name.startswith(name) or run.name.endswith(f"-{name}")
        ]
    if not found:
        raise RunUnknown(f"no run {name!r} in {out}", mend="name another folder with --out")
    if len(found) > 1:
        names = ", ".join(run.name for run in found)
        raise RunUnknown(f"{name!r} could be {names}", mend="type more of it")
    return found[0]


def report(name: str, out: Path) -> tuple[Report, str]:
    """Return the report of a run, named as for ``find`` or by its report.json, and the run's id.

    The id is the name of the folder, which a report of a stranger cannot choose.
    """
    path = Path(name) if Path(name).is_file() else find(name, out) / "report.json"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise RunUnknown(f"{path} cannot be read: {error}") from error
    try:
        return read(text), path.resolve().parent.name
    except RunUnknown as error:
        raise RunUnknown(f"{path} cannot be read: {error}") from error


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
