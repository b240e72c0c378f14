import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.demo.world import DemoWorld
from gateway_client.testing import Asked, Reply, ScriptedGateway

Run = Callable[..., Any]
QUESTION = "Does long context replace retrieval?"


async def test_a_stopped_run_is_named_listed_resumed_compared_and_removed(
    deep_research: Run, honest_model: Callable[[Asked], str], tmp_path: Path
) -> None:
    fails = [True]

    def model(asked: Asked) -> Reply | str:
        form = asked.payload["response_format"]["json_schema"]["name"]  # type: ignore[index]
        return Reply.failure(400) if fails and form == "OutlineReply" else honest_model(asked)

    async with DemoWorld() as world, ScriptedGateway(model) as gateway:
        variables = {
            "DEEP_RESEARCH_SEARXNG_URL": world.searxng_url,
            "DEEP_RESEARCH_ARXIV_URL": world.arxiv_url,
            "DEEP_RESEARCH_ALLOW_HOSTS": world.host,
            "GATEWAY_BASE_URL": gateway.base_url,
            "GATEWAY_MODEL": "m",
        }
        failed = await deep_research("run", QUESTION, "--quiet", **variables)
        assert failed.status == 1
        assert "refused the request" in failed.err
        stopped = (await deep_research("list", "--json")).line
        assert f"deep-research resume {stopped['id']} goes on" in failed.err
        assert (stopped["status"], stopped["question"]) == ("stopped", QUESTION)

        fails.clear()
        again = await deep_research("run", QUESTION, "--resume", "--json", "--quiet", **variables)
        assert again.status in {0, 3, 4}, again.err
        assert again.line["run_id"] == stopped["id"]
        forms = [asked.payload["response_format"] for asked in gateway.asked]
        assert json.dumps(forms).count('"BriefReply"') == 1

    finished = await deep_research("resume", "latest", **variables)
    assert finished.status == 0
    assert "is finished" in finished.err
    assert finished.out.strip() == again.line["path"]
    assert stopped["id"][-6:] in (await deep_research("list", "--about", "LONG context")).out
    assert (await deep_research("list", "--about", "tea")).out == ""
    compared = await deep_research("compare", "latest", stopped["id"], "--json")
    assert compared.line == {
        "kept": again.line["claims"], "gained": [], "lost": [], "changed": []
    }  # fmt: skip
    assert (await deep_research("prune", "--days", "1", "--yes")).out == ""
    assert (await deep_research("rm", "latest")).out.strip() == stopped["id"]
    assert list((tmp_path / "runs").iterdir()) == []


async def test_what_cannot_be_resumed_is_said_in_one_line(deep_research: Run) -> None:
    done = await deep_research("resume", "nothing")
    assert done.status == 1
    assert done.err.splitlines() == [
        "deep-research: no run 'nothing' in runs - name another folder with --out"
    ]
