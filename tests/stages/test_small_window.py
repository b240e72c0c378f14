import json
import re
from datetime import UTC, datetime

import pytest

from agent.adapters.gateway_chat import GatewayChat
from agent.domain.evidence import Evidence, Source
from agent.domain.passages import passages
from agent.domain.prompt import Prompt
from agent.domain.proof import Unproved, prove
from agent.domain.question import Brief
from agent.stages.replies import QueriesReply
from agent.stages.synthesize import Assignment, synthesize
from agent.testing import MemoryDocuments
from gateway_client.catalog import Endpoint, Model
from gateway_client.client import GatewayClient
from gateway_client.config import Config, Policy
from gateway_client.testing import Asked, Reply, ScriptedGateway

WINDOW = 16_000
PLANTED = "The harbour crane of Port Ellis lifts exactly 412 tonnes at low water."
PAGE = " ".join(
    f"Paragraph {n} of this page tells at length how ports were run, dredged and paid for in 19{n}."
    for n in range(10, 42)
)


def sixty_pages() -> str:
    """A long document, which states one fact once, on its page 47."""
    pages = [f"Page {number}. {PAGE}" for number in range(1, 61)]
    pages[46] = pages[46].replace("Paragraph 27", f"{PLANTED} Paragraph 27")
    return "\n".join(pages)


class SmallModel:
    """It has a window of 16,000 tokens, refuses more, and finds the fact wherever it is shown."""

    def __init__(self, characters_a_token: float) -> None:
        self.largest = 0
        self._characters = characters_a_token

    def __call__(self, asked: Asked) -> Reply:
        given = round(len(asked.prompt) / self._characters)
        self.largest = max(self.largest, given)
        if given > WINDOW:
            return Reply.failure(400, "context_length_exceeded")
        message = {"role": "assistant", "content": json.dumps(self._said(asked))}
        body = {
            "id": "1", "object": "chat.completion", "created": 0, "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": given, "completion_tokens": 9, "total_tokens": given + 9},
        }  # fmt: skip
        return Reply(body=json.dumps(body).encode())

    def _said(self, asked: Asked) -> dict[str, object]:
        form = asked.payload["response_format"]["json_schema"]["name"]  # type: ignore[index]
        lines = re.findall(r"^(S\d+\.\d+) (.+)$", asked.prompt, re.MULTILINE)
        quotes = [{"passage": id_, "quote": PLANTED} for id_, text in lines if PLANTED in text]
        match form:
            case "ExcerptReply":
                return {"quotes": quotes}
            case "OutlineReply":
                return {"sections": [{"title": "Cranes", "sub_questions": ["q1", "q2"]}]}
            case "SectionReply":
                sentence = "One crane in Port Ellis lifts 412 tonnes."
                return {"claims": [{"sentence": sentence, "citations": quotes}] if quotes else []}
        return {"web_queries": [], "arxiv_queries": []}


@pytest.mark.parametrize("characters_a_token", [3.0, 4.0, 5.5])
async def test_one_fact_on_page_47_of_60_is_found_and_quoted_through_a_window_of_16000_tokens(
    brief: Brief, characters_a_token: float
) -> None:
    documents, text, model = MemoryDocuments(), sixty_pages(), SmallModel(characters_a_token)
    at = datetime(2026, 1, 2, tzinfo=UTC)
    source = Source(
        "S1", "web", "https://1.example", "Ports", await documents.put(text), at, passages(text)
    )
    evidence = Evidence(sources=(source,))
    names = {"light": ("m",), "deep": ("m",), "long": ("m",)}
    async with ScriptedGateway(model) as gateway:
        config = Config(
            (Endpoint("e", gateway.base_url),),
            tiers=names,  # type: ignore[arg-type]
            models={"m": Model("m", context=WINDOW)},
            policy=Policy(backoff_seconds=0.0),
        )
        async with GatewayClient(config) as client:
            chat = GatewayChat(client)
            # as in a run, in which the brief was written before
            await chat.ask(Prompt("You plan.", PAGE), QueriesReply, task="refine")
            made = await synthesize(
                brief, evidence, Assignment(brief.sub_questions), model=chat, documents=documents
            )
    (claim,) = made.sections[0].claims
    proof = prove(claim, evidence, documents.texts)
    assert not isinstance(proof, Unproved)
    assert proof.citations[0].quote == PLANTED
    assert text.count("Page ", 0, proof.citations[0].start) == 47
    assert model.largest <= WINDOW
    assert "passages quoted as evidence" in made.failures[0].why
