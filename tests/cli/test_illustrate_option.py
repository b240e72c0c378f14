"""A cover through the gateway: drawn on request, said to be drawn, and missed by nobody."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.demo.world import DemoWorld
from gateway_client.testing import Asked, Reply, ScriptedGateway

Run = Callable[..., Any]
Contract = Callable[[Path], dict[str, Any]]
PNG = b"\x89PNG\r\n\x1a\n" + b"a picture" * 9
DRAWN = Reply(body=json.dumps({"data": [{"b64_json": base64.b64encode(PNG).decode()}]}).encode())


def drawing(model: Callable[[Asked], str], answer: Reply) -> Callable[[Asked], Reply | str]:
    """Answers as the model, but for pictures."""
    return lambda asked: answer if asked.path.endswith("/images/generations") else model(asked)


async def illustrated(
    deep_research: Run, behaviour: Callable[[Asked], Reply | str]
) -> tuple[Any, list[Asked]]:
    async with DemoWorld() as world, ScriptedGateway(behaviour) as gateway:
        done = await deep_research(
            "run", "Does long context replace retrieval?", "--illustrate", "--json",
            DEEP_RESEARCH_SEARXNG_URL=world.searxng_url,
            DEEP_RESEARCH_ARXIV_URL=world.arxiv_url,
            DEEP_RESEARCH_ALLOW_HOSTS=world.host,
            DEEP_RESEARCH_IMAGE_MODEL="painter",
            GATEWAY_BASE_URL=gateway.base_url,
        )  # fmt: skip
    return done, [asked for asked in gateway.asked if asked.path.endswith("/images/generations")]


async def test_a_cover_is_drawn_and_the_report_says_by_whom(
    deep_research: Run,
    contract: Contract,
    honest_model: Callable[[Asked], str],
    tmp_path: Path,
) -> None:
    done, (asked,) = await illustrated(deep_research, drawing(honest_model, DRAWN))
    folder = tmp_path / done.line["path"]
    report = contract(folder)
    assert (folder / "cover.png").read_bytes() == PNG
    assert asked.payload["model"] == "painter"
    assert report["cover"] == {
        "file": "cover.png",
        "model": "painter",
        "prompt": asked.payload["prompt"],
    }
    assert report["brief"]["restated"] in report["cover"]["prompt"]
    assert "painter" in report["usage"]["by_model"]


async def test_a_cover_that_cannot_be_drawn_is_a_failure_of_the_report_and_no_more(
    deep_research: Run,
    contract: Contract,
    honest_model: Callable[[Asked], str],
    tmp_path: Path,
) -> None:
    refused = Reply.failure(400, "no pictures here")
    done, _ = await illustrated(deep_research, drawing(honest_model, refused))
    assert done.status == 0, done.err
    report = contract(tmp_path / done.line["path"])
    assert report["cover"] is None
    (failure,) = (f for f in report["failures"] if f["what"] == "the cover could not be drawn")
    assert "no pictures here" in failure["why"]


async def test_without_a_gateway_a_cover_is_refused_before_anything_is_asked(
    deep_research: Run, tmp_path: Path
) -> None:
    done = await deep_research("run", "Does long context replace retrieval?", "--illustrate")
    assert done.status == 2
    assert "only a gateway can draw a cover - set GATEWAY_BASE_URL" in done.err
    assert not (tmp_path / "runs").exists()
