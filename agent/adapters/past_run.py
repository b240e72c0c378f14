"""Opens the finished run that another one goes on from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent.adapters.document_store import FolderDocuments
from agent.errors import InvalidQuestion, RunUnknown
from agent.rendering.reading_back import read
from agent.stages.rereading import Past

if TYPE_CHECKING:
    from agent.domain.question import Question


def predecessor(question: Question, out: Path) -> Past | None:
    """Return the run under ``out`` that a question names as its predecessor, None if it names none.

    Raises RunUnknown if there is no such report, InvalidQuestion if it was asked something else.
    """
    if not question.predecessor:
        return None
    folder = out / Path(question.predecessor).name  # never outside, whoever asks
    try:
        report = read((folder / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RunUnknown) as error:
        raise RunUnknown(
            f"the report of {folder} cannot be read: {error}", mend="see deep-research list"
        ) from error
    if _folded(report.run.question.text) != _folded(question.text):
        raise InvalidQuestion(
            f"{question.predecessor} was asked {report.run.question.text!r}",
            mend="ask the same, or name another run",
        )
    return Past(report, FolderDocuments(folder / "documents"))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
