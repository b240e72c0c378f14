from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.domain.language import language_of_script

Contract = Callable[[Path], dict[str, Any]]
Run = Callable[..., Any]


async def test_the_demo_ends_in_a_report_of_many_claims_over_many_sources(
    deep_research: Run, contract: Contract, tmp_path: Path
) -> None:
    done = await deep_research("demo", "--json", "--quiet")
    assert done.status == 0, done.err
    assert done.err == ""
    line = done.line
    assert list(line) == ["run_id", "status", "path", "claims", "sources", "usd", "seconds"]
    assert (line["status"], line["usd"]) == ("complete", 0)
    folder = tmp_path / line["path"]
    report = contract(folder)
    cited = [source for source in report["sources"] if source["cited"]]
    assert line["claims"] >= 12
    assert line["sources"] == len(cited) >= 6
    assert {source["kind"] for source in cited} == {"web", "arxiv"}
    assert {path.name for path in folder.iterdir()} >= {
        "report.md", "report.html", "report.json", "references.bib", "documents", "run.json",
        "1-brief.json", "2-evidence.json", "3-draft-1.json", "4-verified.json", "5-report.json",
    }  # fmt: skip
    assert all(part["covered"] for part in report["brief"]["sub_questions"])
    assert report["usage"]["calls"] >= 3


async def test_papers_are_read_in_full_and_pages_without_their_boilerplate(
    deep_research: Run, contract: Contract, tmp_path: Path
) -> None:
    done = await deep_research("demo", "--json", "--quiet")
    folder = tmp_path / done.line["path"]
    for source in contract(folder)["sources"]:
        text = (folder / "documents" / f"{source['sha256']}.txt").read_text(encoding="utf-8")
        assert len(text) > (2_000 if "zh" not in source["url"] else 500)
        assert not source.get("note")
        assert "cookie" not in text.lower()
        assert source["published"]
        assert source["title"]


async def test_a_chinese_question_gives_a_chinese_report_from_chinese_and_english_queries(
    deep_research: Run, contract: Contract, tmp_path: Path
) -> None:
    done = await deep_research("demo", "长上下文窗口能取代检索增强生成吗？", "--json", "--quiet")
    assert done.status == 0, done.err
    folder = tmp_path / done.line["path"]
    report = contract(folder)
    assert report["run"]["language"] == "zh"
    said = [claim["sentence"] for section in report["sections"] for claim in section["claims"]]
    assert len(said) >= 12
    written = said + [section["title"] for section in report["sections"]]
    assert {language_of_script(text) for text in written} == {"zh"}
    languages = {language_of_script(query) for query in report["brief"]["web_queries"]}
    assert languages == {"zh", None}
    assert report["brief"]["arxiv_queries"]
    assert 'lang="zh' in (folder / "report.html").read_text(encoding="utf-8")


async def test_a_question_the_demo_world_knows_nothing_of_gets_no_report_invented(
    deep_research: Run, contract: Contract, tmp_path: Path
) -> None:
    done = await deep_research("demo", "mating calls of the Antarctic skua", "--json", "--quiet")
    assert done.status == 4, done.out + done.err
    report = contract(tmp_path / done.line["path"])
    assert report["run"]["status"] == "empty"
    assert report["sections"] == []


async def test_a_log_gets_plain_lines_and_standard_output_only_the_path(
    deep_research: Run, tmp_path: Path
) -> None:
    done = await deep_research("demo", "--format", "md", "--out", "elsewhere")
    (path,) = done.out.splitlines()
    assert (tmp_path / path).name == "report.md"
    assert Path(path).parts[0] == "elsewhere"
    assert not (tmp_path / path).with_name("report.html").exists()
    assert (tmp_path / path).with_name("report.json").exists()
    assert "verify" in done.err
    assert "\x1b" not in done.err


async def test_quiet_says_nothing_but_the_path(deep_research: Run) -> None:
    done = await deep_research("demo", "--quiet", "--format", "bib,json")
    assert done.err == ""
    assert done.out.strip().endswith("references.bib")


async def test_the_demo_asks_for_no_gateway_not_even_one_that_is_set_wrongly(
    deep_research: Run,
) -> None:
    done = await deep_research("demo", GATEWAY_CONFIG="missing.toml")
    assert done.status == 0, done.err
