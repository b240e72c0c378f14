"""Makes an engine of any LangChain retriever, for example a company's own index."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agent.adapters.engines.narrowing import admitted
from agent.adapters.engines.published import published
from agent.adapters.engines.scholarly import text, web_addresses
from agent.domain.evidence import Hit
from agent.domain.text import one_line
from agent.errors import SearchFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever

    from agent.domain.question import Scope, SourceKind

SECONDS: Final = 20.0
ADDRESSES: Final = ("source", "url", "link")
DATES: Final = ("published", "publishedDate", "published_date", "date")
"""Names in the metadata of documents, which LangChain leaves to each retriever; a source may also
be the name of a file."""
LONGEST_SNIPPET: Final = 500
"""Characters; a text that is longer says enough to be cited where its page cannot be read."""


class RetrieverEngine:
    """A retriever as a search engine; it has no options, so the scope is only checked."""

    def __init__(
        self,
        retriever: BaseRetriever,
        *,
        name: str,
        kind: SourceKind = "web",
        seconds: float = SECONDS,
    ) -> None:
        self._retriever = retriever
        self._seconds = seconds
        self.name = name
        self.kind = kind

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        """Return up to ``limit`` documents that tell their address, in the retriever's order."""
        try:
            async with asyncio.timeout(self._seconds):
                documents = await self._retriever.ainvoke(query)
        except TimeoutError as error:
            raise SearchFailed(f"{self.name} gave no answer in {self._seconds:g} s") from error
        except Exception as error:  # a retriever is foreign code and may raise anything
            reason = one_line(str(error)) or type(error).__name__
            raise SearchFailed(f"{self.name} failed: {reason}") from error
        return admitted((_hit(document, self.kind) for document in documents), scope, limit)


def _hit(document: Document, kind: SourceKind) -> Hit:
    content = one_line(document.page_content)
    told = document.metadata
    days = filter(None, (published(told.get(name)) for name in DATES))
    return Hit(
        kind=kind,
        url=next(iter(web_addresses(*(told.get(name) for name in ADDRESSES))), ""),
        title=text(told.get("title")),
        snippet=content[:LONGEST_SNIPPET],
        published=next(days, None),
        abstract=content if len(content) > LONGEST_SNIPPET else "",
    )
