"""Writes the feed of a series as Atom 1.0 (RFC 4287): each entry is what one report changed."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from agent.domain.changes import KINDS
from agent.rendering.changes import changes_page
from agent.rendering.clean_text import clean
from agent.rendering.words import words_for
from agent.templating import fill

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agent.domain.report import Report
    from agent.rendering.words import Words


@dataclass(frozen=True, slots=True)
class Entry:
    """One report in a feed; ``content`` is HTML."""

    id: str
    title: str
    updated: str
    url: str
    content: str


def as_feed(feed_id: str, reports: Sequence[tuple[Report, str]]) -> str:
    """Return feed.xml of at least one report, newest first, each with the address it is read at.

    ``feed_id`` has to stay the same for as long as the series goes on.
    """
    newest = reports[0][0]
    return fill(
        "6-series/feed.xml.j2",
        id=feed_id,
        language=newest.brief.language,
        title=_subject(newest),
        entries=[_entry(report, url) for report, url in reports],
    )


def headline(report: Report) -> str:
    """Return what a report is about, and how much has changed since its predecessor."""
    words = words_for(report.brief.language)
    return f"{_subject(report)} – {_counted(report, words)}"


def _subject(report: Report) -> str:
    return clean(report.brief.restated) or clean(report.run.question.text)


def _counted(report: Report, words: Words) -> str:
    if report.predecessor is None:
        return words.say("feed_first")
    counts = Counter(change.kind for change in report.changes)
    told = [f"{words.say(f'change_{kind}')} {counts[kind]}" for kind in KINDS if counts[kind]]
    return " · ".join(told) or words.say("feed_nothing")


def _entry(report: Report, url: str) -> Entry:
    return Entry(
        id=uuid.uuid5(uuid.NAMESPACE_URL, report.run.id).urn,
        title=headline(report),
        updated=_moment(report.run.finished),
        url=url,
        content=changes_page(report, url) if report.predecessor else _first(report),
    )


def _first(report: Report) -> str:
    sentences = [clean(one.sentence) for one in report.summary or report.claims[:5]]
    words = words_for(report.brief.language)
    return fill("6-series/first.html.j2", sentences=sentences, words=words.plain).strip()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
