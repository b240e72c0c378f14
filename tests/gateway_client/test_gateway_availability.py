"""Ten thousand calls over two endpoints of which one is bad: answered, and not by brute force."""

from __future__ import annotations

import random

import pytest

from gateway_client import Config, Endpoint, Ledger
from gateway_client.catalog import TIERS
from gateway_client.exchange import Call, Send, Wait
from gateway_client.faults import Arrived, Outcome
from gateway_client.testing import FakeTime
from gateway_client.transport import Switchboard

CALLS = 10_000
BODY = b'{"model": "small", "messages": [{"role": "user", "content": "hello"}]}'
GOOD = b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 1}}'
CALL = Call("POST", "/v1/chat/completions", {}, BODY)


def served(faults: dict[str, float], seed: int) -> tuple[float, float]:
    """Return the share of calls that were answered, and the sends each took."""
    chance = random.Random(seed).random  # noqa: S311 - it is to be the same each time
    time = FakeTime()
    endpoints = tuple(Endpoint(name, f"http://{name}.example/v1") for name in faults)
    config = Config(endpoints, tiers=dict.fromkeys(TIERS, ("small",)))
    switchboard = Switchboard(config, Ledger(), time, chance)
    answered = sends = 0
    for _ in range(CALLS):
        flow = switchboard.connect(CALL)
        outcome: Outcome | None = None
        try:
            while True:
                step = flow.send(outcome)
                outcome = None
                if isinstance(step, Wait):
                    time.now += step.seconds
                elif isinstance(step, Send):
                    sends += 1
                    time.now += 0.02
                    failed = chance() < faults[step.lane.endpoint.name]
                    outcome = Arrived(500 if failed else 200, {}, b"{}" if failed else GOOD)
        except StopIteration as stop:
            answered += stop.value.status == 200
    return answered / CALLS, sends / CALLS


@pytest.mark.parametrize("seed", [1, 2])
def test_one_call_in_five_failing_on_one_side_is_hardly_noticed(seed: int) -> None:
    availability, sends = served({"a": 0.20, "b": 0.01}, seed)
    assert availability >= 0.9999
    assert sends <= 1.30


def test_an_outage_of_everything_does_not_multiply_the_traffic() -> None:
    availability, sends = served({"a": 1.0, "b": 1.0}, 1)
    assert availability == 0
    assert sends <= 1.30
