import asyncio
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

import gateway_client.commands
from agent.cli import cli
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
        (["route", "--jsonl", "-"], '{"prompt":"a"}\nnonsense', "line 2 is not a JSON object"),
        (["route", "--jsonl", "-"], "[" * 100_000, "line 1 is not a JSON object"),
        (["route", "--jsonl", "-"], '{"prompt":"a","task":5}', 'line 1 has a "task"'),
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


async def test_a_line_that_no_model_can_take_is_answered_in_its_place() -> None:
    asked = [{"prompt": "word " * 1_500_000}, {"prompt": "hi \ud800", "task": "\ud800"}]
    done = await gateway("route", "--jsonl", "-", given="\n".join(map(json.dumps, asked)))
    hopeless, easy = map(json.loads, done.out.splitlines())
    assert (hopeless["model"], easy["tier"]) == (None, "light")
    assert "tokens" in hopeless["reason"]
    assert done.status == 1
    assert done.err == "gateway: no model can take 1 of the prompts: see their reasons\n"


async def test_lines_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"prompt": "a"}\n{"prompt": "\xff"}\n')
    done = await gateway("route", "--jsonl", str(file))
    assert done.status == 2
    assert done.err == "gateway: line 2 is not a JSON object in UTF-8\n"
    assert len(done.out.splitlines()) == 1


def test_help_loads_neither_a_network_nor_a_client() -> None:
    program = (
        "import sys; from gateway_client.commands import gateway\n"
        "try: gateway(['chat', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'httpx', 'httpx2', 'openai', 'langchain_core', 'starlette', 'asyncio', 'json'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603 - our own program


def test_it_is_a_command_of_the_agent_as_well() -> None:
    context = click.Context(cli)
    assert cli.get_command(context, "gateway") is gateway_client.commands.gateway


@pytest.mark.parametrize("words", [["image", "x"], ["video", "x"]])
async def test_a_path_that_cannot_be_written_costs_nothing(
    words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    async with ScriptedGateway() as server:
        done = await gateway(*words, "--out", str(tmp_path / "file" / "x.bin"),
                             GATEWAY_BASE_URL=server.base_url)  # fmt: skip
        assert server.asked == []
    assert done.status == 1
    assert len(done.err.splitlines()) == 1
    assert str(tmp_path / "file") in done.err


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
    _, first, second = done.out.splitlines()
    assert re.fullmatch(r"gpt-5.2 +272,000  \$[\d.]+ in, \$[\d.]+ out +light +gateway", first)
    assert re.fullmatch(r"mystery +128,000  unpriced +- +gateway", second)


async def test_models_are_priced_for_what_they_make_and_for_calls_of_common_size(
    tmp_path: Path,
) -> None:
    names = ["gemini-2.5-pro", "gpt-image-1.5", "sora-2", "text-embedding-3-small"]
    async with ScriptedGateway(models=names) as server:
        file = tmp_path / "gateway.toml"
        file.write_text(
            f'[[endpoint]]\nname = "e"\nbase_url = "{server.base_url}"\n'
            '[models."gpt-image-1.5"]\nusd_per_image = 0.04\n'
            '[models."text-embedding-3-small"]\n'
            "input_usd_per_million = 0.02\noutput_usd_per_million = 0\n"
        )
        done = await gateway("--config", str(file), "models")
    assert done.status == 0, done.err
    rows = [line.split("  ") for line in done.out.splitlines()[1:]]
    prices = [next(cell.strip() for cell in row if "$" in cell) for row in rows]
    assert prices == ["$1.25 in, $10.00 out", "$0.04 an image", "$0.10 a second", "$0.02 in"]


@pytest.mark.parametrize("more", [[], ["--stream"]])
@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply.failure(401), "GATEWAY_API_KEY"),
        (Reply.failure(400, "too odd"), "too odd"),
        (Reply.failure(402), "no credit"),
        (Reply(body=b"<html>"), "not"),
    ],
)
async def test_a_failed_chat_is_one_line_and_status_1(
    more: list[str], reply: Reply, says: str
) -> None:
    async with ScriptedGateway([reply]) as server:
        words = ("chat", "x", *more)
        done = await gateway(*words, GATEWAY_BASE_URL=server.base_url, GATEWAY_API_KEY="k-1")
    assert done.status == 1
    assert says in done.err
    assert len(done.err.splitlines()) == 1


async def test_a_stream_that_breaks_off_says_so_after_the_words_that_came() -> None:
    async with ScriptedGateway([Reply("one two", pace=0.05, cut=True)]) as server:
        done = await gateway("chat", "x", "--stream", GATEWAY_BASE_URL=server.base_url)
    assert done.status == 1
    assert done.out == "one "
    (line,) = done.err.splitlines()
    assert "broke off" in line
