from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.delta.conftest import Begun


async def deep_research(begun: Begun, *words: str) -> tuple[int, str, str]:
    """Run the command as a person does, and return its exit status, output and complaints."""
    known = begun.settings
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from agent.cli import main; main()", *words),
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "HOME": str(known.out.parent),
            "DEEP_RESEARCH_OUT": str(known.out),
            "DEEP_RESEARCH_CACHE": str(known.cache),
            "DEEP_RESEARCH_ENGINES": ",".join(known.engines),
            "DEEP_RESEARCH_SEARXNG_URL": str(known.searxng_url),
            "DEEP_RESEARCH_ENGINE_URLS": f"openalex={known.engine_urls['openalex']}",
            "DEEP_RESEARCH_ALLOW_HOSTS": ",".join(known.allow_hosts),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_run_tells_first_what_has_changed_since_the_run_named(begun: Begun) -> None:
    begun.web.pages["cost"] = tuple(line.replace("87", "79") for line in begun.web.PAGES["cost"])
    topic = begun.first.run.question.text
    status, out, err = await deep_research(
        begun, "run", topic, "--since-run", "latest", "--json", "--format", "md,json"
    )
    assert status == 0, err
    folder = begun.settings.out / json.loads(out)["run_id"]
    told = (folder / "report.md").read_text().split("\n## ")[1]
    assert told.startswith("What has changed\n")
    assert "then: “Sodium-ion batteries for grid storage cost 87 dollars" in told
    assert "now: “Sodium-ion batteries for grid storage cost 79 dollars" in told
    assert told.count("\n- **") == 1


async def test_a_run_that_is_not_there_or_elsewhere_is_refused(
    begun: Begun, tmp_path: Path
) -> None:
    topic = begun.first.run.question.text
    status, _, err = await deep_research(begun, "run", topic, "--since-run", "2020")
    assert (status, "no run '2020'" in err) == (1, True)
    name = str(begun.settings.out / begun.first.run.id)
    elsewhere = str(tmp_path / "others")
    status, _, err = await deep_research(
        begun, "run", topic, "--since-run", name, "--out", elsewhere
    )
    assert (status, f"add --out {begun.settings.out}" in err) == (1, True)
