"""Measures a gateway from the caller's side: waiting, throughput, failures, and what it costs.

Without a gateway it asks a simulated one, whose waiting times are made up: figures of it say how
this client behaves, and nothing about any model.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

import httpx2

from gateway_client import prices, wire
from gateway_client.catalog import Endpoint
from gateway_client.client import NOWHERE, GatewayClient
from gateway_client.config import Config
from gateway_client.exchange import ROUTED, TASK_HEADER
from gateway_client.routing import router
from gateway_client.testing import Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gateway_client.testing import Asked

PROMPTS_FILE: Final = Path(__file__).with_name("prompts.jsonl")

ASSUMED_ANSWER_TOKENS: Final = 500
"""What an answer is taken to be long before anything was asked; thinking may add to it."""

UNPRICED: Final = "unpriced"

NO_USAGE: Final = wire.Usage(0, 0)

_LIMIT_EVERY: Final = 20
"""The first of the two simulated endpoints has had enough with every 20th request."""


class Waits(TypedDict):
    """Percentiles in seconds."""

    p50: float
    p95: float
    p99: float


class ModelFigures(TypedDict):
    """One model: answers it gave, seconds to their first content and their end, and their cost."""

    answers: int
    first_content_seconds: Waits
    whole_seconds: Waits
    input_tokens: int
    output_tokens: int
    usd: str


class RoutingFigures(TypedDict):
    """What routing saves against asking the deep tier only; shares are from 0 to 1.

    A random router sends the same share of the same calls to the deep tier, by lot. An answer is
    taken to be as long at the one tier as it was at the other, which for models that think is not
    so. Savings say nothing about quality; ``hard_to_deep`` is all that is said here about that.
    It is the share of the hard prompts that went deep; by lot it would be ``strong_share``.
    """

    light: str
    deep: str
    strong_share: float
    hard_to_deep: float | None
    saving: float | str
    random_saving: float | str


class Figures(TypedDict):
    """All of one run; ``rate_limited`` are the 429s that reached the caller."""

    simulated: bool
    requests: int
    concurrency: int
    seconds: float
    answers_per_second: float
    answered: int
    rate_limited: int
    failures: dict[str, int]
    retries: int
    input_tokens: int
    output_tokens: int
    usd: str
    unpriced: list[str]
    models: dict[str, ModelFigures]
    routing: RoutingFigures


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question; ``hard`` is what a person said of it, and no router is told."""

    prompt: str
    hard: bool
    task: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """What came of one request; ``failure`` is empty for an answer that came to its end."""

    asked: Prompt
    model: str = ""
    attempts: int = 1
    first: float = 0.0
    whole: float = 0.0
    usage: wire.Usage = NO_USAGE
    failure: str = ""


def prompts() -> tuple[Prompt, ...]:
    """Return the prompts that come with the package."""
    lines = PROMPTS_FILE.read_text(encoding="utf-8").splitlines()
    return tuple(Prompt(**json.loads(line)) for line in lines)


def estimate(config: Config, requests: int) -> str:
    """Say what a run would cost, taking answers to be of middling length."""
    dear: dict[str, Decimal | None] = {}
    for asked in _in_turn(requests):
        model = router.explain(config, asked.prompt, asked.task)["model"]
        used = wire.Usage(wire.tokens(asked.prompt), ASSUMED_ANSWER_TOKENS)
        usd, before = prices.price(model, used, config.models), dear.get(model, Decimal(0))
        dear[model] = None if usd is None or before is None else before + usd
    parts = (f"{name} {_money(usd)}" for name, usd in sorted(dear.items()))
    return f"{requests} requests may cost about: {', '.join(parts)}"


async def simulated(requests: int, concurrency: int) -> Figures:
    """Measure against two endpoints in this process, the first of which limits its rate."""
    async with ScriptedGateway(_limited()) as first, ScriptedGateway(_answer) as second:
        config = Config(
            (Endpoint("simulated-1", first.base_url), Endpoint("simulated-2", second.base_url))
        )
        return {**await measure(config, requests, concurrency), "simulated": True}


async def measure(config: Config, requests: int, concurrency: int) -> Figures:
    """Stream so many requests, so many at a time, and return what was seen."""
    gate = asyncio.Semaphore(concurrency)
    async with GatewayClient(config) as client:

        async def one(asked: Prompt) -> Sample:
            async with gate:
                return await sample(client, asked)

        started = time.perf_counter()
        samples = await asyncio.gather(*map(one, _in_turn(requests)))
        seconds = time.perf_counter() - started
        return _figures(client, samples, concurrency, seconds)


async def sample(client: GatewayClient, asked: Prompt) -> Sample:
    """Stream one answer and take the times."""
    payload = {
        "model": router.AUTO,
        "messages": [{"role": "user", "content": asked.prompt}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    headers, url = {TASK_HEADER: asked.task}, NOWHERE + ROUTED
    started = time.perf_counter()
    try:
        async with client.http_client.stream("POST", url, json=payload, headers=headers) as answer:
            if answer.is_error:
                return Sample(asked, failure=str(answer.status_code))
            return await _read(asked, answer, started)
    except httpx2.TransportError as error:
        return Sample(asked, failure=type(error.__cause__ or error).__name__)


async def _read(asked: Prompt, answer: httpx2.Response, started: float) -> Sample:
    first, failure, usage, text = 0.0, "", None, ""
    async for line in answer.aiter_lines():
        event = wire.payload_of(line.removeprefix("data:").encode()) or {}
        if not first and wire.has_content(event):
            first = time.perf_counter() - started
        if wire.error_in_event(event):
            failure = "broke off"
        text += wire.written_text(event)
        usage = wire.reported_usage(event) or usage
    return Sample(
        asked,
        model=answer.headers.get("x-gw-model", ""),
        attempts=int(answer.headers.get("x-gw-attempts", "1")),
        first=first,
        whole=time.perf_counter() - started,
        usage=usage or wire.Usage(wire.tokens(asked.prompt), wire.tokens(text), estimated=True),
        failure=failure,
    )


def waits(seconds: Sequence[float]) -> Waits:
    """Return the percentiles of some times, between neighbours where there is no middle."""
    if not seconds:
        return {"p50": 0.0, "p95": 0.0, "p99": 0.0}
    at_least_two = [*seconds, *seconds[-1:]] if len(seconds) == 1 else seconds
    cuts = statistics.quantiles(at_least_two, n=100, method="inclusive")
    return {"p50": round(cuts[49], 4), "p95": round(cuts[94], 4), "p99": round(cuts[98], 4)}


def told(figures: Figures) -> str:
    """Return the figures as lines for people."""
    lines = [
        "simulated: the times are made up" if figures["simulated"] else "",
        f"{'model':<28} {'answers':>7}  {'first content p50/p95/p99 s':<27}  whole p50/p95/p99 s",
    ]
    for name, row in figures["models"].items():
        first, whole = _slashed(row["first_content_seconds"]), _slashed(row["whole_seconds"])
        lines.append(f"{name:<28} {row['answers']:>7}  {first:<27}  {whole:<20} {row['usd']}")
    return "\n".join(line for line in (*lines, *_summed_up(figures)) if line)


def _summed_up(figures: Figures) -> Iterator[str]:
    routing = figures["routing"]
    yield (
        f"{figures['answered']} of {figures['requests']} answered in {figures['seconds']:.1f} s,"
        f" {figures['answers_per_second']:.1f} a second at {figures['concurrency']} at a time"
    )
    yield (
        f"{figures['rate_limited']} rate limits reached the caller, {figures['retries']} retries"
        f" were not seen; failures: {json.dumps(figures['failures'])}"
    )
    yield (
        f"{figures['input_tokens']:,} tokens in, {figures['output_tokens']:,} out,"
        f" cost {figures['usd']}"
    )
    yield (
        f"routing: {routing['strong_share']:.0%} to {routing['deep']}, the rest to"
        f" {routing['light']}; saves {_share(routing['saving'])},"
        f" by lot {_share(routing['random_saving'])};"
        f" hard prompts sent deep: {_share(routing['hard_to_deep'])}"
    )


def _in_turn(requests: int) -> tuple[Prompt, ...]:
    known = prompts()
    return tuple(known[number % len(known)] for number in range(requests))


def _limited() -> Callable[[Asked], Reply]:
    count = 0

    def reply(asked: Asked) -> Reply:
        nonlocal count
        count += 1
        return Reply.failure(429, retry_after="1") if count % _LIMIT_EVERY == 0 else _answer(asked)

    return reply


def _answer(asked: Asked) -> Reply:
    """Answer at a length that depends on the prompt, and as slowly as the tier suggests."""
    deep = "pro" in str(asked.payload.get("model"))
    words = 20 + len(asked.prompt) // 5
    stall = (0.2 if deep else 0.05) + len(asked.prompt) % 10 / 100
    return Reply(" ".join(["word"] * words), stall=stall, pace=0.002)


def _figures(
    client: GatewayClient, samples: Sequence[Sample], concurrency: int, seconds: float
) -> Figures:
    answered = [sample for sample in samples if not sample.failure]
    failures = Counter(sample.failure for sample in samples if sample.failure)
    totals = client.ledger.totals()
    return {
        "simulated": False,
        "requests": len(samples),
        "concurrency": concurrency,
        "seconds": round(seconds, 3),
        "answers_per_second": round(len(answered) / seconds, 2),
        "answered": len(answered),
        "rate_limited": failures.get(str(HTTPStatus.TOO_MANY_REQUESTS.value), 0),
        "failures": dict(sorted(failures.items())),
        "retries": sum(sample.attempts - 1 for sample in samples),
        "input_tokens": totals.input_tokens,
        "output_tokens": totals.output_tokens,
        "usd": _money(totals.usd if len(totals.unpriced) < len(client.ledger.by_model()) else None),
        "unpriced": list(totals.unpriced),
        "models": {name: _model(client, name, answered) for name in _names(answered)},
        "routing": _routing(client.config, answered),
    }


def _names(answered: Sequence[Sample]) -> list[str]:
    return sorted({sample.model for sample in answered})


def _model(client: GatewayClient, name: str, answered: Sequence[Sample]) -> ModelFigures:
    own = [sample for sample in answered if sample.model == name]
    totals = client.ledger.by_model()[name]
    return {
        "answers": len(own),
        "first_content_seconds": waits([sample.first for sample in own]),
        "whole_seconds": waits([sample.whole for sample in own]),
        "input_tokens": totals.input_tokens,
        "output_tokens": totals.output_tokens,
        "usd": _money(None if totals.unpriced else totals.usd),
    }


def _routing(config: Config, answered: Sequence[Sample]) -> RoutingFigures:
    light, deep = (_first(config, tier) for tier in ("light", "deep"))
    strong = [_is_deep(config, sample) for sample in answered]
    hard = [deep for sample, deep in zip(answered, strong, strict=True) if sample.asked.hard]
    share = sum(strong) / len(strong) if strong else 0.0
    saving, by_lot = _savings(config, answered, strong, light=light, deep=deep)
    return {
        "light": light,
        "deep": deep,
        "strong_share": round(share, 4),
        "hard_to_deep": round(sum(hard) / len(hard), 4) if hard else None,
        "saving": saving,
        "random_saving": by_lot,
    }


def _savings(
    config: Config, answered: Sequence[Sample], strong: Sequence[bool], *, light: str, deep: str
) -> tuple[float | str, float | str]:
    """Return what routing and what a lot saves, with the tokens that were really used."""
    routed, all_light, all_deep = Decimal(0), Decimal(0), Decimal(0)
    for sample, is_strong in zip(answered, strong, strict=True):
        low, high = (prices.price(name, sample.usage, config.models) for name in (light, deep))
        if low is None or high is None:
            return UNPRICED, UNPRICED
        routed += high if is_strong else low
        all_light, all_deep = all_light + low, all_deep + high
    if not all_deep:
        return UNPRICED, UNPRICED
    share = Decimal(sum(strong)) / len(strong)
    by_lot = share * all_deep + (1 - share) * all_light
    return _saved(routed, all_deep), _saved(by_lot, all_deep)


def _saved(paid: Decimal, otherwise: Decimal) -> float:
    return round(float(1 - paid / otherwise), 4)


def _first(config: Config, tier: Any) -> str:  # noqa: ANN401 - a literal out of a loop
    models = config.tiers[tier]
    return next((model for model in models if config.served(model)), models[0])


def _is_deep(config: Config, sample: Sample) -> bool:
    """Whether the router chose the deep tier; asked again, since names may be in both tiers."""
    payload: wire.Payload = {"messages": [{"role": "user", "content": sample.asked.prompt}]}
    strong_from = config.policy.strong_from
    return router.decide(config, payload, sample.asked.task, 0.0, strong_from).tier == "deep"


def _money(usd: Decimal | None) -> str:
    return UNPRICED if usd is None else f"${usd:.4f}"


def _share(value: float | str | None) -> str:
    return f"{value:.0%}" if isinstance(value, float) else str(value or "-")


def _slashed(row: Waits) -> str:
    return f"{row['p50']:.3f}/{row['p95']:.3f}/{row['p99']:.3f}"
