import asyncio
import json
import os
import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway_client.testing import Asked


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def line(self) -> dict[str, Any]:
        (line,) = self.out.splitlines()
        read: dict[str, Any] = json.loads(line)
        return read


Run = Callable[..., Awaitable[Done]]


@pytest.fixture
def deep_research(tmp_path: Path) -> Run:
    """Runs the command as a person does, in an empty folder, with nothing but what is given."""

    async def run(*words: str, **environment: str) -> Done:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from agent.cli import main; main()",
            *words,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return Done(process.returncode, out.decode(), err.decode())

    return run


@pytest.fixture
def contract() -> Callable[[Path], dict[str, Any]]:
    """The contract of a run folder, as a check."""
    return _contract


@pytest.fixture
def honest_model() -> Callable[[Asked], str]:
    """The behaviour of a small honest model, for a ScriptedGateway."""
    return _honest


def _contract(folder: Path) -> dict[str, Any]:
    """Hold a run folder to its contract, from its files alone; return the report."""
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["schema"] == "deep-research/report/1"
    assert report["run"]["id"] == folder.name
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-.+-[0-9a-f]{6}", folder.name)
    sources = {source["id"]: source for source in report["sources"]}
    texts = {}
    for source in sources.values():
        path = folder / "documents" / f"{source['sha256']}.txt"
        texts[source["id"]] = path.read_bytes().decode("utf-8")
    claims = [claim for section in report["sections"] for claim in section["claims"]]
    for claim in claims:
        assert claim["verdict"] in {"held", "repaired"}
        assert claim["citations"]
        for cited in claim["citations"]:
            text = texts[cited["source"]]
            assert text[cited["start"] : cited["end"]] == cited["quote"] != ""
            assert cited["passage"].startswith(f"{cited['source']}.")
    cited_ids = {cited["source"] for claim in claims for cited in claim["citations"]}
    assert {id_ for id_, source in sources.items() if source["cited"]} == cited_ids
    assert (folder / "run.json").is_file()
    return report


def _honest(asked: Asked) -> str:
    """Answer as a small honest model would: from the lines of the prompt, in other words."""
    prompt = asked.prompt
    form = asked.payload["response_format"]["json_schema"]["name"]  # type: ignore[index]
    if form == "BriefReply":
        return json.dumps({
            "restated": "Does long context replace retrieval?",
            "language": "en",
            "sub_questions": ["How does it work?", "What was measured?", "What does it cost?"],
            "web_queries": ["long context retrieval"],
            "arxiv_queries": ['abs:retrieval AND abs:"long context"'],
        })  # fmt: skip
    if form == "OutlineReply":
        parts = re.findall(r"^(q\d+): ", prompt, re.MULTILINE)
        return json.dumps({"sections": [{"title": f"On {q}", "sub_questions": [q]} for q in parts]})
    if form == "SectionReply":
        number = int(re.findall(r"^Write section (\d+)", prompt, re.MULTILINE)[0])
        return json.dumps({"claims": [_claim(*found) for found in _sources(prompt, number)]})
    if form == "SummaryReply":
        return json.dumps({"sentences": []})
    if form == "JudgeReply":
        return json.dumps({"rulings": []})
    return json.dumps({"claims": []})


def _sources(prompt: str, number: int) -> list[tuple[str, str, str]]:
    """One passage of each source, another for each section."""
    lines = re.findall(r"^(S(\d+)\.\d+) (.+)$", prompt, re.MULTILINE)
    by_source: dict[str, list[tuple[str, str]]] = {}
    for id_, source, text in lines:
        by_source.setdefault(source, []).append((id_, text))
    return [(source, *found[number % len(found)]) for source, found in by_source.items()]


def _claim(source: str, passage: str, text: str) -> dict[str, object]:
    quote = " ".join(text.replace("¶", " ").split()[:12])
    return {
        "sentence": f"As source {'I' * int(source)} has it: {quote}",
        "citations": [{"passage": passage, "quote": quote}],
    }
