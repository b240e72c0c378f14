"""The benchmark command measures what it says, and asks nobody for money unasked."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_client import Config, Endpoint, Model, Policy
from gateway_client import bench as benching
from gateway_client.chart import drawn
from gateway_client.testing import Reply, ScriptedGateway


def config(url: str, *priced: str) -> Config:
    usd = {"light": Decimal(1), "deep": Decimal(10)}
    return Config(
        (Endpoint("e", url),),
        tiers={"light": ("light",), "deep": ("deep",), "long": ("deep",)},
        models={
            name: Model(name, input_usd_per_million=usd[name], output_usd_per_million=usd[name])
            for name in priced
        },
    )


async def bench(*words: str, **environment: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway_client", "bench", *words,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_without_a_gateway_it_measures_a_simulated_one(tmp_path: Path) -> None:
    chart, report = tmp_path / "chart.svg", tmp_path / "figures.json"
    status, out, err = await bench(
        "--requests", "40", "--concurrency", "20", "--json", str(report), "--chart", str(chart)
    )
    assert status == 0, err
    figures = json.loads(report.read_text())
    assert figures["simulated"]
    assert figures["answered"] == figures["requests"] == 40
    assert figures["rate_limited"] == 0
    assert figures["failures"] == {}
    assert 0 < figures["routing"]["strong_share"] < figures["routing"]["hard_to_deep"] <= 1
    assert sum(row["answers"] for row in figures["models"].values()) == 40
    assert "simulated" in out
    assert chart.read_text() == drawn(figures)


async def test_json_alone_goes_to_standard_output() -> None:
    status, out, err = await bench("--requests", "2", "--json", "-")
    assert status == 0, err
    assert json.loads(out)["requests"] == 2


async def test_a_real_gateway_is_estimated_and_not_asked_without_yes() -> None:
    async with ScriptedGateway() as gateway:
        real = {"GATEWAY_BASE_URL": gateway.base_url, "GATEWAY_MODEL": "m"}
        status, _, err = await bench("--requests", "3", **real)
        assert status == 2
        assert "3 requests may cost about: m unpriced" in err
        assert "--yes" in err
        assert gateway.asked == []
        status, out, _ = await bench("--requests", "3", "--yes", **real)
    assert status == 0
    assert len(gateway.asked) == 3
    assert "saves unpriced, by lot unpriced" in out


async def test_a_report_that_cannot_be_written_is_known_before_anything_is_asked(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    async with ScriptedGateway() as gateway:
        status, _, err = await bench(
            "--yes", "--json", str(tmp_path / "file" / "x.json"), GATEWAY_BASE_URL=gateway.base_url
        )
        assert gateway.asked == []
    assert status == 1
    assert len(err.splitlines()) == 1


async def test_savings_are_those_of_the_two_prices() -> None:
    async with ScriptedGateway() as gateway:
        ours = config(gateway.base_url, "light", "deep")
        figures = await benching.measure(ours, 40, 20)
    routing = figures["routing"]
    share, saved = routing["strong_share"], routing["random_saving"]
    assert saved == pytest.approx((1 - share) * 0.9, abs=0.001)
    assert isinstance(routing["saving"], float)
    assert figures["usd"].startswith("$")
    assert figures["unpriced"] == []


async def test_what_is_not_priced_is_said_to_be(caplog: pytest.LogCaptureFixture) -> None:
    async with ScriptedGateway() as gateway:
        figures = await benching.measure(config(gateway.base_url, "light"), 40, 20)
    assert figures["routing"]["saving"] == benching.UNPRICED
    assert figures["models"]["deep"]["usd"] == benching.UNPRICED
    assert figures["unpriced"] == ["deep"]
    assert "deep is not known" in caplog.text


async def test_rate_limits_and_broken_streams_are_counted_and_not_measured() -> None:
    def behave(asked: object) -> Reply:
        deep = "'deep'" in repr(getattr(asked, "payload", {}))
        return Reply("a b c", pace=0.05, cut=True) if deep else Reply.failure(429, retry_after="60")

    async with ScriptedGateway(behave) as gateway:
        ours = config(gateway.base_url, "light", "deep")
        hurried = replace(ours, policy=Policy(deadline_seconds=1.0))
        figures = await benching.measure(hurried, 30, 1)
    assert figures["answered"] == 0
    assert figures["models"] == {}
    assert figures["rate_limited"] == figures["failures"]["429"] > 0
    assert sum(figures["failures"].values()) == 30
    assert "broke off" in figures["failures"]


@given(st.lists(st.floats(0, 100), min_size=1))
def test_percentiles_are_in_order_and_within_what_was_seen(seconds: list[float]) -> None:
    waits = benching.waits(seconds)
    ordered = [min(seconds), waits["p50"], waits["p95"], waits["p99"], max(seconds)]
    assert all(low <= high + 1e-4 for low, high in pairwise(ordered))


def test_the_prompts_are_of_both_kinds_and_all_different() -> None:
    known = benching.prompts()
    assert len({prompt.prompt for prompt in known}) == len(known) >= 40
    assert 10 < sum(prompt.hard for prompt in known) < 30


async def test_the_chart_says_every_number_in_words_and_is_well_formed() -> None:
    async with ScriptedGateway() as gateway:
        figures = await benching.measure(config(gateway.base_url, "light", "deep"), 10, 5)
    svg = drawn(figures)
    root = ET.fromstring(svg)  # noqa: S314 - we drew it ourselves
    assert root.get("role") == "img"
    texts = {re.sub(r"{.*}", "", child.tag): child.text or "" for child in root}
    for name, row in figures["models"].items():
        assert f"{name}, first content: p50 {row['first_content_seconds']['p50']:.3f}" in svg
        assert name in texts["desc"]
