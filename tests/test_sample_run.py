"""The sample that the README shows is a run as this version makes it."""

import re
from pathlib import Path

from agent.checking import check
from agent.rendering import render
from agent.rendering.reading_back import read

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_sample_of_the_readme_holds_and_is_what_is_rendered_now() -> None:
    found = re.search(r"\[!\[.*?\]\((docs/.*?\.png)\)\]\((runs/.*?)/report\.md\)", README)
    assert found
    picture, folder = ROOT / found[1], ROOT / found[2]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert check(folder).breaches == ()
    report = read((folder / "report.json").read_text(encoding="utf-8"))
    for name, text in render(report, ["md", "html", "json", "bib"]).items():
        assert (folder / name).read_text(encoding="utf-8") == text
