"""What is claimed and what it rests on, from the first draft to the finished report."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from agent.domain.changes import Change, Predecessor
    from agent.domain.evidence import Considered, Failure, Source
    from agent.domain.question import Brief, Question

Verdict = Literal["held", "repaired"]
Judge = Literal["rules", "model"]
Status = Literal["complete", "partial", "empty"]

ENOUGH_CLAIMS: Final = 2
"""Claims on a sub-question from which a dropped one is no loss that a further search is for."""


@dataclass(frozen=True, slots=True)
class Quotation:
    """A passage id and a quote as a model wrote them: not yet proved."""

    passage: str
    quote: str


@dataclass(frozen=True, slots=True)
class DraftClaim:
    """One sentence as a model wrote it, and what it says the sentence rests on."""

    sentence: str
    quotations: tuple[Quotation, ...]


@dataclass(frozen=True, slots=True)
class DraftSection:
    """A section as written; ``answers`` are the ids of the sub-questions it is about."""

    title: str
    answers: tuple[str, ...]
    claims: tuple[DraftClaim, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything written in one round, nothing of it proved yet.

    ``failures`` tells of sections that could not be written and of text left out for want of
    room.
    """

    sections: tuple[DraftSection, ...]
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A proved quote: characters ``start`` to ``end`` of the stored text of ``source``.

    ``before`` are the words right before it, where those it begins with stand in the text earlier
    too, so that a link can tell the two apart.
    """

    source: str
    passage: str
    quote: str
    start: int
    end: int
    before: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence and the quotes that hold it; without a quote there is no claim.

    ``support`` is how well they support it (0..1) by ``agent.domain.support``, None if that was
    not measured; ``judge`` is who settled it: that score with the rules, or a model where they
    left it open.
    """

    id: str
    sentence: str
    verdict: Verdict
    citations: tuple[Citation, ...]
    support: float | None = None
    judge: Judge = "rules"

    def __post_init__(self) -> None:
        """Refuse a claim that says nothing or rests on nothing."""
        if not self.sentence.strip() or not self.citations:
            message = "a claim needs a sentence and at least one citation"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the report: only claims that hold."""

    title: str
    answers: tuple[str, ...]
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """A sentence of the summary and the ids of the claims it condenses; their quotes hold it."""

    sentence: str
    claims: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a sentence that says nothing or condenses nothing."""
        if not self.sentence.strip() or not self.claims:
            message = "a sentence of a summary needs words and at least one claim"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a disagreement: the claim that takes it, and its value or words."""

    claim: str
    says: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Claims of different works that cannot all be so, or not of the same thing.

    ``prevails`` is the id of the claim that wins by rule (a newer edition, a retraction), empty if
    none does, and ``why`` says by which.
    """

    about: str
    kind: Literal["number", "direction", "negation"]
    sides: tuple[Side, ...]
    prevails: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence that could not be held up, why, and the sub-questions it was to answer."""

    sentence: str
    reason: str
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verified:
    """What verification made of the drafts so far: held sections and dropped sentences."""

    sections: tuple[Section, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All claims, in reading order."""
        return tuple(claim for section in self.sections for claim in section.claims)

    @property
    def missed(self) -> tuple[Dropped, ...]:
        """The dropped sentences that matter: what they were to answer is left with too little."""
        return tuple(drop for drop in self.dropped if any(map(self._is_thin, drop.answers)))

    def _is_thin(self, sub_question: str) -> bool:
        on_it = (len(s.claims) for s in self.sections if sub_question in s.answers)
        return sum(on_it) < ENOUGH_CLAIMS

    def covers(self, sub_question: str) -> bool:
        """Whether a section with at least one claim answers the sub-question."""
        return any(s.claims and sub_question in s.answers for s in self.sections)


@dataclass(frozen=True, slots=True)
class Usage:
    """Model calls, tokens and cost in US dollars, in all and by task and by model.

    ``cached_tokens`` are those of ``input_tokens`` that a provider read from its prompt cache.
    ``unpriced`` names the models whose price is not known: their cost is not in ``usd``.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: Decimal = Decimal(0)
    by_task: Mapping[str, Usage] = field(default_factory=dict)
    by_model: Mapping[str, Usage] = field(default_factory=dict)
    unpriced: tuple[str, ...] = ()
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """Which run made the report, when, and how it ended."""

    id: str
    question: Question
    started: datetime
    finished: datetime
    status: Status
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture that a model made for the report: its file in the run folder, and how it came.

    It shows nothing that was found, so whoever shows it has to say that it was generated.
    """

    file: str
    model: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Report:
    """The finished report, as a value; rendering turns it into files.

    ``gaps`` are the sub-questions no claim answers; ``seconds_by_stage`` adds up all ``rounds`` of
    retrieval, which are 0 if nobody counted them. With a ``predecessor``, ``changes`` are all that
    is not as it had it.
    """

    run: Run
    brief: Brief
    sections: tuple[Section, ...]
    dropped: tuple[Dropped, ...]
    gaps: tuple[str, ...]
    sources: tuple[Source, ...]
    failures: tuple[Failure, ...]
    usage: Usage
    seconds_by_stage: Mapping[str, float]
    considered: tuple[Considered, ...] = ()
    summary: tuple[SummarySentence, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    cover: Cover | None = None
    rounds: int = 0
    predecessor: Predecessor | None = None
    changes: tuple[Change, ...] = ()

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All claims, in reading order."""
        return tuple(claim for section in self.sections for claim in section.claims)

    @property
    def cited(self) -> tuple[Source, ...]:
        """The sources that are cited, by first citation: the first is reference 1."""
        by_id = {source.id: source for source in self.sources}
        order = dict.fromkeys(c.source for claim in self.claims for c in claim.citations)
        return tuple(by_id[id_] for id_ in order)

    def condensed(self, sentence: SummarySentence) -> tuple[Claim, ...]:
        """Return the claims a sentence of the summary condenses, in reading order."""
        return tuple(claim for claim in self.claims if claim.id in sentence.claims)

    @property
    def independent(self) -> int:
        """How many of the cited sources are different works."""
        return len({source.work or source.id for source in self.cited})

    def holding(self, claim: Claim) -> int:
        """Return how many independent sources hold a claim: copies of one work count once."""
        work = {source.id: source.work or source.id for source in self.sources}
        return len({work[citation.source] for citation in claim.citations})
