"""The code of docs/embedding.md runs as it stands there."""

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from agent.demo.world import DemoWorld

DOCUMENT = Path(__file__).parents[1] / "docs" / "embedding.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
async def test_the_code_of_the_documentation_runs(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with DemoWorld() as world:
        for name, value in {
            "OUT": str(tmp_path),
            "SEARXNG_URL": world.searxng_url,
            "ARXIV_URL": world.arxiv_url,
            "ALLOW_HOSTS": world.host,
            "ENGINES": "searxng,arxiv",
            "CACHED": "false",
        }.items():
            monkeypatch.setenv(f"DEEP_RESEARCH_{name}", value)
        code = BLOCKS[number].replace(
            "sodium-ion batteries for grid storage", "long context windows"
        )
        body = textwrap.indent(code + "\nreturn report", "    ")
        names: dict[str, Any] = {}
        if number:
            exec("from agent.domain.question import Question", names)  # noqa: S102 - our own
        exec(f"async def run():\n{body}", names)  # noqa: S102 - likewise
        report = await names["run"]()
    assert report.claims
    assert (tmp_path / report.run.id / "report.html").is_file()
