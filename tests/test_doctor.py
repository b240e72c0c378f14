"""The doctor compares what is believed of a model with what its server says."""

from pathlib import Path
from typing import Any

import pytest

from agent.demo.world import DemoWorld
from agent.doctor import Check, examine
from agent.settings import read_settings
from gateway_client.testing import ScriptedGateway


async def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toml: str, **listed: Any) -> Check:
    """Return what is said of a gateway with one model."""
    listing = [{"id": "qwen3", **listed}]
    async with DemoWorld() as world, ScriptedGateway(models=listing) as gateway:
        config = tmp_path / "gateway.toml"
        config.write_text(
            f'[[endpoint]]\nname = "here"\nbase_url = "{gateway.base_url}"\n'
            '[tiers]\nlight = ["qwen3"]\ndeep = ["qwen3"]\nlong = ["qwen3"]\n' + toml,
            encoding="utf-8",
        )
        monkeypatch.setenv("GATEWAY_CONFIG", str(config))
        settings = read_settings(
            out=tmp_path / "runs",
            engines=("searxng", "arxiv"),
            searxng_url=world.searxng_url,
            arxiv_url=world.arxiv_url,
        )
        (check,) = [one for one in await examine(settings) if one.what == "model gateway"]
    return check


SAID = '[models."qwen3"]\ncontext = 32768\n'


@pytest.mark.parametrize(
    "listed", [{"max_model_len": 8192}, {"meta": {"n_ctx": 8192, "n_ctx_train": 40_960}}]
)
async def test_a_window_smaller_than_said_is_no_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: dict[str, Any]
) -> None:
    check = await told(tmp_path, monkeypatch, SAID, **listed)
    assert not check.ok
    assert check.finding == "qwen3 takes 8,192 tokens here, and 32,768 are believed"
    assert check.mend == 'write context = 8192 under [models."qwen3"] in a gateway.toml'


async def test_a_window_larger_than_assumed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = await told(tmp_path, monkeypatch, "", context_length=2_000_000)
    assert check.ok
    assert "context = 2000000" in check.mend


@pytest.mark.parametrize("listed", [{}, {"max_model_len": 40_960}, {"meta": None}])
async def test_nothing_is_said_where_there_is_nothing_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: dict[str, Any]
) -> None:
    check = await told(tmp_path, monkeypatch, SAID, **listed)
    assert check.ok
    assert check.mend == ""
