"""Asks the pool for what is no chat: a JSON object comes back, or one of our errors is raised."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx2

from gateway_client import faults, wire
from gateway_client.client import NOWHERE
from gateway_client.errors import (
    AnswerUnusable,
    GatewayError,
    MaybeAccepted,
    RequestRefused,
    Unreachable,
)
from gateway_client.exchange import LANE_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway_client.client import GatewayClient


@dataclass(frozen=True, slots=True)
class Told:
    """The JSON object of an answer, and who gave it."""

    payload: wire.Payload
    endpoint: str
    lane: str


async def ask(
    client: GatewayClient,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    payload: wire.Payload | None = None,
) -> Told:
    """Send one request through the pool; raise a GatewayError for anything but a JSON object."""
    try:
        response = await client.http_client.request(
            method, NOWHERE + path, json=payload, headers=dict(headers)
        )
    except httpx2.HTTPError as error:
        raise ours(error) from None
    refuse(response)
    answer = wire.payload_of(response.content)
    endpoint = response.headers.get("x-gw-endpoint", "")
    if answer is None:
        raise AnswerUnusable(f"{endpoint} answered {path}, but not with a JSON object")
    return Told(answer, endpoint, response.headers.get(LANE_HEADER, endpoint))


def refuse(response: httpx2.Response) -> None:
    """Raise what our transport knows of a failure; do nothing if the response is none."""
    if response.status_code < HTTPStatus.BAD_REQUEST:
        return
    attached = response.extensions.get("gateway_error")
    if isinstance(attached, MaybeAccepted):
        mend = f"look among the recent jobs of {response.headers[LANE_HEADER]} before asking again"
        raise MaybeAccepted(attached.message, mend=mend)
    if isinstance(attached, GatewayError):
        raise attached
    who = response.headers.get("x-gw-endpoint") or "the gateway"
    said = _message(response.content)
    raise RequestRefused(f"{who} refused the request ({response.status_code}): {said}")


def ours(error: httpx2.HTTPError) -> GatewayError:
    """Return the error that our transport raised this one from, or else say the same."""
    carried = (cause for cause in _causes(error) if isinstance(cause, GatewayError))
    said = str(error) or type(error).__name__
    return next(carried, Unreachable(f"the connection broke ({said})", mend="try again"))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _message(body: bytes) -> str:
    error = (wire.payload_of(body) or {}).get("error")
    said = error.get("message") if isinstance(error, dict) else error
    return faults.excerpt(said.encode() if isinstance(said, str) else body)
