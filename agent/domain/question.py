"""What is asked, and what the question was sharpened into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from agent.errors import InvalidQuestion

if TYPE_CHECKING:
    from datetime import date

SourceKind = Literal["web", "arxiv", "scholar", "corpus"]
SOURCE_KINDS: Final[tuple[SourceKind, ...]] = ("web", "arxiv", "scholar", "corpus")
"""``arxiv`` is asked in arXiv's own syntax; ``scholar`` are the other indexes of papers."""

Ask = Literal["clarity", "plan"]

Style = Literal["brief", "report", "survey"]
STYLES: Final[tuple[Style, ...]] = ("brief", "report", "survey")

CLAIMS_A_SECTION: Final = {"brief": 3, "report": 8, "survey": 15}
WORDS_A_CLAIM: Final = 22
"""About what one sentence that says one thing takes, in English."""

MAX_QUESTION_CHARACTERS: Final = 4_000
"""About two pages: more than any topic needs; background belongs into a corpus file."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search is narrowed to: a language, days of publication, and sites.

    ``since`` and ``until`` are the first and the last day. A site is a host name and stands for
    its subdomains too; if ``only_sites`` names any, there are no others.
    """

    language: str = "en"
    since: date | None = None
    until: date | None = None
    only_sites: tuple[str, ...] = ()
    without_sites: tuple[str, ...] = ()

    def covers(self, published: date | None) -> bool:
        """Whether something of this day is meant; what has no date may be."""
        if published is None:
            return True
        late_enough = self.since is None or published >= self.since
        return late_enough and (self.until is None or published <= self.until)

    def admits(self, url: str) -> bool:
        """Whether the address is at a site that is meant."""
        host = (urlsplit(url).hostname or "").rstrip(".")
        if any(_is_at(host, site) for site in self.without_sites):
            return False
        return not self.only_sites or any(_is_at(host, site) for site in self.only_sites)


def _is_at(host: str, site: str) -> bool:
    return host == site or host.endswith(f".{site}")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a report is to be written: its style, for whom, and about how many words long."""

    style: Style = "report"
    audience: str = ""
    length: int | None = None

    def claims(self, sections: int) -> int:
        """Return the most claims one of so many sections should have."""
        if self.length is None:
            return CLAIMS_A_SECTION[self.style]
        return max(1, round(self.length / (WORDS_A_CLAIM * max(1, sections))))


@dataclass(frozen=True, slots=True)
class Clarified:
    """What a person was asked before the research, and what they said."""

    asked: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """The topic as typed, and how it is to be researched.

    ``depth`` is the most rounds of retrieval, ``breadth`` the most queries per kind of
    source in one round. What a search is narrowed to is told by Scope.
    How the report is written is told by Manner. ``ask`` is what a person is asked on the way:
    for clarity before anything is searched, and whether the plan is right before it is carried
    out; ``clarified`` is what they said. ``predecessor`` is the id of a run on the same text, of
    which the report tells first what has changed since. Raises InvalidQuestion if the text is
    blank or too long, or if no report could have that length.
    """

    text: str
    language: str | None = None
    since: date | None = None
    sources: tuple[SourceKind, ...] = SOURCE_KINDS
    depth: int = 2
    breadth: int = 5
    until: date | None = None
    only_sites: tuple[str, ...] = ()
    without_sites: tuple[str, ...] = ()
    style: Style = "report"
    audience: str = ""
    length: int | None = None
    ask: tuple[Ask, ...] = ()
    clarified: tuple[Clarified, ...] = ()
    predecessor: str = ""

    def __post_init__(self) -> None:
        """Refuse what nobody could research."""
        if not self.text.strip():
            raise InvalidQuestion("the question is empty", mend="type a topic in quotes")
        if len(self.text) > MAX_QUESTION_CHARACTERS:
            raise InvalidQuestion(
                f"the question has {len(self.text):,} characters,"
                f" the most is {MAX_QUESTION_CHARACTERS:,}",
                mend="shorten it, and put background into a file read with --corpus",
            )
        if self.length is not None and self.length < 1:
            raise InvalidQuestion("the length is no number of words", mend="ask for 50 or more")

    @property
    def manner(self) -> Manner:
        """Return how the report is to be written."""
        return Manner(self.style, self.audience, self.length)

    def scope(self, language: str) -> Scope:
        """Return what searches for results in a language are narrowed to."""
        return Scope(language, self.since, self.until, self.only_sites, self.without_sites)


@dataclass(frozen=True, slots=True)
class SubQuestion:
    """One part of the question, with an id such as ``q1``."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Brief:
    """The question made precise: what to find out, and the words to search with.

    ``language`` is the report's, a BCP 47 primary tag such as ``en`` or ``zh``.
    ``arxiv_queries`` are in the arXiv API's own syntax.
    """

    restated: str
    language: str
    sub_questions: tuple[SubQuestion, ...]
    web_queries: tuple[str, ...]
    arxiv_queries: tuple[str, ...]
