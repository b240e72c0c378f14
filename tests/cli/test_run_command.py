import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.demo.world import DemoWorld
from gateway_client.testing import Asked, Reply, ScriptedGateway

Contract = Callable[[Path], dict[str, Any]]
Run = Callable[..., Any]
QUESTION = "Does long context replace retrieval?"


def environment(world: DemoWorld, **more: str) -> dict[str, str]:
    return {
        "DEEP_RESEARCH_SEARXNG_URL": world.searxng_url,
        "DEEP_RESEARCH_ARXIV_URL": world.arxiv_url,
        "DEEP_RESEARCH_ALLOW_HOSTS": world.host,
        **more,
    }


async def test_any_gateway_searxng_and_arxiv_set_by_environment_alone_give_a_report(
    deep_research: Run,
    contract: Contract,
    honest_model: Callable[[Asked], str],
    tmp_path: Path,
) -> None:
    async with DemoWorld() as world, ScriptedGateway(honest_model) as gateway:
        variables = environment(
            world, GATEWAY_BASE_URL=gateway.base_url, GATEWAY_API_KEY="key-one,key-two"
        )
        done = await deep_research("run", QUESTION, "--json", **variables)
    assert done.status == 0, done.err
    report = contract(tmp_path / done.line["path"])
    kinds = {source["kind"] for source in report["sources"] if source["cited"]}
    assert kinds == {"web", "arxiv"}
    assert {asked.key for asked in gateway.asked} == {"key-one", "key-two"}
    models = {str(asked.payload["model"]) for asked in gateway.asked}
    assert models == {"gemini-3-flash", "gemini-3-pro"}
    assert report["usage"]["input_tokens"] == gateway.counted[0]
    assert report["usage"]["output_tokens"] == gateway.counted[1]
    assert report["usage"]["calls"] == len(gateway.asked)
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"key-one" not in everything + done.err.encode() + done.out.encode()


async def test_a_model_that_answers_in_prose_is_stood_in_for_and_the_report_says_so(
    deep_research: Run, contract: Contract, tmp_path: Path
) -> None:
    async with (
        DemoWorld() as world,
        ScriptedGateway(["Happy to help! See https://x.example"]) as gateway,
    ):
        done = await deep_research(
            "run", "long context or retrieval", "--json", "--quiet",
            **environment(world, GATEWAY_BASE_URL=gateway.base_url, GATEWAY_MODEL="small"),
        )  # fmt: skip
    assert done.status == 0, done.err
    report = contract(tmp_path / done.line["path"])
    assert any("quoted by extraction instead" in failure["why"] for failure in report["failures"])
    assert "x.example" not in json.dumps([report["sections"], report["sources"]])


async def test_without_a_gateway_the_embedded_model_is_used_and_one_line_says_so(
    deep_research: Run, contract: Contract, tmp_path: Path
) -> None:
    async with DemoWorld() as world:
        done = await deep_research("run", QUESTION, **environment(world))
    assert done.status == 0, done.err
    assert done.err.startswith("No model gateway is set")
    assert "GATEWAY_BASE_URL" in done.err.splitlines()[0]
    contract((tmp_path / done.out.strip()).parent)


async def test_local_files_are_a_third_kind_of_source(
    deep_research: Run, contract: Contract, tmp_path: Path
) -> None:
    corpus = tmp_path / "notes"
    corpus.mkdir()
    (corpus / "a.md").write_text(
        "# Long context\n\nLong context windows replace retrieval for contracts of 90 pages in our"
        " office since 2024. Retrieval remains better than long context for 12,000 short letters."
    )
    done = await deep_research(
        "run", QUESTION, "--corpus", "notes", "--sources", "corpus", "--json", "--quiet"
    )
    report = contract(tmp_path / done.line["path"])
    (source,) = report["sources"]
    assert source["kind"] == "corpus"
    assert source["url"].startswith("file:")
    assert done.status in {0, 3}


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["run", ""], 2, "the question is empty"),
        (["run", "x" * 100_000], 2, "100,000 characters"),
        (["run", "it", "--nonsense"], 2, "No such option"),
        (["run"], 2, "Missing argument"),
        (["run", "it", "--sources", "web,books"], 2, "'books' is none of web, arxiv, scholar"),
        (["run", "it", "--format", "xml"], 2, "'xml' is none of"),
        (["run", "it", "--since", "yesterday"], 2, "yesterday"),
        (["run", "it", "--depth", "0"], 2, "0 is not in the range"),
        (["run", "it", "--corpus", "nowhere"], 2, "nowhere"),
        (["run", "it", "--corpus", "empty"], 2, "empty"),
        (["run", "it", "--sources", "corpus"], 2, "--corpus"),
        (["run", "it", "--out", "file"], 1, "--out"),
        (["show", "nothing"], 1, "no run 'nothing'"),
    ],
)
async def test_bad_input_is_one_clear_line_and_leaves_nothing_behind(
    deep_research: Run, tmp_path: Path, words: list[str], status: int, says: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("in the way")
    done = await deep_research(*words)
    assert done.status == status, done.err
    assert says in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file"]


@pytest.mark.parametrize(
    ("variables", "status", "says"),
    [
        ({"DEEP_RESEARCH_DEPTH": "many"}, 2, "DEEP_RESEARCH_DEPTH"),
        ({"DEEP_RESEARCH_DEPHT": "2"}, 2, "unknown variable DEEP_RESEARCH_DEPHT"),
        ({"DEEP_RESEARCH_ALLOW_HOSTS": "localhost"}, 2, "is no host:port"),
        ({"DEEP_RESEARCH_SEARXNG_URL": "localhost:8080"}, 2, "DEEP_RESEARCH_SEARXNG_URL"),
        ({"GATEWAY_BASE_URL": "gateway.example"}, 2, "GATEWAY_BASE_URL"),
        ({"GATEWAY_CONFIG": "missing.toml"}, 2, "missing.toml"),
        ({"GATEWAY_BASE_URL": "http://127.0.0.1:9/v1"}, 1, "127.0.0.1:9"),
        ({"DEEP_RESEARCH_SEARXNG_URL": "http://127.0.0.1:9"}, 1, "no search came back"),
    ],
)
async def test_a_setting_that_does_not_work_is_named(
    deep_research: Run, tmp_path: Path, variables: dict[str, str], status: int, says: str
) -> None:
    done = await deep_research("run", "long context", "--sources", "web", "--quiet", **variables)
    assert done.status == status, done.err
    assert says in done.err
    assert len(done.err.splitlines()) == 1
    assert done.out == ""
    assert not list(tmp_path.glob("runs/*"))


async def test_a_key_the_gateway_refuses_is_named_by_label_and_variable_only(
    deep_research: Run,
) -> None:
    async with ScriptedGateway([Reply.failure(401, "bad key sk-canary")]) as gateway:
        done = await deep_research(
            "run", "it", "--quiet", GATEWAY_BASE_URL=gateway.base_url, GATEWAY_API_KEY="sk-canary"
        )
    assert done.status == 1
    assert "GATEWAY_API_KEY" in done.err
    assert "sk-canary" not in done.err


async def test_if_every_page_is_gone_the_report_is_empty_and_lists_what_failed(
    deep_research: Run, contract: Contract, tmp_path: Path
) -> None:
    async with DemoWorld() as world:
        variables = environment(world) | {"DEEP_RESEARCH_ALLOW_HOSTS": ""}
        done = await deep_research(
            "run", QUESTION, "--sources", "web", "--json", "--quiet", **variables
        )
    assert done.status == 4, done.err
    report = contract(tmp_path / done.line["path"])
    assert report["run"]["reason"] == "no source was found that could be read"
    assert report["failures"]


async def test_a_finished_run_is_shown_by_any_name_a_person_remembers(deep_research: Run) -> None:
    done = await deep_research("demo", "--json", "--quiet")
    run_id = done.line["run_id"]
    for name in (run_id, run_id[:-3], run_id[-6:], "latest", done.line["path"]):
        shown = await deep_research("show", name)
        assert shown.status == 0, shown.err
        assert run_id in shown.out
        assert "complete" in shown.out


async def test_refine_prints_the_brief_and_writes_nothing(
    deep_research: Run, tmp_path: Path
) -> None:
    done = await deep_research("refine", QUESTION, "--json")
    brief = json.loads(done.out)
    assert 3 <= len(brief["sub_questions"]) <= 7
    assert brief["web_queries"]
    plain = await deep_research("refine", QUESTION)
    assert brief["arxiv_queries"][0] in plain.out
    assert list(tmp_path.iterdir()) == []


async def test_the_doctor_says_what_is_well_and_how_to_mend_what_is_not(deep_research: Run) -> None:
    async with DemoWorld() as world, ScriptedGateway(models=["gemini-3-flash"]) as gateway:
        good = await deep_research("doctor", **environment(world))
        bad = await deep_research(
            "doctor",
            DEEP_RESEARCH_SEARXNG_URL="http://127.0.0.1:9",
            DEEP_RESEARCH_ARXIV_URL=world.arxiv_url,
            GATEWAY_BASE_URL=gateway.base_url,
        )
    assert good.status == 0, good.out
    assert good.out.count("ok  ") == 4
    assert bad.status == 1
    assert "FAIL  web search (searxng)" in bad.out
    assert "lists no gemini-3-pro, gpt-5.2-pro" in bad.out
    assert "GATEWAY_MODEL" in bad.out
