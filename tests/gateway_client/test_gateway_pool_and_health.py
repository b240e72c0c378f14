"""Turns are fair, and nobody is left alone for ever."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway_client import Endpoint, Key, RateLimited, UpstreamFailed
from gateway_client.faults import Fault, Kind, retry_after
from gateway_client.health import MAX_COOL_SECONDS, OPEN_AFTER, SET_ASIDE_SECONDS, Health, State
from gateway_client.pool import Lane, Pool


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def named(name: str, keys: int = 0, weight: int = 1) -> Endpoint:
    made = tuple(Key(f"{name}#{n}", "TEST", f"secret-{n}") for n in range(keys))
    return Endpoint(name, f"http://{name}.example/v1", made, weight=weight)


LANE = Lane(named("one"), None)
BROKEN = Fault(Kind.BROKEN, UpstreamFailed("broken"))


def limited(seconds: float | None = None) -> Fault:
    return Fault(Kind.LIMITED, RateLimited("slow down"), seconds)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3)), min_size=1, max_size=5))
def test_over_a_full_turn_every_endpoint_gets_exactly_its_weight(
    shape: list[tuple[int, int]],
) -> None:
    pool = Pool(named(f"e{n}", keys, weight) for n, (weight, keys) in enumerate(shape))
    turns = 6 * sum(weight for weight, _ in shape)
    seen = Counter(lane.endpoint.name for _ in range(turns) if (lane := pool.pick(pool.lanes, ())))
    for n, (weight, _) in enumerate(shape):
        assert abs(seen[f"e{n}"] - 6 * weight) <= 1


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5))
def test_one_request_never_takes_the_same_lane_twice_and_takes_every_one(keys: list[int]) -> None:
    pool = Pool(named(f"e{n}", count) for n, count in enumerate(keys))
    tried: list[Lane] = []
    while lane := pool.pick(pool.lanes, tried):
        assert lane not in tried
        tried.append(lane)
    assert set(tried) == set(pool.lanes)
    firsts = [lane.endpoint.name for lane in tried[: len(keys)]]
    assert len(set(firsts)) == len(keys)


faults = st.builds(
    Fault, st.sampled_from(Kind), st.just(UpstreamFailed("x")), st.none() | st.integers(0, 10**9)
)
events = st.lists(st.tuples(st.integers(0, 5000), faults | st.none()), max_size=40)


@given(events)
def test_whatever_happened_a_lane_comes_back_within_the_longest_pause(
    happened: list[tuple[float, Fault | None]],
) -> None:
    clock = Clock()
    health = Health(clock)
    for later, fault in happened:
        clock.now += later
        health.admit(LANE, "m")
        if fault is None:
            health.succeeded(LANE, "m")
        else:
            health.failed(LANE, "m", fault)
    assert health.ready_at(LANE, "m") - clock.now <= max(
        MAX_COOL_SECONDS, *SET_ASIDE_SECONDS.values()
    )
    clock.now = health.ready_at(LANE, "m")
    assert health.usable(LANE, "m")
    health.succeeded(LANE, "m")
    assert health.state(LANE, "m") is State.HEALTHY


@given(faults.filter(lambda fault: fault.kind is Kind.BROKEN))
def test_a_single_failure_never_disables(fault: Fault) -> None:
    health = Health(Clock())
    health.failed(LANE, "m", fault)
    assert health.usable(LANE, "m")
    assert health.state(LANE, "m") is State.HEALTHY


def test_failures_in_a_row_open_and_one_probe_is_let_through() -> None:
    clock = Clock()
    health = Health(clock)
    for _ in range(OPEN_AFTER):
        assert health.usable(LANE, "m")
        health.failed(LANE, "m", BROKEN)
    assert health.state(LANE, "m") is State.OPEN
    first = health.ready_at(LANE, "m")
    clock.now = first
    assert health.state(LANE, "m") is State.HALF_OPEN
    health.admit(LANE, "m")
    assert not health.usable(LANE, "m")
    assert health.blame(LANE, "m") is BROKEN
    health.failed(LANE, "m", BROKEN)
    assert health.state(LANE, "m") is State.OPEN
    assert health.ready_at(LANE, "m") - clock.now == 2 * first
    clock.now = health.ready_at(LANE, "m")
    health.admit(LANE, "m")
    health.succeeded(LANE, "m")
    assert health.state(LANE, "m") is State.HEALTHY


def test_a_success_between_failures_begins_a_new_row() -> None:
    health = Health(Clock())
    for _ in range(10):
        health.failed(LANE, "m", BROKEN)
        health.succeeded(LANE, "m")
    assert health.state(LANE, "m") is State.HEALTHY


def test_a_pause_is_kept_although_an_older_call_succeeds() -> None:
    health = Health(Clock())
    health.failed(LANE, "m", limited(30))
    health.succeeded(LANE, "m")
    assert health.state(LANE, "m") is State.COOLING


def test_a_burst_of_429_is_one_pause_and_the_next_is_longer() -> None:
    clock = Clock()
    health = Health(clock)
    for _ in range(50):
        health.failed(LANE, "m", limited())
    assert health.ready_at(LANE, "m") == 1
    clock.now = 1
    health.failed(LANE, "m", limited())
    assert health.ready_at(LANE, "m") == 3


def test_a_pause_ends_in_health_without_a_probe() -> None:
    clock = Clock()
    health = Health(clock)
    health.failed(LANE, "m", limited(5))
    clock.now = 5
    assert health.state(LANE, "m") is State.HEALTHY


def test_a_refused_key_is_refused_for_all_models_and_an_unknown_model_for_all_keys() -> None:
    first, second = Pool([named("e", keys=2)]).lanes
    health = Health(Clock())
    health.failed(first, "m", Fault(Kind.REFUSED, UpstreamFailed("x")))
    assert not health.usable(first, "another")
    assert health.usable(second, "m")
    health.failed(second, "n", Fault(Kind.UNKNOWN_MODEL, UpstreamFailed("x")))
    assert not health.usable(first, "n")
    assert health.usable(second, "m")


def test_retry_after_is_read_as_seconds_and_as_a_date_and_nonsense_is_ignored() -> None:
    now = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
    assert retry_after({"retry-after": "7"}, now) == 7
    assert retry_after({"retry-after": "0.5"}, now) == 0.5
    assert retry_after({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, now) == 30
    assert retry_after({"retry-after": "Sun, 22 Nov 2026 12:00:30 -0000"}, now) == 30
    assert retry_after({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, now) == 0
    assert retry_after({"retry-after": "soon"}, now) is None
    assert retry_after({"retry-after": "9 lives"}, now) is None
    assert retry_after({}, now) is None
