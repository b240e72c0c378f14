import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agent.checking import check
from agent.errors import RunUnknown

Run = Callable[..., Awaitable[Any]]
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
async def folder(deep_research: Run, tmp_path: Path) -> Path:
    done = await deep_research("demo", "--json", "--quiet", "--format", "json")
    return tmp_path / str(done.line["path"])


def first(report: dict[str, Any]) -> dict[str, Any]:
    claim: dict[str, Any] = report["sections"][0]["claims"][0]
    return claim


def cite(report: dict[str, Any], **changes: object) -> None:
    first(report)["citations"][0].update(changes)


def say(report: dict[str, Any], sentence: str) -> None:
    first(report)["sentence"] = sentence


def condensed(report: dict[str, Any], **changes: object) -> None:
    report["summary"][0].update(changes)


def flip(report: dict[str, Any]) -> None:
    say(
        report,
        f"It is not so that {first(report)['sentence'][:1].lower()}{first(report)['sentence'][1:]}",
    )


def oppose(report: dict[str, Any], *claims: str, prevails: str = "") -> None:
    sides = [{"claim": claim, "says": "1"} for claim in claims]
    report["disagreements"].append(
        {"about": "it", "kind": "number", "sides": sides, "prevails": prevails}
    )


def both(report: dict[str, Any]) -> None:
    report["dropped"].append({"sentence": first(report)["sentence"], "reason": "x"})


CHANGES: dict[str, tuple[Change, str]] = {
    "quote": (lambda r: cite(r, quote="Never written."), "its quote does not stand at"),
    "offset": (lambda r: cite(r, start=-5, end=-1), "its quote does not stand at"),
    "empty quote": (lambda r: cite(r, quote="", start=0, end=0), "its quote does not stand"),
    "source": (lambda r: cite(r, source="S99"), "cites S99, of which there is no text"),
    "passage": (lambda r: cite(r, passage="S99.1"), "cites S99.1 as a passage of"),
    "number": (lambda r: say(r, "It cost 987654 euros."), "do not state 987654"),
    "negation": (flip, "says no where"),
    "summary": (lambda r: condensed(r, claims=["c99"]), "rests on c99, which is no claim"),
    "summary of nothing": (lambda r: condensed(r, claims=[]), "rests on nothing"),
    "summary's number": (lambda r: condensed(r, sentence="It cost 987654."), "do not state 987654"),
    "words before": (lambda r: cite(r, before="never said"), "does not stand before its quote"),
    "disagreement": (lambda r: oppose(r, "c1", "c99"), "there is no claim c99"),
    "one side": (lambda r: oppose(r, "c1", "c1"), "has no two sides"),
    "no side": (lambda r: oppose(r, "c1", "c2", prevails="c3"), "c3 prevails, which is none"),
    "address": (lambda r: say(r, "See https://x.example"), "holds an address"),
    "no citation": (lambda r: first(r).update(citations=[]), "rests on nothing"),
    "verdict": (lambda r: first(r).update(verdict="sure"), "'held' or 'repaired'"),
    "same id": (lambda r: first(r).update(id=r["sections"][1]["claims"][0]["id"]), "of 2 claims"),
    "both": (both, "is held, and dropped as well"),
    "cited": (lambda r: r["sources"][0].update(cited=not r["sources"][0]["cited"]), "cited"),
    "covered": (
        lambda r: r["brief"]["sub_questions"][0].update(covered=False),
        "is called open, and is not",
    ),
    "status": (lambda r: r["run"].update(status="empty"), "is called empty, with"),
    "gaps": (lambda r: r.update(gaps=["What else?"]), "is called complete, with gaps"),
    "schema": (lambda r: r.update(schema="other/1"), "is not in the schema"),
    "twice": (lambda r: r["sources"].append(r["sources"][0]), "is the id of 2 sources"),
    "path": (lambda r: r["sources"][0].update(sha256="../../etc/passwd"), "not the one"),
}


async def test_a_fresh_report_has_no_breach_and_every_change_is_found(
    folder: Path, deep_research: Run
) -> None:
    done = await deep_research("verify", "latest", "--json")
    assert (done.status, done.line["ok"], done.line["breaches"]) == (0, True, [])
    assert done.line["citations"] >= done.line["claims"] > 10
    file = folder / "report.json"
    whole = file.read_text(encoding="utf-8")
    (folder / "5-report.json").unlink()  # or else every change is found by the digest alone
    for name, (change, says) in CHANGES.items():
        report = json.loads(whole)
        change(report)
        file.write_text(json.dumps(report), encoding="utf-8")
        said = [f"{breach.where}: {breach.what}" for breach in check(folder).breaches]
        assert any(says in line for line in said), (name, said)
    spoken = await deep_research("verify", str(file))
    assert spoken.status == 1
    assert spoken.out.splitlines()[-1].endswith("breaches")


async def test_a_changed_text_and_a_changed_file_are_found(folder: Path) -> None:
    document = next((folder / "documents").iterdir())
    document.write_text("Something else.")
    (folder / "report.json").write_text((folder / "report.json").read_text() + " ")
    what = [breach.what for breach in check(folder).breaches]
    assert "its stored text is not the one that was read" in what
    assert "was changed since it was written" in what
    document.unlink()
    assert any("cannot be read" in breach.what for breach in check(folder).breaches)


@pytest.mark.parametrize("text", ["[]", "null", "7", '{"schema": 1}'])
def test_what_is_no_report_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(text)
    assert check(file).breaches[0].what.startswith("is not in the schema")


@pytest.mark.parametrize("text", ["", "{"])
def test_what_is_no_json_cannot_be_read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(text)
    with pytest.raises(RunUnknown, match="cannot be read"):
        check(file)
