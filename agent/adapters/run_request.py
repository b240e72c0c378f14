"""What a run was asked, kept in its folder from the start, so that it can be taken up again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from agent.adapters.run_folder import REQUEST
from agent.domain.question import Clarified, Question
from agent.errors import DeepResearchError, RunDamaged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA: Final = "deep-research/request/1"


@dataclass(frozen=True, slots=True)
class Request:
    """The question, and how it is to be answered.

    ``settings`` are those that bear on the result. Keys and addresses are not kept: who takes up
    a run has them in the environment.
    """

    question: Question
    started: datetime
    formats: tuple[str, ...]
    embedded: bool = False
    demo: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> str:
        """Return the file's text."""
        told = {"schema": SCHEMA, **asdict(self)}
        return json.dumps(told, ensure_ascii=False, indent=2, default=str) + "\n"


def read_request(folder: Path) -> Request:
    """Return what the run in a folder was asked; raise RunDamaged if that cannot be told."""
    path = folder / REQUEST
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _illegible(path, error) from error
    return request_of(text, path)


def request_of(text: str, place: Path | str) -> Request:
    """Return what a file says that a run was asked; raise RunDamaged, naming its place."""
    try:
        told = json.loads(text)
        return Request(
            question=_question(told["question"]),
            started=datetime.fromisoformat(told["started"]),
            formats=tuple(told["formats"]),
            embedded=bool(told["embedded"]),
            demo=bool(told["demo"]),
            settings=dict(told["settings"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, DeepResearchError) as error:
        raise _illegible(place, error) from error


def _illegible(place: Path | str, error: Exception) -> RunDamaged:
    return RunDamaged(
        f"what the run was asked cannot be read from {place} ({type(error).__name__})",
        mend="ask it anew",
    )


def _question(told: Mapping[str, Any]) -> Question:
    days = {name: date.fromisoformat(told[name]) for name in ("since", "until") if told[name]}
    lists = {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
    clarified = tuple(Clarified(**one) for one in told["clarified"])
    return Question(**{**told, **days, **lists, "clarified": clarified})
