"""Chooses which candidates are read while the budget lasts, and says why for each."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from agent.domain.canonical import site
from agent.domain.duplicates import title_key, work_keys
from agent.domain.question import SubQuestion
from agent.domain.ranking import scores, terms

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from agent.domain.fusion import Candidate
    from agent.domain.question import Brief, SourceKind

WORDS_WEIGHT: Final = 0.5
RANK_WEIGHT: Final = 0.3
KIND_WEIGHT: Final = 0.1
RECENCY_WEIGHT: Final = 0.1
"""What a candidate says of itself counts for most; engines know more than a snippet tells, and in
other languages; kind and date only break ties between equals."""

KINDS: Final[dict[SourceKind, float]] = {"corpus": 1.0, "scholar": 0.9, "arxiv": 0.9, "web": 0.6}
"""The caller's own files, then papers, then pages."""

HALF_LIFE_YEARS: Final = 5.0
"""After which a date counts half; what has no date counts as one half-life old."""

SITE_SHARE: Final = 0.25
LEAST_OF_SITE: Final = 2
"""The most of one site: a quarter of the budget, but two in a small one."""

HOUSES_OF_MANY: Final = frozenset(
    "arxiv.org doi.org pubmed.ncbi.nlm.nih.gov pmc.ncbi.nlm.nih.gov biorxiv.org medrxiv.org "
    "ssrn.com zenodo.org hal.science europepmc.org semanticscholar.org openalex.org".split()
)
"""Hosts of works by everyone, which say nothing about who speaks."""


_SITE_NAME: Final = re.compile(r"\s+[-–—|·]\s+[^-–—|·]{2,40}$")


class Reason(StrEnum):
    """Why a candidate is read or passed over; the value is the English text."""

    BEST = "best for {}"
    BY_RANK = "for {}, by rank alone: no word of it in title or summary"
    RETRACTED = "for {}, though retracted"
    ALREADY_READ = "passed over: read already"
    SAME_WORK = "passed over: same work as {}"
    SITE_SHARE = "passed over: {} already"
    BUDGET = "passed over: budget of {} used"


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether a candidate is read, for which sub-question (empty if not), and why.

    ``detail`` is what the reason's text leaves open.
    """

    candidate: Candidate
    chosen: bool
    reason: Reason
    detail: str = ""
    sub_question: str = ""

    @property
    def why(self) -> str:
        """The reason in words."""
        return self.reason.value.format(self.detail)


def choose(
    candidates: Sequence[Candidate],
    brief: Brief,
    *,
    pages: int,
    today: date,
    read: Collection[str] = (),
) -> tuple[Choice, ...]:
    """Return a choice for each candidate: those to read in the order to read them, then the others.

    The sub-questions take turns, each with the best candidate for it that is left; retracted
    works come last. No site gets more than its share while others have something to offer.
    ``pages`` is how many may be read, ``read`` the keys (duplicates.work_keys) of works that were
    read or tried before.
    """
    queues = _queues(candidates, brief, today)
    choices = _known_before(candidates, frozenset(read))
    most_of_site = max(LEAST_OF_SITE, int(pages * SITE_SHARE))
    left = pages - _take_turns(choices, candidates, queues, pages, most_of_site)
    if left:  # better more of one site than nothing
        over = {at: one for at, one in choices.items() if one.reason is Reason.SITE_SHARE}
        rest = {at: one for at, one in choices.items() if at not in over}
        _take_turns(rest, candidates, queues, left, pages)
        choices = rest | {at: one for at, one in over.items() if not rest[at].chosen}
    return tuple(sorted(choices.values(), key=lambda choice: not choice.chosen))


def _take_turns(
    choices: dict[int, Choice],
    candidates: Sequence[Candidate],
    queues: dict[str, list[tuple[int, bool]]],
    pages: int,
    most_of_site: int,
) -> int:
    """Decide on each candidate that is not decided on; return how many were chosen."""
    at_site: Counter[str] = Counter()
    left = pages
    waiting = {asked: iter(queue) for asked, queue in queues.items()}
    while waiting:
        for asked, queue in tuple(waiting.items()):
            for at, shares_words in queue:  # each goes on where its last turn ended
                if at in choices:
                    continue
                one = candidates[at]
                place = _place(one)
                if not left:
                    pages_used = f"{pages} page{'s' * (pages != 1)}"
                    choices[at] = Choice(one, False, Reason.BUDGET, pages_used)
                elif place and at_site[place] >= most_of_site:
                    detail = f"{at_site[place]} of {place}"
                    choices[at] = Choice(one, False, Reason.SITE_SHARE, detail)
                else:
                    choices[at] = _chosen(one, asked, shares_words=shares_words)
                    at_site[place] += 1
                    left -= 1
                    break
            else:
                del waiting[asked]
    return pages - left


def _chosen(one: Candidate, asked: str, *, shares_words: bool) -> Choice:
    reason = Reason.BEST if shares_words else Reason.BY_RANK
    if one.hit.publication.retracted:
        reason = Reason.RETRACTED
    return Choice(one, True, reason, asked or "the question", asked)


def _known_before(candidates: Sequence[Candidate], read: frozenset[str]) -> dict[int, Choice]:
    """Return the choices that need no budget: works that were read, or stand further up."""
    choices: dict[int, Choice] = {}
    titled: dict[tuple[str, ...], list[Candidate]] = {}
    for at, one in enumerate(candidates):
        others = titled.setdefault(title_key(_SITE_NAME.sub("", one.hit.title)), [])
        if not read.isdisjoint(work_keys((one.hit.url, *one.hit.read_urls), one.hit.publication)):
            choices[at] = Choice(one, False, Reason.ALREADY_READ)
        elif same := next((other for other in others if _is_same(one, other)), None):
            choices[at] = Choice(one, False, Reason.SAME_WORK, same.hit.url)
        elif title_key(one.hit.title):
            others.append(one)
    return choices


def _is_same(one: Candidate, other: Candidate) -> bool:
    """Whether works of one title are one: by an author, or as copies at different sites."""
    names = {_family_name(author) for author in one.hit.authors}
    others = {_family_name(author) for author in other.hit.authors}
    if names and others:
        return not names.isdisjoint(others)
    return site(one.hit.url) != site(other.hit.url)


def _family_name(author: str) -> str:
    return (terms(author.partition(",")[0]) or [author])[-1]


def _queues(
    candidates: Sequence[Candidate], brief: Brief, today: date
) -> dict[str, list[tuple[int, bool]]]:
    """Return for each sub-question all candidates, best first, and whether they share its words."""
    texts = [terms(f"{one.hit.title} {one.hit.snippet} {one.hit.abstract}") for one in candidates]
    top = max((one.score for one in candidates), default=0.0) or 1.0
    standing = [
        RANK_WEIGHT * one.score / top
        + KIND_WEIGHT * KINDS[one.hit.kind]
        + RECENCY_WEIGHT * _recency(one.hit.published, today)
        for one in candidates
    ]
    queues: dict[str, list[tuple[int, bool]]] = {}
    for asked in brief.sub_questions or (SubQuestion("", brief.restated),):
        words = scores(asked.text, texts)
        best = max(words, default=0.0) or 1.0
        order = sorted(
            range(len(candidates)),
            key=lambda at: (
                candidates[at].hit.publication.retracted,
                -WORDS_WEIGHT * words[at] / best - standing[at],
                candidates[at].hit.url,
            ),
        )
        queues[asked.id] = [(at, words[at] > 0) for at in order]
    return queues


def _recency(published: date | None, today: date) -> float:
    if published is None:
        return 0.5
    return float(0.5 ** (max(0, (today - published).days) / 365.25 / HALF_LIFE_YEARS))


def _place(one: Candidate) -> str:
    """Return the site whose share a candidate takes, empty if it takes none."""
    place = site(one.hit.url)
    return "" if one.hit.kind != "web" or place in HOUSES_OF_MANY else place
