"""Keeps a folder of runs on one topic as a series: the run to go on from, ``latest``, a feed."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from agent import past_runs
from agent.adapters.whole_files import write_whole
from agent.errors import RunUnknown, RunUnwritable
from agent.rendering.feed import as_feed
from agent.rendering.forms import FORMS

if TYPE_CHECKING:
    from pathlib import Path

    from agent.domain.report import Report

LATEST: Final = "latest"
FEED: Final = "feed.xml"
MOST_ENTRIES: Final = 30
"""A month of days: readers keep what they have seen, and the runs stay in their folders."""

_FEED_ID: Final = re.compile(r"<id>(urn:uuid:[0-9a-f-]{36})</id>")


def predecessor(series: Path, topic: str) -> str:
    """Return the id of the run that the next one on a topic goes on from, empty if there is none.

    It is the latest that found something; a topic that was reworded begins anew.
    """
    runs = (
        run
        for run in past_runs.listed(series)
        if run.status in {"complete", "partial"}
        and run.question.casefold().split() == topic.casefold().split()
    )
    return next((run.id for run in runs), "")


def published(series: Path, report: Report) -> None:
    """Point ``latest`` at a report that was finished in the folder, and write the feed anew.

    Raises RunUnwritable if the disk refuses.
    """
    try:
        _point(series / LATEST, report.run.id)
        write_whole(series / FEED, _feed(series).encode())
    except OSError as error:
        raise RunUnwritable(f"cannot write {series}: {error.strerror or error}") from error


def _point(link: Path, run_id: str) -> None:
    """Make a relative link, or where links cannot be made a file that names the run."""
    aside = link.with_name(f".{link.name}.{secrets.token_hex(4)}")
    try:
        aside.symlink_to(run_id, target_is_directory=True)
    except (OSError, NotImplementedError):  # Windows, and some shared folders
        write_whole(link, f"{run_id}\n".encode())
        return
    aside.replace(link)


def _feed(series: Path) -> str:
    """Return the feed of the latest runs; one whose report cannot be read is left out."""
    reports: list[tuple[Report, str]] = []
    for run in past_runs.listed(series):
        if len(reports) < MOST_ENTRIES and (run.folder / "report.json").is_file():
            try:
                report, _ = past_runs.report(str(run.folder), series)
            except RunUnknown:
                continue
            reports.append((report, _address(run.folder)))
    return as_feed(_feed_id(series / FEED), reports)


def _address(folder: Path) -> str:
    """Return where a report is read, from the folder of the series: its page if it has one."""
    names = (FORMS[name].file for name in ("html", "md", "json"))
    there = next(name for name in names if (folder / name).is_file())
    return f"{quote(folder.name)}/{there}"


def _feed_id(feed: Path) -> str:
    """Return the id that the feed has had so far, a new one for a new feed."""
    try:
        found = _FEED_ID.search(feed.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    return found[1] if found else uuid.uuid4().urn
