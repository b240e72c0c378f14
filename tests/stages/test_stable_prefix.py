import json
import re
from datetime import UTC, datetime

from agent.adapters.gateway_chat import GatewayChat
from agent.domain.evidence import Evidence, Source
from agent.domain.passages import passages
from agent.domain.question import Brief, Manner
from agent.stages.synthesize import Assignment, synthesize
from agent.testing import MemoryDocuments
from gateway_client.catalog import Endpoint, Model
from gateway_client.client import GatewayClient
from gateway_client.config import Config, Policy
from gateway_client.testing import Asked, Reply, ScriptedGateway

TEXT = "The window cost is high, and “quotes” such as naïve 长上下文 stay as they are. " * 400


def answer(asked: Asked) -> Reply:
    """Answer outline and section as a model does, and report all but a tenth as cached."""
    user = str(asked.payload["messages"][-1]["content"])  # type: ignore[index]
    if "Write the outline" in user:
        parts = re.findall(r"^(q\d+): ", user, re.MULTILINE)
        said = {"sections": [{"title": f"On {part}", "sub_questions": [part]} for part in parts]}
    else:
        quote = {"passage": "S1.1", "quote": "The window cost is high"}
        said = {"claims": [{"sentence": "The cost is high.", "citations": [quote]}]}
    given = len(asked.prompt) // 5
    usage = {
        "prompt_tokens": given,
        "completion_tokens": 9,
        "total_tokens": given + 9,
        "prompt_tokens_details": {"cached_tokens": given * 9 // 10},
    }
    message = {"role": "assistant", "content": json.dumps(said)}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": choices}
    return Reply(body=json.dumps({**body, "usage": usage}).encode())


async def test_all_calls_of_a_run_begin_with_the_same_bytes_up_to_the_end_of_the_sources(
    brief: Brief,
) -> None:
    documents = MemoryDocuments()
    at = datetime(2026, 1, 2, tzinfo=UTC)
    sources = [
        Source(
            f"S{n}", "web", f"https://{n}.example", f"T {n}", await documents.put(text), at,
            passages(text),
        )
        for n, text in enumerate((TEXT, TEXT.upper()), start=1)
    ]  # fmt: skip
    names = {"light": ("m",), "deep": ("m",), "long": ("m",)}
    async with ScriptedGateway(answer) as gateway:
        config = Config(
            (Endpoint("e", gateway.base_url),),
            tiers=names,  # type: ignore[arg-type]
            models={"m": Model("m", context=200_000)},
            policy=Policy(backoff_seconds=0.0),
        )
        async with GatewayClient(config) as client:
            chat = GatewayChat(client)
            made = await synthesize(
                brief,
                Evidence(sources=tuple(sources)),
                Assignment(brief.sub_questions, Manner("survey", "engineers"), ["It is so."]),
                model=chat,
                documents=documents,
            )
            usage = chat.usage()
        written = [
            json.dumps(asked.payload["messages"], ensure_ascii=False) for asked in gateway.asked
        ]
    assert len(made.sections) == 2
    assert len(written) == 3  # the outline begins as the sections do
    block = written[0].rpartition("</sources>")[0].encode() + b"</sources>"
    assert all(one.encode().startswith(block) for one in written)
    assert len(block) > len((TEXT + TEXT.upper()).encode())
    assert usage.cached_tokens == usage.by_task["outline"].cached_tokens + (
        usage.by_task["write"].cached_tokens
    )
    assert usage.cached_tokens > usage.input_tokens * 0.89
