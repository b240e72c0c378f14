"""Judges somebody else's claims against their evidence: one JSON object a line in, one out."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, Field, ValidationError

from agent.domain.language import same_language
from agent.domain.support import judge
from agent.stages.judging import Doubt, Judged, judged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from agent.ports import ChatModel
    from agent.stages.judging import Outcome

AT_ONCE: Final = 200
"""Lines that are read before the first answer when a model judges: ten calls side by side."""

Text = Annotated[str, Field(min_length=1)]


class Given(BaseModel):
    """One claim and its evidence: a text, or several."""

    claim: Text
    evidence: Text | Annotated[list[Text], Field(min_length=1)]

    @property
    def text(self) -> str:
        """All of its evidence."""
        return self.evidence if isinstance(self.evidence, str) else "\n".join(self.evidence)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of one line: its support (0..1), a verdict, and reasons; or an error alone."""

    support: float = 0.0
    verdict: Literal["supported", "unsupported", "unclear"] = "unclear"
    reasons: tuple[str, ...] = ()
    error: str = ""

    def as_json(self) -> str:
        """Return one line of JSON."""
        told: dict[str, object] = {
            "support": self.support,
            "verdict": self.verdict,
            "reasons": self.reasons,
        }
        return json.dumps({"error": self.error} if self.error else told, ensure_ascii=False)


async def answers(lines: Iterable[str], model: ChatModel | None = None) -> AsyncIterator[Answer]:
    """Yield an answer for each line, in order; blank lines are passed over.

    With a model, it judges the claims that are unclear by rule and score.
    """
    batch: list[tuple[Given | None, Answer]] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            batch.append(_answered(line, number))
        if len(batch) >= (AT_ONCE if model else 1):
            for answer in await _settled(batch, model):
                yield answer
            batch = []
    for answer in await _settled(batch, model):
        yield answer


def _answered(line: str, number: int) -> tuple[Given | None, Answer]:
    try:
        given = Given.model_validate(json.loads(line))
    except (ValueError, ValidationError) as error:
        what = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        form = 'one {"claim": "…", "evidence": "…"} a line'
        return None, Answer(error=f"line {number} cannot be read: {what} - write {form}")
    if not same_language(given.claim, given.text):
        return given, Answer(reasons=("its evidence is in another language",))
    found = judge(given.claim, given.text)
    return given, Answer(found.score, found.verdict, tuple(map(str, found.reasons)))


async def _settled(
    batch: Sequence[tuple[Given | None, Answer]], model: ChatModel | None
) -> list[Answer]:
    """Have the unclear ones judged, if there is a judge."""
    settled = [answer for _, answer in batch]
    unclear = [
        (at, Doubt(given.claim, given.text))
        for at, (given, answer) in enumerate(batch)
        if given and answer.verdict == "unclear"
    ]
    if model is None or not unclear:
        return settled
    outcomes = await judged([doubt for _, doubt in unclear], model=model)
    for (at, _), outcome in zip(unclear, outcomes, strict=True):
        settled[at] = _with(settled[at], outcome)
    return settled


def _with(answer: Answer, outcome: Outcome) -> Answer:
    if not isinstance(outcome, Judged):
        return replace(answer, reasons=(*answer.reasons, f"{outcome.what}: {outcome.why}"))
    verdict: Literal["supported", "unsupported"] = (
        "supported" if outcome.supported else "unsupported"
    )
    said = f"the judge: {outcome.reason}"
    return replace(answer, verdict=verdict, reasons=(*answer.reasons, said))
