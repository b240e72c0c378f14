import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent import wiring
from agent.adapters.extractive import completion
from agent.adapters.run_folder import unfinished
from agent.demo.world import DemoWorld
from agent.domain.question import Question
from agent.domain.report import Report
from agent.errors import ModelUnavailable
from agent.settings import Settings
from gateway_client.testing import Asked, Reply, ScriptedGateway

QUESTION = Question("Do long context windows replace retrieval?", sources=("web", "arxiv"))


class Place:
    """A folder for runs, with a gateway that can be told to fail from a kind of answer on."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.fails_from = ""
        self.paid: list[str] = []
        self.tokens = 0

    def answer(self, asked: Asked) -> Reply:
        form = str(asked.payload["response_format"]["json_schema"]["name"])  # type: ignore[index]
        if form == self.fails_from:
            return Reply.failure(400, "no")
        self.paid.append(form)
        made: Any = completion(asked.payload)
        self.tokens += made["usage"]["prompt_tokens"] + made["usage"]["completion_tokens"]
        return Reply(body=json.dumps(made).encode())

    async def research(self) -> Report:
        return await wiring.research(QUESTION, settings=self.settings)

    async def resume(self) -> Report:
        ((run_id, _),) = unfinished(self.settings.out)
        return await wiring.resume(run_id, settings=self.settings)

    @property
    def stopped(self) -> Path:
        """The folder of the one run that was stopped."""
        ((_, folder),) = unfinished(self.settings.out)
        return folder

    @property
    def finished(self) -> Path:
        """The folder of the one run that is finished; nothing else is there."""
        (folder,) = self.settings.out.iterdir()
        return folder


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    async with DemoWorld() as world:
        made = Place(
            Settings(
                out=tmp_path / "runs",
                cache=tmp_path / "cache",
                engines=("searxng", "arxiv"),
                searxng_url=world.searxng_url,
                arxiv_url=world.arxiv_url,
                allow_hosts=frozenset({world.host}),
            )
        )
        async with ScriptedGateway(made.answer) as gateway:
            monkeypatch.setenv("GATEWAY_BASE_URL", gateway.base_url)
            monkeypatch.setenv("GATEWAY_MODEL", "scripted")
            yield made


@pytest.fixture
async def stopped(place: Place) -> Place:
    """A place with a run that was stopped before anything was written."""
    place.fails_from = "OutlineReply"
    with pytest.raises(ModelUnavailable, match="refused the request") as caught:
        await place.research()
    assert place.stopped.name == f".{caught.value.stopped_run}.unfinished"
    place.fails_from = ""
    return place
