"""What is asked, and what the question was sharpened into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from agent.errors import InvalidQuestion

if TYPE_CHECKING:
    from datetime import date

SourceKind = Literal["web", "arxiv", "corpus"]
SOURCE_KINDS: Final[tuple[SourceKind, ...]] = ("web", "arxiv", "corpus")

MAX_QUESTION_CHARACTERS: Final = 4_000
"""About two pages: more than any topic needs; background belongs into a corpus file."""


@dataclass(frozen=True, slots=True)
class Question:
    """The topic as typed, and how it is to be researched.

    ``depth`` is the most rounds of retrieval, ``breadth`` the most queries per kind of
    source in one round. Raises InvalidQuestion if the text is blank or too long.
    """

    text: str
    language: str | None = None
    since: date | None = None
    sources: tuple[SourceKind, ...] = SOURCE_KINDS
    depth: int = 2
    breadth: int = 5

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
