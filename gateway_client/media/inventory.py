"""Finds out which models the endpoints of a pool offer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway_client.errors import GatewayError
from gateway_client.exchange import LANE_HEADER
from gateway_client.media.asking import ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway_client.catalog import Endpoint
    from gateway_client.client import GatewayClient


@dataclass(frozen=True, slots=True)
class Inventory:
    """The endpoints that serve each model, and why others could not be asked."""

    served: Mapping[str, tuple[str, ...]]
    failures: Mapping[str, str]


async def models(client: GatewayClient) -> Inventory:
    """Ask all endpoints at once; what their ``models`` patterns leave out is not listed.

    Raises the first endpoint's GatewayError if no endpoint can be asked.
    """
    endpoints = client.config.endpoints
    answers = await asyncio.gather(*(_offered(client, endpoint) for endpoint in endpoints))
    failures = {
        endpoint.name: answer
        for endpoint, answer in zip(endpoints, answers, strict=True)
        if isinstance(answer, GatewayError)
    }
    if len(failures) == len(endpoints):
        raise failures[endpoints[0].name]
    served: dict[str, tuple[str, ...]] = {}
    for endpoint, answer in zip(endpoints, answers, strict=True):
        for model in answer if isinstance(answer, list) else ():
            served[model] = (*served.get(model, ()), endpoint.name)
    return Inventory(dict(sorted(served.items())), {k: str(v) for k, v in failures.items()})


async def _offered(client: GatewayClient, endpoint: Endpoint) -> list[str] | GatewayError:
    try:
        told = await ask(client, "GET", "/models", headers={LANE_HEADER: endpoint.name})
    except GatewayError as error:
        return error
    listed = told.payload.get("data")
    items = listed if isinstance(listed, list) else []
    named = [item.get("id") for item in items if isinstance(item, dict)]
    names = dict.fromkeys(name for name in named if isinstance(name, str))
    return [name for name in names if endpoint.serves(name)]
