"""Lays out what changed since the predecessor: it comes first, each change with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.rendering.clean_text import clean
from agent.rendering.links import linkable
from agent.rendering.words import words_for
from agent.templating import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from agent.domain.changes import Change, Quoted
    from agent.domain.report import Report
    from agent.rendering.words import Words


@dataclass(frozen=True, slots=True)
class Stood:
    """A quote as it was found on a day; ``when`` says whether that was then or is now."""

    when: str
    quote: str
    title: str
    url: str | None
    day: str


@dataclass(frozen=True, slots=True)
class Told:
    """One change: its kind in words, its sentence, the numbers of its claims, and its quotes.

    ``why`` says more of the kind, and is empty if there is no more to say.
    """

    kind: str
    label: str
    sentence: str
    why: str
    claims: tuple[int, ...]
    quotes: tuple[Stood, ...]


@dataclass(frozen=True, slots=True)
class Since:
    """What is told of all changes: since when, and each; without any, that there is none."""

    said: str
    changes: tuple[Told, ...]


def since(report: Report, words: Words, text: Callable[[str], str]) -> Since | None:
    """Lay the changes out, None for a report without a predecessor; ``text`` escapes."""
    before = report.predecessor
    if before is None:
        return None
    key = "changes_since" if report.changes else "changes_none"
    said = words.say(key, day=before.finished.date().isoformat(), run=text(before.run))
    numbers = {claim.id: number for number, claim in enumerate(report.claims, 1)}
    return Since(said, tuple(_told(change, numbers, words, text) for change in report.changes))


def changes_page(report: Report, report_url: str) -> str:
    """Return the changes alone as a fragment of HTML, which links to the report's own page.

    The report has to have a predecessor.
    """
    words = words_for(report.brief.language)
    return fill(
        "6-series/changes.html.j2",
        since=since(report, words, clean),
        words=words.plain,
        page=report_url,
    ).strip()


def _told(
    change: Change, numbers: Mapping[str, int], words: Words, text: Callable[[str], str]
) -> Told:
    quotes = (
        *_stood(change.before, words.say("then"), text),
        *_stood(change.after, words.say("now"), text),
    )
    return Told(
        kind=change.kind,
        label=words.say(f"change_{change.kind}"),
        sentence=text(change.sentence),
        why=_why(change, words),
        claims=tuple(numbers[id_] for id_ in change.claims if id_ in numbers),
        quotes=quotes,
    )


def _why(change: Change, words: Words) -> str:
    if change.kind == "retracted":
        return words.count("change_resting", len(change.claims))
    if change.kind == "withdrawn":
        return words.say("change_gone" if change.gone else "change_unsaid")
    return ""


def _stood(quotes: Sequence[Quoted], when: str, text: Callable[[str], str]) -> Iterator[Stood]:
    for one in quotes:
        title = text(one.title) or text(one.url)
        day = one.read_at.date().isoformat()
        yield Stood(when, text(one.quote), title, linkable(one.url), day)
