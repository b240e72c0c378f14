"""What a claim's standing is, in words: how many hold it, who checked it and how well it stood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.domain.support import SUPPORTED_FROM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.domain.report import Claim, Report
    from agent.rendering.words import Words

STRONG_FROM: Final = 0.8
"""Support from which little more could be asked of a quote: half of the way from enough to all."""

FEWEST_FOR_KEYS: Final = 5
"""Claims below which a list of the key ones would be the report again."""


def standing(claim: Claim, report: Report, words: Words) -> str:
    """Return how many independent sources hold a claim."""
    return words.count("held_by", report.holding(claim))


def checked(claim: Claim, words: Words) -> str:
    """Return how a claim was checked: the support its quotes give, and who settled it."""
    judge = words.say(f"judge_{claim.judge}")
    if claim.support is None:
        return judge
    return f"{words.say(_degree(claim.support), n=claim.support)} · {judge}"


def key_claims(report: Report) -> tuple[Claim, ...]:
    """Return the best held claim of each section that the summary does not say already.

    There are none if a report has little more to read than these.
    """
    if len(report.claims) < FEWEST_FOR_KEYS:
        return ()
    said = {condensed.sentence for condensed in report.summary}
    sections = (
        [it for it in section.claims if it.sentence not in said] for section in report.sections
    )
    return tuple(_best(claims, report) for claims in sections if claims)


def _best(claims: Sequence[Claim], report: Report) -> Claim:
    """Prefer what more independent sources hold, then better support, then what comes first."""
    return max(claims, key=lambda claim: (report.holding(claim), claim.support or 0.0))


def _degree(support: float) -> str:
    if support >= STRONG_FROM:
        return "support_strong"
    return "support_sound" if support >= SUPPORTED_FROM else "support_thin"
