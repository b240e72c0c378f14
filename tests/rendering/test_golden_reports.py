"""Every file of the sample reports, byte for byte.

To accept what is rendered now as golden: ``UPDATE_GOLDEN=1 pytest tests/rendering``.
"""

import os
from pathlib import Path

import pytest

from agent.domain.report import Report
from agent.errors import InvalidSettings
from agent.rendering import FORMATS, render
from agent.resources import folder

GOLDEN = Path(__file__).parent / "golden"
SAMPLES = folder("examples") / "reports"


@pytest.mark.parametrize("name", ["english", "chinese", "empty"])
def test_a_sample_is_rendered_as_its_golden_files_say(
    name: str, samples: dict[str, Report]
) -> None:
    files = {path: text.encode() for path, text in render(samples[name], FORMATS).items()}
    assert files.pop("report.json") == (SAMPLES / f"{name}.json").read_bytes()
    golden = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        golden.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            (golden / path).write_bytes(content)
    assert files == {path.name: path.read_bytes() for path in golden.iterdir()}


def test_only_the_formats_asked_for_are_made(english: Report) -> None:
    assert list(render(english, ["bib", "md", "bib"])) == ["references.bib", "report.md"]


def test_an_unknown_format_is_refused_by_name(english: Report) -> None:
    with pytest.raises(InvalidSettings, match=r"odt.*choose from md, html, json, bib"):
        render(english, ["md", "odt"])
