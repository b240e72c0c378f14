"""Changes what an honest endpoint answers, on its way to whoever asked.

An endpoint in this process:

    spoiled = Changed(ExtractiveTransport(), Rewording(), Misbehaving(faults, seed=1))
    model = GatewayChat(GatewayClient(in_process(spoiled)))

One on a loopback socket, for whatever reads ``GATEWAY_BASE_URL``:

    async with ScriptedGateway(changed_script(honest, Misbehaving(faults, seed=1))) as gateway:
        ...
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx2
from pydantic import BaseModel

from agent.stages import replies
from gateway_client.answers.requests import request as in_words
from gateway_client.catalog import TIERS, Endpoint, Model
from gateway_client.config import Config
from gateway_client.testing import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway_client.testing import Asked, Behaviour

NAME: Final = "changed"
WINDOW: Final = 10_000_000
"""As wide as the extractive model's, so that packing leaves nothing out."""
CHARACTERS_A_TOKEN: Final = 4

_FORMS: Final = {
    name: in_words(form)
    for name, form in inspect.getmembers(replies, inspect.isclass)
    if issubclass(form, BaseModel) and name.endswith("Reply")
}
"""How each form is asked for where an endpoint enforces none."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked: the form's name, the prompt, and all turns since, which end with it.

    There is more than one turn if an answer could not be used and is asked for again.
    """

    form: str
    prompt: str
    turns: tuple[str, ...]


class Change(Protocol):
    """Turns an honest answer into another."""

    def __call__(self, request: Request, answer: str) -> str:
        """Return what is answered instead."""
        ...


class Changed(httpx2.AsyncBaseTransport):
    """An endpoint in this process whose answers go through some changes, in their order."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, *changes: Change) -> None:
        self._inner = inner
        self._changes = changes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the changed completion; a failure of the inner endpoint is passed on."""
        payload = json.loads(await request.aread())
        asked = _request(payload)
        honest = httpx2.Request("POST", request.url, json=_asked_once(payload, asked))
        response = await self._inner.handle_async_request(honest)
        if response.is_error:
            return response
        completion = json.loads(await response.aread())
        message = completion["choices"][0]["message"]
        for change in self._changes:
            message["content"] = change(asked, message["content"])
        completion["usage"] = _usage(asked, message["content"])
        return httpx2.Response(200, json=completion, request=request)


def changed_script(inner: Behaviour, *changes: Change) -> Behaviour:
    """Return the behaviour of a ScriptedGateway whose texts go through some changes."""

    def script(asked: Asked) -> Reply:
        request = _request(asked.payload)
        said = inner(replace(asked, payload=_asked_once(asked.payload, request)))
        reply = Reply(said) if isinstance(said, str) else said
        if reply.body is not None or reply.call is not None:
            return reply
        text = reply.text
        for change in changes:
            text = change(request, text)
        return replace(reply, text=text)

    return script


def in_process(endpoint: httpx2.AsyncBaseTransport) -> Config:
    """Return a gateway of one endpoint, which answers in this process and costs nothing."""
    free = Decimal(0)
    model = Model(NAME, context=WINDOW, input_usd_per_million=free, output_usd_per_million=free)
    return Config(
        endpoints=(Endpoint(NAME, f"http://{NAME}.invalid/v1", transport=endpoint),),
        tiers=dict.fromkeys(TIERS, (NAME,)),
        models={NAME: model},
    )


def _request(payload: Mapping[str, Any]) -> Request:
    turns = tuple(str(message["content"]) for message in payload["messages"])
    return Request(_form(payload, turns[-1]), _question(payload)[-1]["content"], turns)


def _form(payload: Mapping[str, Any], last: str) -> str:
    """Return the name of the form asked for, by whichever of the gateway's four means."""
    if "json_schema" in payload.get("response_format", {}):
        return str(payload["response_format"]["json_schema"]["name"])
    if payload.get("tools"):
        return str(payload["tools"][0]["function"]["name"])
    return next((name for name, words in _FORMS.items() if last.endswith(words)), "")


def _question(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the messages before the first answer."""
    messages: list[dict[str, Any]] = payload["messages"]
    roles = [message["role"] for message in messages]
    return messages[: roles.index("assistant")] if "assistant" in roles else messages


def _usage(request: Request, answer: str) -> dict[str, int]:
    """Count what was really asked and answered: the inner endpoint saw something else."""
    given = sum(map(len, request.turns)) // CHARACTERS_A_TOKEN
    written = len(answer) // CHARACTERS_A_TOKEN
    return {
        "prompt_tokens": given,
        "completion_tokens": written,
        "total_tokens": given + written,
    }


def _asked_once(payload: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """Return the request as it was first made: what was wrong since was none of its answers."""
    schema = {"name": request.form, "schema": {}}
    return {
        "model": payload["model"],
        "messages": _question(payload),
        "response_format": {"type": "json_schema", "json_schema": schema},
    }
