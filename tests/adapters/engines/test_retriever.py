from __future__ import annotations

import asyncio
from datetime import date

import pytest
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from agent.adapters.engines.retriever import RetrieverEngine
from agent.domain.question import Scope
from agent.errors import SearchFailed


class Shelf(BaseRetriever):
    documents: tuple[Document, ...] = ()
    error: Exception | None = None
    seconds: float = 0.0

    def _get_relevant_documents(self, query: str, *, run_manager: object) -> list[Document]:
        raise NotImplementedError

    async def _aget_relevant_documents(self, query: str, *, run_manager: object) -> list[Document]:
        await asyncio.sleep(self.seconds)
        if self.error:
            raise self.error
        return [*self.documents]


def document(text: str = "Words.", **metadata: object) -> Document:
    return Document(text, metadata=metadata)


async def test_a_long_text_can_be_cited_and_a_short_one_is_a_snippet() -> None:
    long = "word " * 200
    shelf = Shelf(documents=(document(long, url="https://a.org"), document(link="https://b.org")))
    one, other = await RetrieverEngine(shelf, name="ours").search("q", limit=5, scope=Scope())
    assert one.abstract == long.strip()
    assert one.snippet == long[:500]
    assert (other.snippet, other.abstract) == ("Words.", "")


async def test_an_address_and_a_day_are_taken_from_wherever_the_metadata_has_them() -> None:
    shelf = Shelf(
        documents=(
            document(source=7, url="https://a.org", title=3, date=date(2024, 3, 4)),
            document(source="notes.txt", url="https://b.org", published_date="2024-03-04"),
            document(source="/home/me/notes.txt"),
        )
    )
    hits = await RetrieverEngine(shelf, name="ours").search("q", limit=5, scope=Scope())
    assert [(hit.url, hit.title) for hit in hits] == [("https://a.org", ""), ("https://b.org", "")]
    assert [hit.published for hit in hits] == [date(2024, 3, 4)] * 2


async def test_it_has_the_name_and_the_kind_it_was_given() -> None:
    engine = RetrieverEngine(
        Shelf(documents=(document(url="https://a.org"),)), name="ours", kind="scholar"
    )
    (hit,) = await engine.search("q", limit=5, scope=Scope())
    assert (engine.name, engine.kind, hit.kind) == ("ours", "scholar", "scholar")


@pytest.mark.parametrize(
    ("error", "said"),
    [(RuntimeError("no  index"), "ours failed: no index"), (KeyError(), "ours failed: KeyError")],
)
async def test_a_retriever_that_fails_is_a_failed_search(error: Exception, said: str) -> None:
    with pytest.raises(SearchFailed, match=said):
        await RetrieverEngine(Shelf(error=error), name="ours").search("q", limit=5, scope=Scope())


async def test_a_retriever_that_hangs_ends_at_its_deadline() -> None:
    engine = RetrieverEngine(Shelf(seconds=5), name="ours", seconds=0.05)
    with pytest.raises(SearchFailed, match=r"ours gave no answer in 0\.05 s"):
        await engine.search("q", limit=5, scope=Scope())
