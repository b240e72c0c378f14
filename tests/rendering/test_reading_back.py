import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings

from agent.domain.report import Disagreement, Report, Side
from agent.errors import RunUnknown
from agent.rendering.json_report import as_json
from agent.rendering.reading_back import read


@pytest.mark.parametrize("name", ["english", "chinese", "empty"])
def test_a_report_read_back_gives_the_same_bytes(name: str, samples: dict[str, Report]) -> None:
    text = as_json(samples[name])
    assert as_json(read(text)) == text
def test_x(english):
    r=read(as_json(english))
    import dataclasses
    for f in dataclasses.fields(english):
        a,b=getattr(english,f.name),getattr(r,f.name)
        print(f.name, a==b)
        if a!=b: print(a,'\n',b)
    assert 0
