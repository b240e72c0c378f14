"""What the stages need from outside, in our own words; adapters fill these in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from agent.domain.evidence import Failure, Hit, Page
    from agent.domain.prompt import Prompt
    from agent.domain.question import Scope, SourceKind
    from agent.domain.report import Usage

Reply = TypeVar("Reply", bound=BaseModel)


class ChatModel(Protocol):
    """Whoever writes: a prompt and the form of the answer in, the answer out."""

    async def ask(self, prompt: Prompt, reply: type[Reply], *, task: str) -> Reply:
        """Answer in the form of ``reply``.

        ``task`` is the kind of work (``refine``, ``outline``, …), by which a router picks the
        model. Raises ModelUnavailable, or AnswerUnusable if no answer has that form.
        """
        ...

    def window(self, task: str) -> int:
        """Return how many tokens a prompt for this kind of work may have."""
        ...

    def tokens(self, text: str) -> int:
        """Estimate how many tokens a text has."""
        ...

    def usage(self) -> Usage:
        """Return what all calls so far took."""
        ...

    def failures(self) -> Sequence[Failure]:
        """Return what went wrong and was mended by other means, for the report."""
        ...


class SearchEngine(Protocol):
    """A place to look things up; all its hits are of one kind."""

    @property
    def name(self) -> str:
        """How messages call it."""
        ...

    @property
    def kind(self) -> SourceKind:
        """The kind of its hits, which is also the kind of queries it is asked."""
        ...

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` hits, best first; raise SearchFailed rather than return none.

        What is outside the scope is left out, as far as hits tell their dates.
        """
        ...


@runtime_checkable
class Mending(Protocol):
    """An engine that goes elsewhere when its own source fails, and owns up to it."""

    def failures(self) -> Sequence[Failure]:
        """Return what failed so far and was mended by other means."""
        ...


@runtime_checkable
class RetractionIndex(Protocol):
    """An index of papers that says which of them were retracted."""

    async def retracted(self, dois: Sequence[str]) -> frozenset[str]:
        """Return those of some DOIs whose works are; raise SearchFailed if that cannot be said."""
        ...


class PageReader(Protocol):
    """Fetches one address and makes text of it."""

    async def read(self, url: str) -> Page:
        """Return the page with its text; raise PageUnreadable if there is none to be had."""
        ...


class DocumentStore(Protocol):
    """Keeps the texts that were read, by the SHA-256 of their UTF-8 bytes."""

    async def put(self, text: str) -> str:
        """Store a text and return its digest (64 hexadecimal digits)."""
        ...

    async def get(self, sha256: str) -> str:
        """Return a stored text, character for character."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a model made; ``kind`` is png, jpg, gif or webp."""

    data: bytes = field(repr=False)
    kind: str
    model: str


class Illustrator(Protocol):
    """Makes pictures."""

    async def picture(self, prompt: str) -> Picture:
        """Return a picture of the prompt; raise ModelUnavailable if there is none to be had."""
        ...


class RunFolder(Protocol):
    """Takes the files of one run; they appear together, or not at all."""

    @property
    def id(self) -> str:
        """The run's id, which is the folder's name."""
        ...

    async def write(self, name: str, content: str | bytes) -> None:
        """Put one file aside under the name it will have."""
        ...


class Journal(Protocol):
    """Keeps what was paid for, so that a run that is taken up again pays for nothing twice."""

    async def begin(self, step: str) -> None:
        """Say which step of the run asks from now on; a step that is repeated asks the same."""
        ...


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        ...

    def seconds(self) -> float:
        """Return seconds since some moment, never going back."""
        ...
