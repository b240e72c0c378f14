"""A user's own templates: what they may do, what they are told, and what they cannot do."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from agent.domain.look import Look
from agent.domain.report import Report
from agent.errors import InvalidSettings, TemplateBroken
from agent.rendering import files, require
from agent.rendering.house import checked, copied, names
from agent.rendering.html_report import as_html
from agent.rendering.layout import Layout

DOCUMENTED = Path(__file__).parents[2] / "docs" / "templates.md"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / "report.html.j2").write_text(
        '{% extends "ours/report.html.j2" %}'
        '{% block header %}<p class="house">ACME</p>{{ super() }}{% endblock %}'
    )
    (tmp_path / "report.css").write_text(".house { color: teal }")
    return tmp_path


def test_a_template_of_a_user_stands_in_the_place_of_ours(house: Path, english: Report) -> None:
    page = as_html(english, Look(templates=house))
    assert '<p class="house">ACME</p>' in page
    assert ".house { color: teal }" in page
    assert "742 monitored homes" in page
    assert not [remark.text for remark in checked(house)]
    assert "ACME" not in as_html(english)


def test_a_copy_of_ours_writes_what_ours_write(tmp_path: Path, samples: dict[str, Report]) -> None:
    assert {path.name for path in copied(tmp_path)} == set(names())
    assert copied(tmp_path) == ()
    assert not list(checked(tmp_path))
    look = Look(templates=tmp_path)
    for report in samples.values():
        assert files(report, ["md", "html", "brief"], look) == files(
            report, ["md", "html", "brief"]
        )


@pytest.mark.parametrize(
    ("template", "text", "remark"),
    [
        ("report.md.j2", "fine\n{{ layout.titel }}", r"report\.md\.j2:2: .*titel"),
        ("report.md.j2", "{{ nothing }}", r"report\.md\.j2:1: 'nothing' is undefined"),
        ("report.md.j2", "{{ ().__class__.__base__.__subclasses__() }}", "unsafe"),
        ("report.md.j2", "# {{ layout.title }}", "sentences of the report are left out"),
        ("report.html.j2", "<p>{{ layout.title }}</p>", "no Content-Security-Policy"),
        ("report.html.j2", "<img src='https://elsewhere.example/x.png'>", "from elsewhere"),
        ("report.html.j2", '<a href="#nowhere">x</a>', "lead nowhere: #nowhere"),
        ("brief.md.j2", "{% include 'ours/no-such.j2' %}", "no-such"),
    ],
)
def test_the_check_says_what_is_wrong(
    tmp_path: Path, template: str, text: str, remark: str
) -> None:
    (tmp_path / template).write_text(text)
    said = [one.text for one in checked(tmp_path)]
    assert any(re.search(remark, one) for one in said), said


@pytest.mark.parametrize(
    ("name", "text", "error", "said"),
    [
        ("reprot.html.j2", "x", InvalidSettings, r"reprot\.html\.j2 replaces nothing.*report\.md"),
        ("_part.j2", "x", InvalidSettings, "has no template"),
        ("report.md.j2", "{% if %}", TemplateBroken, r"report\.md\.j2:1: Expected"),
    ],
)
def test_a_folder_no_report_could_be_written_with_is_refused_before_there_is_one(
    tmp_path: Path, name: str, text: str, error: type[Exception], said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(error, match=said):
        require(["md"], Look(templates=tmp_path))
    with pytest.raises(InvalidSettings, match="is no folder"):
        require(["md"], Look(templates=tmp_path / "missing"))


def test_a_reason_is_looked_for_in_the_language_it_is_told_in(
    tmp_path: Path, chinese: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "it was stopped by hand; every web search failed"
    partial = replace(chinese, run=replace(chinese.run, status="partial", reason=reason))
    monkeypatch.setattr("agent.rendering.house.sample_report", lambda _: partial)
    copied(tmp_path)
    assert list(checked(tmp_path)) == []
    template = tmp_path / "report.md.j2"
    silent = template.read_text(encoding="utf-8").replace("{{ layout.reason }}", "")
    template.write_text(silent, encoding="utf-8")
    (remark,) = checked(tmp_path)
    assert remark.text == "it does not say why a report is partial or empty"


def test_a_template_reads_no_file_outside_its_folder(tmp_path: Path, english: Report) -> None:
    (tmp_path / "secret.txt").write_text("s3cret")
    folder = tmp_path / "house"
    folder.mkdir()
    (folder / "report.md.j2").write_text("{% include '5-render/../secret.txt' %}")
    with pytest.raises(TemplateBroken):
        files(english, ["md"], Look(templates=folder))


def test_everything_a_template_is_given_is_documented() -> None:
    told = DOCUMENTED.read_text(encoding="utf-8")
    assert [name for name in names() if f"`{name}`" not in told] == []
    assert [name for name in Layout.__slots__ if f"`{name}`" not in told] == []
