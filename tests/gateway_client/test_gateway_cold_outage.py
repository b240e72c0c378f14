import asyncio
import socket

from gateway_client.catalog import Endpoint, Model
from gateway_client.client import GatewayClient
from gateway_client.config import Config
from gateway_client.testing import ScriptedGateway


def closed_address() -> str:
    """Return an address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


async def test_a_burst_of_first_calls_onto_a_dead_endpoint_loses_none() -> None:
    async with ScriptedGateway(["alive"]) as alive:
        config = Config(
            endpoints=(Endpoint("dead", closed_address()), Endpoint("alive", alive.base_url)),
            tiers={"light": ("m",), "deep": ("m",), "long": ("m",)},
            models={"m": Model("m")},
        )
        async with GatewayClient(config) as client:
            answers = await asyncio.gather(*(client.complete(f"call {n}") for n in range(120)))
    assert answers == ["alive"] * 120
