"""Streams the words of one answer, for who wants to read along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

from gateway_client import wire
from gateway_client.client import NOWHERE
from gateway_client.errors import AnswerUnusable, UpstreamFailed
from gateway_client.exchange import ROUTED, TASK_HEADER
from gateway_client.media.asking import ours, refuse
from gateway_client.routing.router import AUTO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway_client.client import GatewayClient


async def words(
    client: GatewayClient, prompt: str, *, task: str = "", model: str = AUTO
) -> AsyncIterator[str]:
    """Yield the text of an answer as it comes.

    Raises a GatewayError, also in the middle if the stream breaks off, and AnswerUnusable if it
    ended without any text.
    """
    payload = {"model": model, "messages": [{"role": "user", "content": prompt}], "stream": True}
    url, headers, silent = NOWHERE + ROUTED, {TASK_HEADER: task}, True
    try:
        async with client.http_client.stream("POST", url, json=payload, headers=headers) as answer:
            if answer.is_error:
                await answer.aread()
                refuse(answer)
            async for line in answer.aiter_lines():
                text = _text(line)
                silent = silent and not text
                if text:
                    yield text
    except httpx2.HTTPError as error:
        raise ours(error) from None
    if silent:
        who = answer.headers.get("x-gw-endpoint", "")
        raise AnswerUnusable(f"{who} answered without any text")


def _text(line: str) -> str:
    """Return the text of one line of the stream; raise UpstreamFailed if it says an error."""
    event = wire.payload_of(line.removeprefix("data:").encode()) or {}
    error = wire.error_in_event(event)
    if error:
        raise UpstreamFailed(str(error["message"]), mend="ask again")
    return wire.written_text(event)
