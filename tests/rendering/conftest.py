"""Sample reports: a long English one, a short Chinese one, and one that found nothing."""

from __future__ import annotations

import pytest

from agent.domain.report import Report
from agent.rendering.house import sample_report


@pytest.fixture
def english() -> Report:
    return sample_report("english")


@pytest.fixture
def chinese() -> Report:
    return sample_report("chinese")


@pytest.fixture
def empty() -> Report:
    return sample_report("empty")


@pytest.fixture
def samples(english: Report, chinese: Report, empty: Report) -> dict[str, Report]:
    return {"english": english, "chinese": chinese, "empty": empty}
