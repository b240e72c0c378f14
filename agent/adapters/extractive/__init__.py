"""The embedded model: it answers the pipeline's prompts by selecting and quoting, never inventing.

It is an endpoint of the gateway like any other, spoken to in Chat Completions, but in process:
no key, no network. It reads the same prompts and fills the same forms as a large model would.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import httpx2

from agent.adapters.extractive.briefing import brief, more_queries
from agent.adapters.extractive.writing import excerpt, outline, section, summary

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL: Final = "extractive"
BASE_URL: Final = "http://extractive.invalid/v1"
"""A name only: nothing is ever sent there."""

WINDOW: Final = 10_000_000
"""It reads by lines and has no real bound; this one keeps packing from leaving anything out."""

CHARACTERS_A_TOKEN: Final = 4
"""What its usage is counted with; it has no tokens of its own."""

_ANSWERS: Final[dict[str, Callable[[str], dict[str, object]]]] = {
    "ClarifyReply": lambda _: {"questions": []},  # it knows of no other meaning
    "BriefReply": brief,
    "QueriesReply": more_queries,
    "OutlineReply": outline,
    "ExcerptReply": excerpt,
    "SectionReply": section,
    "SummaryReply": summary,
    "JudgeReply": lambda _: {"rulings": []},  # it compares words, and the rules have done that
    "RepairReply": lambda _: {"claims": []},  # what it quoted stands there: nothing to mend
}


class ExtractiveTransport(httpx2.AsyncBaseTransport):
    """Answers Chat Completions requests whose ``response_format`` names one of our forms."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return a completion, or a 400 for anything but the pipeline's own prompts."""
        answered = completion(json.loads(await request.aread()))
        if answered is None:
            message = "the extractive model answers the research pipeline's own prompts only"
            return httpx2.Response(400, json={"error": {"message": message}}, request=request)
        return httpx2.Response(200, json=answered, request=request)


def completion(asked: dict[str, Any]) -> dict[str, object] | None:
    """Return the completion of a request, or None for anything but the pipeline's own prompts."""
    form = asked.get("response_format", {}).get("json_schema", {}).get("name", "")
    if form not in _ANSWERS:
        return None
    prompt = "\n".join(str(message["content"]) for message in asked["messages"])
    answer = json.dumps(_ANSWERS[form](str(asked["messages"][-1]["content"])))
    return _completion(asked["model"], prompt, answer)


def _completion(model: str, prompt: str, answer: str) -> dict[str, object]:
    counts = len(prompt) // CHARACTERS_A_TOKEN, len(answer) // CHARACTERS_A_TOKEN
    return {
        "id": "extractive",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": answer},
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": counts[0],
            "completion_tokens": counts[1],
            "total_tokens": sum(counts),
        },
    }
