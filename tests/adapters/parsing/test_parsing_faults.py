from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "parsing_faults.py"


@pytest.fixture
def faults() -> ModuleType:
    spec = importlib.util.spec_from_file_location("parsing_faults", BENCHMARK)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_spoiled_documents_are_clean_pages_or_unreadable(faults: ModuleType) -> None:
    found = await faults.measured(200)
    assert found["read"] + found["unreadable"] == 200
    assert found["read"] > 20


def test_the_same_seed_spoils_in_the_same_way(faults: ModuleType) -> None:
    assert list(faults.spoiled(20, 1)) == list(faults.spoiled(20, 1))
