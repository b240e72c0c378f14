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
class Question:
    """The topic as typed, and how it is to be researched.

    ``depth`` is the most rounds of retrieval, ``breadth`` the most queries per kind of
    source in one round. What a search is narrowed to is told by Scope. Raises InvalidQuestion if
    the text is blank or too long.
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
