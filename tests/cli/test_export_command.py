import json
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import pytest
from click.testing import CliRunner

from agent.checking import check
from agent.cli import cli
from agent.cli.exporting import export
from agent.cli.options import ALL_FORMATS, FORMATS
from agent.errors import InvalidSettings, RunUnknown, RunUnwritable
from agent.rendering import FORMATS as RENDERED_UNASKED
from agent.rendering.forms import FORMS

Run = Callable[..., Awaitable[Any]]


@pytest.fixture
async def folder(deep_research: Run, tmp_path: Path) -> Path:
    done = await deep_research("demo", "--json", "--quiet", "--format", "md,txt,docx")
    return tmp_path / str(done.line["path"])


def exported(*words: object) -> bytes:
    done = CliRunner().invoke(export, [*map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout_bytes


async def test_every_form_is_made_from_the_folder_of_a_run_alone(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for form in ALL_FORMATS:
        path = Path(exported(folder, "--format", form).decode().strip())
        assert path.name == f"{folder.name}-{FORMS[form].file}"
        assert path.stat().st_size > 500
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert after == before
    assert not check(folder).breaches


async def test_what_is_exported_is_what_the_run_wrote(folder: Path) -> None:
    for form in ("md", "json", "txt", "docx"):
        written = (folder / FORMS[form].file).read_bytes()
        assert exported(folder, "--format", form, "--output", "-") == written
    assert is_zipfile(BytesIO(written))


async def test_a_report_is_exported_by_the_path_of_its_json_and_in_a_style(
    folder: Path, tmp_path: Path
) -> None:
    to = tmp_path / "mail.txt"
    exported(folder / "report.json", "--format", "txt", "--output", to, "--citation-style", "apa")
    assert "(n.d.)" in to.read_text(encoding="utf-8") or ". (202" in to.read_text(encoding="utf-8")


async def test_what_cannot_be_done_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="ris has no citation styles - choose from md, html"):
        exported(folder, "--format", "ris", "--citation-style", "apa")
    with pytest.raises(RunUnwritable, match="name another with --output"):
        exported(folder, "--format", "ris", "--output", tmp_path)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    (folder / "report.json").write_text(json.dumps(report | {"sections": 7}), encoding="utf-8")
    with pytest.raises(RunUnknown, match=r"report\.json cannot be read: sections"):
        exported(folder, "--format", "ris")


def test_an_unknown_format_lists_those_that_are_known() -> None:
    done = CliRunner().invoke(cli, ["export", "latest", "--format", "odt"])
    assert done.exit_code == 2
    assert all(form in done.output for form in ALL_FORMATS)


def test_the_command_line_knows_the_forms_there_are() -> None:
    assert set(ALL_FORMATS) == set(FORMS)
    assert FORMATS == RENDERED_UNASKED


async def test_a_run_that_cannot_write_what_it_should_spends_nothing(
    deep_research: Run, tmp_path: Path
) -> None:
    (tmp_path / "docx.py").write_text("raise ImportError(name='docx')", encoding="utf-8")
    done = await deep_research("demo", "--format", "docx", PYTHONPATH=str(tmp_path))
    assert done.status == 1
    assert "docx is not installed - pip install 'deep-research-agent[docx]'" in done.err
    assert not (tmp_path / "runs").exists()
