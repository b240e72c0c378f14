"""An engine that was asked for and lacks what it needs: every search says what that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from agent.errors import SearchFailed

if TYPE_CHECKING:
    from agent.domain.question import Scope, SourceKind
    from agent.errors import DeepResearchError


class Skipped:
    """In the place of an engine, so that a run goes on without it and the report names it."""

    def __init__(self, name: str, kind: SourceKind, why: DeepResearchError) -> None:
        self.name = name
        self.kind: SourceKind = kind
        self._why = why

    async def search(self, query: str, *, limit: int, scope: Scope) -> NoReturn:  # noqa: ARG002 - the port's
        """Raise SearchFailed with the reason."""
        raise SearchFailed(f"{self.name} is skipped: {self._why.args[0]}", mend=self._why.mend)
