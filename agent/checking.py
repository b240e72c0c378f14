"""Checks a finished report from its files alone: quotes, numbers, rules, digests and ids.

It trusts nothing but the stored texts, and asks neither a model nor the network, so that anybody
can check a report of anybody's in the schema ``deep-research/report/1``.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ValidationError

from agent.domain.language import same_language
from agent.domain.numbers import missing
from agent.domain.proof import WRITTEN_BY_CODE_ALONE, objections, whole_sentences
from agent.errors import RunUnknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from agent.domain.support import Reason

SCHEMA: Final = "deep-research/report/1"

CONTEXT: Final = 900
"""Characters to each side of a quote in which a name may stand: about a passage."""


class _Cited(BaseModel):
    source: str
    passage: str
    quote: str
    start: int
    end: int
    before: str = ""


class _Claim(BaseModel):
    id: str
    sentence: str
    verdict: Literal["held", "repaired"]
    citations: list[_Cited]


class _Section(BaseModel):
    answers: list[str]
    claims: list[_Claim]


class _Source(BaseModel):
    id: str
    title: str = ""
    sha256: str
    cited: bool


class _Dropped(BaseModel):
    sentence: str


class _Condensed(BaseModel):
    sentence: str
    claims: list[str]


class _Side(BaseModel):
    claim: str


class _Disagreement(BaseModel):
    about: str
    sides: list[_Side]
    prevails: str = ""


class _Quoted(BaseModel):
    quote: str
    sha256: str
    start: int
    end: int


class _Change(BaseModel):
    before: list[_Quoted]
    after: list[_Quoted]
    claims: list[str]


class _Asked(BaseModel):
    id: str
    covered: bool


class _Brief(BaseModel):
    sub_questions: list[_Asked]


class _Run(BaseModel):
    status: Literal["complete", "partial", "empty"]


class _Report(BaseModel):
    schema_: Literal["deep-research/report/1"]
    run: _Run
    brief: _Brief
    summary: list[_Condensed] = []
    disagreements: list[_Disagreement] = []
    sections: list[_Section]
    dropped: list[_Dropped]
    gaps: list[str]
    sources: list[_Source]
    changes: list[_Change] = []

    @property
    def claims(self) -> list[_Claim]:
        """All claims, in reading order."""
        return [claim for section in self.sections for claim in section.claims]


@dataclass(frozen=True, slots=True)
class Breach:
    """Something in a report that is not as it says."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, and all that is wrong with it."""

    claims: int
    citations: int
    sources: int
    breaches: tuple[Breach, ...]


def check(path: Path) -> Checked:
    """Check the report at a path: a run's folder, or a report.json with ``documents`` beside it.

    Raises RunUnknown if there is no report that can be read.
    """
    file = path / "report.json" if path.is_dir() else path
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunUnknown(f"{file} cannot be read: {error}") from error
    report = _understood(data)
    if isinstance(report, Breach):
        return Checked(0, 0, 0, (report,))
    texts, lost = _texts(report, file.parent)
    titles = {source.id: source.title for source in report.sources}
    claims = report.claims
    breaches = [
        *lost,
        *(breach for claim in claims for breach in _of_claim(claim, texts, titles)),
        *_of_summary(report),
        *_of_changes(report, file.parent),
        *_of_whole(report),
        *_of_outcome(report),
        *_of_files(file.parent),
    ]
    return Checked(
        claims=len(claims),
        citations=sum(len(claim.citations) for claim in claims),
        sources=len(report.sources),
        breaches=tuple(breaches),
    )


def _understood(data: object) -> _Report | Breach:
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        return Breach("report", f"is not in the schema {SCHEMA}")
    try:
        return _Report.model_validate(data | {"schema_": data["schema"]})
    except ValidationError as error:
        first = error.errors()[0]
        return Breach(".".join(map(str, first["loc"])), f"{first['msg']}, as {SCHEMA} has it")


def _texts(report: _Report, folder: Path) -> tuple[dict[str, str], list[Breach]]:
    """Return the stored text of each source, and what is wrong with any of them."""
    texts: dict[str, str] = {}
    breaches: list[Breach] = []
    for id_, count in Counter(source.id for source in report.sources).items():
        if count > 1:
            breaches.append(Breach(id_, f"is the id of {count} sources"))
    for source in report.sources:
        try:
            texts[source.id] = text = _stored(source.sha256, folder)
        except (OSError, ValueError) as error:
            breaches.append(Breach(source.id, f"its stored text cannot be read: {error}"))
            continue
        if _digest(text) != source.sha256:
            breaches.append(Breach(source.id, "its stored text is not the one that was read"))
    return texts, breaches


def _stored(sha256: str, folder: Path) -> str:
    file = folder / "documents" / f"{sha256}.txt"
    return file.read_bytes().decode() if sha256.isalnum() else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _of_claim(
    claim: _Claim, texts: Mapping[str, str], titles: Mapping[str, str]
) -> Iterator[Breach]:
    if not claim.citations:
        yield Breach(claim.id, "rests on nothing")
    if WRITTEN_BY_CODE_ALONE.search(claim.sentence):
        yield Breach(claim.id, "its sentence holds an address or a reference number")
    for cited in claim.citations:
        text = texts.get(cited.source)
        if text is None:
            yield Breach(claim.id, f"cites {cited.source}, of which there is no text")
        elif not cited.quote or text[max(0, cited.start) : max(0, cited.end)] != cited.quote:
            at = f"characters {cited.start} to {cited.end} of {cited.source}"
            yield Breach(claim.id, f"its quote does not stand at {at}")
        elif not " ".join(text[: cited.start].split()).endswith(cited.before):
            yield Breach(claim.id, f"{cited.before!r} does not stand before its quote")
        if not cited.passage.startswith(f"{cited.source}."):
            yield Breach(claim.id, f"cites {cited.passage} as a passage of {cited.source}")
    absent = missing(claim.sentence, "\n".join(cited.quote for cited in claim.citations))
    if absent:
        yield Breach(claim.id, f"its quotes do not state {', '.join(absent)}")
    for reason in _objections(claim, texts, titles):
        yield Breach(claim.id, str(reason))


def _objections(
    claim: _Claim, texts: Mapping[str, str], titles: Mapping[str, str]
) -> tuple[Reason, ...]:
    """Return what the rules have against a claim, given its quotes and the text around them."""
    said: list[str] = []
    around: list[str] = []
    for cited in claim.citations:
        text = texts.get(cited.source, "")
        start, end = whole_sentences(text, cited.start, cited.end)
        said.append(text[start:end])
        around += (titles.get(cited.source, ""), text[max(0, start - CONTEXT) : end + CONTEXT])
    quoted = "\n".join(said)
    if not quoted or not same_language(claim.sentence, quoted):
        return ()
    return objections(claim.sentence, quoted, "\n".join(around))


def _of_summary(report: _Report) -> Iterator[Breach]:
    """Hold summary and disagreements to the claims they name."""
    claims = {claim.id: claim for claim in report.claims}
    for number, condensed in enumerate(report.summary, start=1):
        where = f"summary {number}"
        unknown = [id_ for id_ in condensed.claims if id_ not in claims]
        if unknown or not condensed.claims:
            yield Breach(where, f"rests on {', '.join(unknown) or 'nothing'}, which is no claim")
            continue
        if WRITTEN_BY_CODE_ALONE.search(condensed.sentence):
            yield Breach(where, "its sentence holds an address or a reference number")
        named = [claims[id_] for id_ in condensed.claims]
        absent = missing(condensed.sentence, "\n".join(claim.sentence for claim in named))
        if absent:
            yield Breach(where, f"its claims do not state {', '.join(absent)}")
    for disagreement in report.disagreements:
        where = f"disagreement on {disagreement.about}"
        sides = dict.fromkeys(side.claim for side in disagreement.sides)
        for id_ in sides:
            if id_ not in claims:
                yield Breach(where, f"there is no claim {id_}")
        if len(sides) < 2:  # noqa: PLR2004 - it takes two
            yield Breach(where, "has no two sides")
        if disagreement.prevails and disagreement.prevails not in sides:
            yield Breach(where, f"{disagreement.prevails} prevails, which is none of its sides")


def _of_changes(report: _Report, folder: Path) -> Iterator[Breach]:
    """Look every quote of a change up in the text it names, which may be that of an earlier run."""
    claims = {claim.id for claim in report.claims}
    for number, change in enumerate(report.changes, start=1):
        where = f"change {number}"
        for id_ in (id_ for id_ in change.claims if id_ not in claims):
            yield Breach(where, f"there is no claim {id_}")
        for quoted in (*change.before, *change.after):
            try:
                text = _stored(quoted.sha256, folder)
            except (OSError, ValueError) as error:
                yield Breach(where, f"the text it quotes cannot be read: {error}")
                continue
            stands = text[max(0, quoted.start) : max(0, quoted.end)] == quoted.quote != ""
            if not stands or _digest(text) != quoted.sha256:
                yield Breach(where, "its quote does not stand in the text it names")


def _of_whole(report: _Report) -> Iterator[Breach]:
    claims = report.claims
    for id_, count in Counter(claim.id for claim in claims).items():
        if count > 1:
            yield Breach(id_, f"is the id of {count} claims")
    cited = {citation.source for claim in claims for citation in claim.citations}
    for source in report.sources:
        if source.cited is not (source.id in cited):
            yield Breach(source.id, f"says that it is {'' if source.cited else 'not '}cited")
    dropped = {drop.sentence for drop in report.dropped}
    for claim in claims:
        if claim.sentence in dropped:
            yield Breach(claim.id, "is held, and dropped as well")


def _of_outcome(report: _Report) -> Iterator[Breach]:
    claims = report.claims
    answered = {id_ for section in report.sections if section.claims for id_ in section.answers}
    for asked in report.brief.sub_questions:
        if asked.covered is not (asked.id in answered):
            state = "answered" if asked.covered else "open"
            yield Breach(asked.id, f"is called {state}, and is not")
    if (report.run.status == "empty") is not (not claims):
        yield Breach("run", f"is called {report.run.status}, with {len(claims)} claims")
    if report.run.status == "complete" and report.gaps:
        yield Breach("run", "is called complete, with gaps")


def _of_files(folder: Path) -> Iterator[Breach]:
    """Hold the rendered files to the digests they were written with, if those are there."""
    try:
        manifest = json.loads((folder / "5-report.json").read_text(encoding="utf-8"))
        digests = {str(name): str(told["sha256"]) for name, told in manifest.items()}
    except FileNotFoundError:
        return
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        yield Breach("5-report.json", f"cannot be read: {error}")
        return
    for name, digest in digests.items():
        file = folder / name
        if "/" in name or not file.is_file():
            yield Breach(name, "is missing")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            yield Breach(name, "was changed since it was written")
