import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agent.claims import AT_ONCE, answers
from agent.domain.prompt import Prompt
from agent.testing import Answer, ScriptedModel
from gateway_client.testing import Asked, ScriptedGateway

Run = Callable[..., Awaitable[Any]]

EVIDENCE = "In 2021 the new heat pump reduced the demand for heating by 40 %."


def line(claim: str, evidence: object = EVIDENCE) -> str:
    return json.dumps({"claim": claim, "evidence": evidence})


LINES = (
    line("The heat pump cut the demand for heating by 40 % in 2021."),
    line("The heat pump raised the demand for heating by 40 % in 2021."),
    line("Bananas grow best in the shadow of volcanoes."),
    line("热泵使供暖需求下降了40%。"),
    line("It cut the demand by 40 %.", ["Cats sleep.", EVIDENCE]),
)


async def said(*lines: str, model: ScriptedModel | None = None) -> list[dict[str, Any]]:
    return [json.loads(answer.as_json()) async for answer in answers(lines, model)]


async def test_support_falls_from_what_is_said_to_its_opposite_to_something_else() -> None:
    true, opposite, other, foreign, listed = await said(*LINES)
    assert true["support"] > opposite["support"] > other["support"]
    assert [true["verdict"], other["verdict"]] == ["supported", "unsupported"]
    assert any("the other way: raised / reduced" in reason for reason in opposite["reasons"])
    assert opposite["verdict"] != "supported"
    assert (foreign["verdict"], foreign["reasons"]) == (
        "unclear",
        ["its evidence is in another language"],
    )
    assert listed["verdict"] == "supported"
    assert set(true) == {"support", "verdict", "reasons"}


@pytest.mark.parametrize(
    "broken",
    [
        "prose",
        "[]",
        "{}",
        '{"claim": "It is."}',
        '{"claim": "", "evidence": "It is."}',
        '{"claim": "It is.", "evidence": []}',
        '{"claim": "It is.", "evidence": 7}',
    ],
)
async def test_a_line_that_cannot_be_read_is_named_and_the_others_are_answered(broken: str) -> None:
    first, second, third = await said(LINES[0], broken, LINES[2])
    assert (first["verdict"], third["verdict"]) == ("supported", "unsupported")
    assert second["error"].startswith("line 2 cannot be read: ")
    assert 'write one {"claim": "…", "evidence": "…"} a line' in second["error"]


async def test_a_judge_is_asked_only_about_what_is_unclear_and_answers_keep_their_order() -> None:
    def judge(task: str, prompt: Prompt) -> Answer:
        asked.append(prompt.user)
        count = prompt.user.count("\nevidence ")
        words = "reduced the demand for heating by 40 %"
        rulings = [
            {"claim": n, "verdict": "supported", "words": words} for n in range(1, count + 1)
        ]
        return {"rulings": rulings}

    asked: list[str] = []
    lines = [LINES[3], LINES[2]] * (AT_ONCE // 2 + 1)
    told = await said(*lines, model=ScriptedModel(judge))
    assert [one["verdict"] for one in told] == ["supported", "unsupported"] * (AT_ONCE // 2 + 1)
    assert "Bananas" not in "".join(asked)
    assert told[0]["reasons"][-1] == "the judge: reduced the demand for heating by 40 %"


async def test_the_command_answers_line_by_line_and_asks_a_gateway_only_when_told_to(
    deep_research: Run, tmp_path: Path
) -> None:
    def judge(asked: Asked) -> str:
        return json.dumps({"rulings": [{"claim": 1, "verdict": "contradicted", "words": "cut"}]})

    file = tmp_path / "claims.jsonl"
    file.write_text("\n".join(LINES), encoding="utf-8")
    alone = await deep_research("claims", "claims.jsonl")
    assert alone.status == 0
    assert len(alone.out.splitlines()) == len(LINES)
    refused = await deep_research("claims", "claims.jsonl", "--judge")
    assert refused.status != 0
    assert "set GATEWAY_BASE_URL" in refused.err
    async with ScriptedGateway(judge) as gateway:
        settings = {
            "GATEWAY_BASE_URL": gateway.base_url,
            "GATEWAY_API_KEY": "k",
            "GATEWAY_MODEL": "m",
        }
        judged = await deep_research("claims", "claims.jsonl", "--judge", **settings)
    verdicts = [json.loads(one)["verdict"] for one in judged.out.splitlines()]
    assert "unclear" not in verdicts, judged.err


async def test_broken_lines_are_answered_and_the_status_says_so(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from agent.cli import main; main()", "claims", "-",
        cwd=tmp_path, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate(f"{LINES[0]}\nprose\n".encode())
    assert process.returncode == 1
    assert len(out.splitlines()) == 2
