"""Whole runs in memory over the demo world's texts, with whatever stands before the model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from agent.adapters.extractive import ExtractiveTransport
from agent.adapters.gateway_chat import GatewayChat
from agent.demo import texts
from agent.demo.ranking import Ranking
from agent.domain.evidence import Hit
from agent.domain.question import Question, Scope, SourceKind
from agent.pipeline import Tools
from agent.running import run
from agent.stages.retrieve import Library
from agent.testing import MemoryDocuments, MemoryFolder, ShelfReader, SteppingClock
from agent.testing.changing import Change, Changed, Request, in_process
from gateway_client.client import GatewayClient

QUESTIONS = (
    "Do long context windows replace retrieval-augmented generation?",
    "What does prompt caching save?",
    "长上下文能取代检索增强生成吗？",
)
SITE = "https://world.example"


@dataclass(frozen=True)
class Outcome:
    """What a run left behind, as others see it: its report and the texts it stored."""

    report: dict[str, Any]
    markdown: str
    html: str
    texts: Mapping[str, str]
    drafted: tuple[str, ...]

    @property
    def claims(self) -> list[dict[str, Any]]:
        return [claim for section in self.report["sections"] for claim in section["claims"]]

    @property
    def sentences(self) -> list[str]:
        """Every sentence that the report states: claims and summary."""
        return [one["sentence"] for one in (*self.claims, *self.report["summary"])]

    @property
    def citations(self) -> list[dict[str, Any]]:
        return [citation for claim in self.claims for citation in claim["citations"]]

    @property
    def dropped(self) -> list[str]:
        return [drop["sentence"] for drop in self.report["dropped"]]


WORLD = Ranking([*texts.read_texts("pages"), *texts.read_texts("papers")])
SHELF = {f"{SITE}{text.path}": text.body for text in WORLD.texts}


class DemoEngine:
    """Finds the demo world's texts without a socket."""

    name = "demo"
    kind: SourceKind = "web"

    async def search(self, query: str, *, limit: int, scope: Scope) -> Sequence[Hit]:
        found = WORLD.best(query)[:limit]
        return [Hit("web", f"{SITE}{text.path}", text.title) for _, text in found]


class Drafts:
    """Notes the sentences that a writer was heard to write; it changes nothing."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def __call__(self, request: Request, answer: str) -> str:
        if request.form == "SectionReply":
            self.sentences += [claim["sentence"] for claim in json.loads(answer)["claims"]]
        return answer


async def one_run(
    *changes: Change, question: str = QUESTIONS[0], depth: int = 1, understudy: bool = False
) -> Outcome:
    """Run the graph over the demo world's texts, the extractive model's answers changed."""
    documents, folder, drafts = MemoryDocuments(), MemoryFolder(), Drafts()
    library = Library([DemoEngine()], ShelfReader(SHELF), documents, SteppingClock())
    heard = () if understudy else (drafts,)
    spoiled = in_process(Changed(ExtractiveTransport(), *changes, *heard))
    async with (
        GatewayClient(spoiled) as client,
        GatewayClient(in_process(ExtractiveTransport())) as honest,
    ):
        model = GatewayChat(client, GatewayChat(honest) if understudy else None)
        await run(Question(question, depth=depth), Tools(model, library, folder))
    return Outcome(
        json.loads(folder.files["report.json"]),
        as_text(folder.files["report.md"]),
        as_text(folder.files["report.html"]),
        documents.texts,
        tuple(drafts.sentences),
    )


def as_text(content: str | bytes) -> str:
    return content.decode() if isinstance(content, bytes) else content


@pytest.fixture(scope="session")
def runs() -> Callable[[Sequence[Mapping[str, Any]]], list[Outcome]]:
    """Do several runs, one after the other, from a fixture that is no coroutine."""

    async def each(wanted: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        return [
            await one_run(*one["changes"], **{k: v for k, v in one.items() if k != "changes"})
            for one in wanted
        ]

    return lambda wanted: asyncio.run(each(wanted))
