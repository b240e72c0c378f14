"""What the pipeline does with models that misbehave: `python benchmarks/misbehaving.py`.

Three measures over the texts of the demo world, all without a network, printed as one JSON object.

`claims`: every sentence of the texts is a true claim, quoted whole or reworded; one fault is
planted in each that offers a hold, and the stage verify decides. The judge supports whatever it is
asked about, so what is caught is caught by rule. `false_alarms` is the share of the true ones
refused.

`runs`: whole runs (`--runs N` for each question) with a fault in three items of ten, in a model
that quotes in one half and rewords in the other; what is planted is looked for in the finished
report.

`answers`: whole runs in which three answers of ten, or all, are prose, half JSON, empty, or in
another language, and how they end; a sentence that stands in no text read would be `invented`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from agent.adapters.extractive import ExtractiveTransport
from agent.adapters.gateway_chat import GatewayChat
from agent.demo import texts
from agent.demo.ranking import Ranking
from agent.domain.evidence import Hit
from agent.domain.question import Question
from agent.pipeline import Tools
from agent.running import run
from agent.stages.retrieve import Library
from agent.testing import MemoryDocuments, MemoryFolder, ShelfReader, SteppingClock
from agent.testing.catching import Tally, alarmed, caught, gathered
from agent.testing.changing import Changed, in_process
from agent.testing.checking_models import lenient, mending
from agent.testing.misbehaving import ANSWER_FAULTS, ITEM_FAULTS, Misbehaving, evenly
from agent.testing.rewording import Rewording
from gateway_client.client import GatewayClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.domain.question import Scope, SourceKind
    from agent.domain.report import Report
    from agent.testing.catching import Material
    from agent.testing.changing import Change

RATE: Final = 0.3
QUESTIONS: Final = (
    "Do long context windows replace retrieval-augmented generation?",
    "What does prompt caching save?",
    "How long a context do language models really use?",
    "长上下文能取代检索增强生成吗？",
)
SITE: Final = "https://world.example"
WORLD: Final = Ranking([*texts.read_texts("pages"), *texts.read_texts("papers")])
SHELF: Final = {f"{SITE}{text.path}": text.body for text in WORLD.texts}


class Engine:
    """Finds the demo world's texts without a socket."""

    name = "demo"
    kind: SourceKind = "web"

    async def search(
        self,
        query: str,
        *,
        limit: int,
        scope: Scope,  # noqa: ARG002 - the port's
    ) -> Sequence[Hit]:
        """Return the best texts."""
        best = WORLD.best(query)[:limit]
        return [Hit("web", f"{SITE}{text.path}", text.title) for _, text in best]


@dataclass(frozen=True)
class Ended:
    """How one run ended, and the texts it read, each on one line."""

    report: Report
    texts: tuple[str, ...]

    @property
    def stated(self) -> list[str]:
        """Every sentence the report states."""
        claims = [claim.sentence for claim in self.report.claims]
        return claims + [condensed.sentence for condensed in self.report.summary]

    @property
    def pieces(self) -> set[str]:
        """Every sentence, quote and id that is in the report."""
        citations = [citation for claim in self.report.claims for citation in claim.citations]
        cited = {part for one in citations for part in (one.passage, one.quote)}
        return {*self.stated, *cited, *(id_ for s in self.report.summary for id_ in s.claims)}


async def one_run(question: str, *changes: Change, understudy: bool = False) -> Ended:
    """Run the whole graph with the extractive model's answers changed."""
    documents = MemoryDocuments()
    library = Library([Engine()], ShelfReader(SHELF), documents, SteppingClock())
    async with (
        GatewayClient(in_process(Changed(ExtractiveTransport(), *changes))) as client,
        GatewayClient(in_process(ExtractiveTransport())) as honest,
    ):
        chat = GatewayChat(client, GatewayChat(honest) if understudy else None)
        tools = Tools(chat, library, MemoryFolder(), formats=("json",))
        report = await run(Question(question, depth=2), tools)
    return Ended(report, tuple(" ".join(text.split()) for text in documents.texts.values()))


async def of_claims(material: Material) -> dict[str, Any]:
    """Plant each fault in every claim that offers a hold."""
    ways: dict[str, tuple[Change, ...]] = {"quoted": (), "reworded": (Rewording(),)}
    async with GatewayClient(in_process(Changed(ExtractiveTransport(), lenient))) as client:
        model = GatewayChat(client)
        faults = {
            fault: {
                way: _rate(await caught(material, Misbehaving({fault: 1.0}), *before, model=model))
                for way, before in ways.items()
            }
            for fault in ITEM_FAULTS
        }
        alarms = {
            way: _alarms(await alarmed(material, *before, model=model))
            for way, before in ways.items()
        }
    return {"claims": faults, "false_alarms": alarms}


def _rate(tally: Tally) -> dict[str, object]:
    return {
        "planted": tally.tried,
        "caught": round(1 - tally.share, 4),
        "slipped": list(tally.counted[:3]),
    }


def _alarms(tally: Tally) -> dict[str, object]:
    return {
        "true": tally.tried,
        "refused": round(tally.share, 4),
        "such_as": list(tally.counted[:3]),
    }


async def of_runs(seeds: int) -> dict[str, object]:
    """Spoil three items of ten in whole runs, and look for them in the finished reports."""
    planted: Counter[str] = Counter()
    left: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for question, seed in _each(seeds):
        model = Misbehaving(evenly(RATE, *ITEM_FAULTS), seed=seed)
        honest = (Rewording(),) if seed % 2 else ()
        ended = await one_run(question, *honest, lenient, mending, model)
        ends[ended.report.run.status] += 1
        ends.update(claim.verdict for claim in ended.report.claims)
        ends["dropped"] += len(ended.report.dropped)
        planted.update(one.fault for one in model.planted)
        left.update(one.fault for one in model.planted if one.spoiled in ended.pieces)
    caught = {fault: round(1 - left[fault] / planted[fault], 4) for fault in planted}
    return {"planted": dict(planted), "caught": caught, "ends": dict(ends)}


async def of_answers(seeds: int) -> dict[str, object]:
    """Spoil whole answers, some or all, with an understudy as every real gateway has."""
    found: dict[str, object] = {}
    for fault in ANSWER_FAULTS:
        if fault == "obedient":
            continue  # it needs sources that give orders: see tests/misbehaving
        ends: Counter[str] = Counter()
        for question, seed in _each(seeds):
            model = Misbehaving({fault: 1.0 if seed % 3 == 0 else RATE}, seed=seed)
            ended = await one_run(question, model, understudy=True)
            ends[ended.report.run.status] += 1
            ends["invented"] += sum(not _stands(said, ended.texts) for said in ended.stated)
        found[fault] = dict(ends)
    return found


def _each(seeds: int) -> Iterator[tuple[str, int]]:
    return ((question, seed) for question in QUESTIONS for seed in range(seeds))


def _stands(sentence: str, read: Sequence[str]) -> bool:
    return any(sentence in text for text in read)


async def measured(seeds: int) -> dict[str, object]:
    """Return all figures."""
    material = await gathered({text.title: text.body for text in WORLD.texts})
    return {
        **await of_claims(material),
        "runs": await of_runs(seeds),
        "answers": await of_answers(max(1, seeds // 5)),
    }


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=50, help="runs for each question")
    figures = asyncio.run(measured(options.parse_args().runs))
    print(json.dumps(figures, ensure_ascii=False, indent=1))
