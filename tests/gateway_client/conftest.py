"""Time that passes at once, and configurations for scripted gateways."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from gateway_client import Config, Endpoint, GatewayClient, Key, Model, Policy
from gateway_client.catalog import TIERS
from gateway_client.testing import FakeTime

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway_client.testing import ScriptedGateway

MODELS = ("small", "large")
FREE = {
    name: Model(name, 10_000, input_usd_per_million=Decimal(2), output_usd_per_million=Decimal(8))
    for name in MODELS
}


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def endpoint() -> Callable[..., Endpoint]:
    def make(name: str, gateway: ScriptedGateway | str, *secrets: str, **more: object) -> Endpoint:
        keys = tuple(Key(f"{name}#{n}", "A_VARIABLE", word) for n, word in enumerate(secrets, 1))
        url = gateway if isinstance(gateway, str) else gateway.base_url
        return Endpoint(name, url, keys, **more)  # type: ignore[arg-type] # any field of it

    return make


@pytest.fixture
def client(fake_time: FakeTime) -> Callable[..., GatewayClient]:
    def make(
        *endpoints: Endpoint, models: tuple[str, ...] = ("small",), **policy: object
    ) -> GatewayClient:
        config = Config(
            endpoints,
            tiers=dict.fromkeys(TIERS, models),
            models=FREE,
            policy=Policy(**policy),  # type: ignore[arg-type] # any field of it
        )
        return GatewayClient(config, clock=fake_time, sleep=fake_time.sleep)

    return make
