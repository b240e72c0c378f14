"""Every file of the sample reports, byte for byte.

To accept what is rendered now as golden: ``UPDATE_GOLDEN=1 pytest tests/rendering``.
"""

import os
from pathlib import Path

import pytest

from agent.domain.report import Report
from agent.errors import InvalidSettings
from agent.rendering import FORMATS, render

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ["english", "chinese", "empty"])
def test_a_sample_is_rendered_as_its_golden_files_say(
    name: str, samples: dict[str, Report]
) -> None:
    files = {path: text.encode() for path, text in render(samples[name], FORMATS).items()}
    folder = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            (folder / path).write_bytes(content)
    assert files == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_only_the_formats_asked_for_are_made(english: Report) -> None:
    assert list(render(english, ["bib", "md", "bib"])) == ["references.bib", "report.md"]


def test_an_unknown_format_is_refused_by_name(english: Report) -> None:
    with pytest.raises(InvalidSettings, match=r"odt.*choose from md, html, json, bib"):
        render(english, ["md", "odt"])
