from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Awaitable[Any]]


async def test_templates_are_copied_changed_checked_and_used(
    deep_research: Run, tmp_path: Path
) -> None:
    house = tmp_path / "house"
    copied = await deep_research("templates", "copy", str(house))
    assert str(house / "report.html.j2") in copied.out
    page = house / "report.html.j2"
    page.write_text(page.read_text(encoding="utf-8").replace("<main>", "<main>\n<p>ACME</p>"))
    checked = await deep_research("templates", "check", str(house))
    assert (checked.status, "can be written" in checked.out) == (0, True)
    done = await deep_research(
        "demo", "--json", "--quiet", "--templates", str(house), "--citation-style", "author-year"
    )
    folder = tmp_path / done.line["path"]
    written = (folder / "report.html").read_text(encoding="utf-8")
    assert "<p>ACME</p>" in written
    assert '<body class="named">' in written
    assert "(Renn 2025)" in (folder / "report.md").read_text(encoding="utf-8")


async def test_a_broken_template_stops_a_run_before_it_begins(
    deep_research: Run, tmp_path: Path
) -> None:
    house = tmp_path / "house"
    house.mkdir()
    (house / "report.md.j2").write_text("fine\n{% if %}")
    done = await deep_research("demo", "--templates", str(house))
    assert done.status == 1
    assert "report.md.j2:2: Expected an expression" in done.err
    assert not (tmp_path / "runs").exists()
    (house / "report.md.j2").write_text("{{ layout.titel }}")
    checked = await deep_research("templates", "check", str(house))
    assert checked.status == 1
    assert "titel" in checked.out
