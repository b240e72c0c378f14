"""Stand-ins for what a run talks to: scripted, listed and in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from agent.domain.evidence import Failure, Hit, Page
from agent.domain.report import Usage
from agent.errors import AnswerUnusable, DeepResearchError, PageGone, SearchFailed

if TYPE_CHECKING:
    from agent.domain.prompt import Prompt
    from agent.domain.question import Scope, SourceKind
    from agent.ports import Reply

Answer = Mapping[str, object] | DeepResearchError
Answers = Callable[[str, "Prompt"], Answer]


class ScriptedModel:
    """A model that answers by a script: from the task and the prompt to an answer or an error."""

    def __init__(self, answers: Answers, *, window: int = 100_000) -> None:
        self._answers = answers
        self._window = window
        self.asked: list[tuple[str, Prompt]] = []

    async def ask(self, prompt: Prompt, reply: type[Reply], *, task: str) -> Reply:
        """Answer by the script; what does not fit the form is AnswerUnusable, as in life."""
        self.asked.append((task, prompt))
        answer = self._answers(task, prompt)
        if isinstance(answer, DeepResearchError):
            raise answer
        try:
            return reply.model_validate(answer)
        except ValidationError as error:
            raise AnswerUnusable(str(error)) from error

    def window(self, task: str) -> int:  # noqa: ARG002 - one window for all work
        """Return the window given."""
        return self._window

    def tokens(self, text: str) -> int:
        """Count words."""
        return len(text.split())

    def usage(self) -> Usage:
        """Return the number of calls."""
        return Usage(calls=len(self.asked))

    def failures(self) -> Sequence[Failure]:
        """Return none: it never has an understudy."""
        return ()


class ListedEngine:
    """A search engine with a list of hits for each query; None is a failed search."""

    def __init__(
        self,
        hits: Mapping[str, Sequence[Hit] | None] | Sequence[Hit] | None,
        *,
        name: str = "listed",
        kind: SourceKind = "web",
    ) -> None:
        self._hits = hits
        self.name = name
        self.kind: SourceKind = kind
        self.queries: list[str] = []

    async def search(
        self,
        query: str,
        *,
        limit: int,
        scope: Scope,  # noqa: ARG002 - the port's
    ) -> Sequence[Hit]:
        """Return what is listed."""
        self.queries.append(query)
        hits = self._hits.get(query, ()) if isinstance(self._hits, Mapping) else self._hits
        if hits is None:
            raise SearchFailed(f"{self.name} is down")
        return hits[:limit]


class ShelfReader:
    """A reader with the texts of pages by address; an address that is missing answers 404."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self.read_addresses: list[str] = []

    async def read(self, url: str) -> Page:
        """Return the page at an address."""
        self.read_addresses.append(url)
        if url not in self._texts:
            raise PageGone(f"{url} answered 404")
        return Page(url, f"Title of {url}", self._texts[url])


class MemoryDocuments:
    """A document store in memory."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def put(self, text: str) -> str:
        """Keep a text."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.texts[digest] = text
        return digest

    async def get(self, sha256: str) -> str:
        """Return a text."""
        return self.texts[sha256]


class MemoryFolder:
    """A run folder in memory."""

    def __init__(self, run_id: str = "2026-01-02-test-abcdef") -> None:
        self.id = run_id
        self.files: dict[str, str | bytes] = {}

    async def write(self, name: str, content: str | bytes) -> None:
        """Keep a file."""
        self.files[name] = content


class SteppingClock:
    """A clock on which each look takes one second."""

    def __init__(self, start: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the time, one second after the last look."""
        self._now += timedelta(seconds=1)
        return self._now

    def seconds(self) -> float:
        """Return the same time in seconds."""
        return self.now().timestamp()
