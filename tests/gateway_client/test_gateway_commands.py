import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway_client.testing import Reply, ScriptedGateway


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


async def gateway(*words: str, given: str = "", **environment: str) -> Done:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway_client", *words,
        env={"PATH": os.environ["PATH"], **environment},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(given.encode()), 30)
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


async def test_route_answers_line_by_line_without_any_gateway() -> None:
    asked = [{"prompt": "hi"}, {"prompt": "Prove Fermat's little theorem.", "task": "math"}]
    done = await gateway("route", "--jsonl", "-", given="\n".join(map(json.dumps, asked)) + "\n\n")
    assert done.status == 0, done.err
    easy, hard = map(json.loads, done.out.splitlines())
    assert list(easy) == list(hard) == ["score", "tier", "model", "reason"]
    assert 0 <= easy["score"] < hard["score"] <= 1
    assert (easy["tier"], hard["tier"]) == ("light", "deep")


async def test_route_shows_one_decision_and_why() -> None:
    done = await gateway("route", "What is 2+2?", "--task", "outline", GATEWAY_MODEL="mine",
                         GATEWAY_BASE_URL="http://127.0.0.1:9/v1")  # fmt: skip
    assert done.status == 0, done.err
    assert "model   mine" in done.out
    assert "reason  task outline" in done.out


@pytest.mark.parametrize(
    ("words", "given", "says"),
    [
        (["route"], "", "give a prompt"),
        (["route", "x", "--jsonl", "-"], "", "not both"),
        (["route", "--jsonl", "-"], '{"prompt":"a"}\nnonsense', "line 2 is not JSON"),
        (["route", "--jsonl", "-"], '{"task":"a"}', 'line 1 has no "prompt"'),
        (["chat", "hello"], "", "GATEWAY_BASE_URL"),
        (["models"], "", "GATEWAY_BASE_URL"),
        (["--config", "missing.toml", "models"], "", "missing.toml"),
        (["video", "--out", "x.mp4"], "", "--resume"),
        (["cost"], "", "--tokens"),
    ],
)
async def test_wrong_usage_and_no_gateway_are_one_line_and_status_2(
    words: list[str], given: str, says: str
) -> None:
    done = await gateway(*words, given=given)
    assert done.status == 2, done.err
    assert says in done.err
    assert "Traceback" not in done.err


async def test_cost_is_sorted_and_says_what_is_not_priced(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        '[[endpoint]]\nname = "e"\nbase_url = "http://127.0.0.1:9/v1"\n'
        '[tiers]\nlight = ["cheap"]\ndeep = ["dear"]\nlong = ["unknown"]\n'
        '[models."cheap"]\ninput_usd_per_million = 1\noutput_usd_per_million = 2\n'
        '[models."dear"]\ninput_usd_per_million = 10\noutput_usd_per_million = 20\n'
    )
    done = await gateway("--config", str(file), "cost", "--tokens", "5000000", "--output", "500000")
    assert done.status == 0, done.err
    lines = [line.split() for line in done.out.splitlines()]
    assert [line[:3] for line in lines] == [
        ["cheap", "$6.00", "light"], ["dear", "$60.00", "deep"], ["unknown", "unpriced", "long"],
    ]  # fmt: skip


@pytest.mark.parametrize("more", [[], ["--stream"]])
async def test_chat_prints_the_answer_and_what_it_took(more: list[str]) -> None:
    async with ScriptedGateway(["four little words here"]) as server:
        done = await gateway("chat", "Say four words", *more, GATEWAY_BASE_URL=server.base_url,
                             GATEWAY_API_KEY="sk-canary", GATEWAY_MODEL="m")  # fmt: skip
    assert done.status == 0, done.err
    assert done.out.strip() == "four little words here"
    assert "m at gateway: 3 in, 4 out, unpriced" in done.err
    assert "sk-canary" not in done.out + done.err


async def test_models_lists_what_is_served_with_window_and_tier() -> None:
    async with ScriptedGateway(models=["gpt-5.2", "mystery"]) as server:
        done = await gateway("models", GATEWAY_BASE_URL=server.base_url, GATEWAY_MODEL="gpt-5.2")
    assert done.status == 0, done.err
    first, second = (line.split() for line in done.out.splitlines())
    assert (first[0], first[1], first[3]) == ("gpt-5.2", "272,000", "light")
    assert second[0] == "mystery"


async def test_a_refused_key_is_one_line_and_status_1() -> None:
    async with ScriptedGateway([Reply.failure(401)]) as server:
        done = await gateway("chat", "x", GATEWAY_BASE_URL=server.base_url, GATEWAY_API_KEY="k-1")
    assert done.status == 1
    assert "GATEWAY_API_KEY" in done.err
    assert len(done.err.splitlines()) == 1
