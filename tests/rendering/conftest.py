"""Sample reports: a long English one, a short Chinese one, and one that found nothing."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agent.domain.evidence import ONLY_ABSTRACT, Considered, Failure, Publication, Source
from agent.domain.question import Brief, Question, SourceKind, SubQuestion
from agent.domain.report import (
    Citation,
    Claim,
    Disagreement,
    Dropped,
    Report,
    Run,
    Section,
    Side,
    SummarySentence,
    Usage,
)

STARTED = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture
def english() -> Report:
    return _report(
        Question("heat pumps old houses??"),
        Brief(
            restated="How well do air-source heat pumps heat houses built before 1950?",
            language="en",
            sub_questions=(
                SubQuestion(
                    "q1", "How efficient are they at the flow temperatures old radiators need?"
                ),
                SubQuestion("q2", "Which changes to the house matter most beforehand?"),
                SubQuestion("q3", "What do owners pay over a year, compared with gas?"),
                SubQuestion("q4", "How loud are they for the neighbours?"),
            ),
            web_queries=("heat pump field trial pre-1950 houses", "flow temperature old radiators"),
            arxiv_queries=('abs:"heat pump" AND abs:retrofit',),
        ),
        sections=(
            _section("Efficiency in the field", ("q1",), _EFFICIENCY),
            _section("What to change first: radiators, draughts, controls", ("q2",), _CHANGES),
            _section("Running costs", ("q3",), _COSTS),
            _section("How far the evidence reaches", (), _REACH),
        ),
        sources=_SOURCES,
        dropped=(
            Dropped("Every old house can be heated by a heat pump.", "no quote says so"),
            Dropped("Costs halve within five years.", "the quote speaks of one year only"),
        ),
        gaps=("How loud are they for the neighbours?",),
        failures=(
            Failure("https://slow.example/report.pdf", "no answer within 20 s"),
            Failure('arXiv: abs:"noise"', "the service asked us to wait"),
        ),
        summary=(
            SummarySentence(
                "In 742 monitored homes the median efficiency was 2.8, in old houses <too>.",
                ("c1", "c2"),
            ),
            SummarySentence("Bills rose by 4 percent at the median after the change.", ("c9",)),
        ),
        disagreements=(
            Disagreement(
                "saving of heat, <by> measure",
                "number",
                (Side("c6", "9 percent | draughts"), Side("c7", "17 percent, walls")),
            ),
            Disagreement(
                "yearly bill after the change",
                "direction",
                (Side("c9", "rose"), Side("c10", "fell")),
                prevails="c9",
                why="It is the newer edition.",
            ),
        ),
    )


@pytest.fixture
def chinese() -> Report:
    return _report(
        Question("城市绿地 降温"),
        Brief(
            restated="城市绿地能在多大程度上降低夏季气温？",
            language="zh",
            sub_questions=(
                SubQuestion("q1", "公园内外的温差有多大？"),
                SubQuestion("q2", "绿地面积与降温效果有什么关系？"),
            ),
            web_queries=("城市公园 降温效应 实测", "urban park cooling effect"),
            arxiv_queries=('all:"urban heat island" AND all:park',),
        ),
        sections=(
            _section(
                "公园的降温效果",
                ("q1",),
                (
                    (
                        "夏季晴天午后，公园内的气温平均比周围街区低约一度半。",
                        (("S1", "实测表明，夏季晴天午后公园内气温平均比周围街区低 1.5 ℃。"),),
                    ),
                    (
                        "夜间温差更小，但在无风时仍可察觉。",
                        (
                            ("S1", "夜间温差缩小到 0.6 ℃，无风时仍然明显。"),
                            ("S2", "At night the park remained cooler, most of all in calm air."),
                        ),
                    ),
                ),
            ),
        ),
        sources=(
            _source(
                "S1",
                "web",
                "https://绿地.example/研究/公园-实测.html",
                "城市公园夏季降温实测",
                "王小明",
                "李华",
            ),
            _source(
                "S2",
                "arxiv",
                "https://arxiv.org/abs/2406.01234v1",
                "Night-time cooling by parks",
                "Ana Ruiz",
            ),
        ),
        dropped=(),
        gaps=("绿地面积与降温效果有什么关系？",),
        failures=(),
    )


@pytest.fixture
def empty() -> Report:
    return _report(
        Question("the colour of Tuesday"),
        Brief(
            restated="What colour is Tuesday?",
            language="en",
            sub_questions=(SubQuestion("q1", "Has anyone measured it?"),),
            web_queries=("colour of Tuesday measurement",),
            arxiv_queries=(),
        ),
        sections=(),
        sources=(),
        dropped=(),
        gaps=("Has anyone measured it?",),
        failures=(Failure("web search: colour of Tuesday measurement", "no hits"),),
    )


@pytest.fixture
def samples(english: Report, chinese: Report, empty: Report) -> dict[str, Report]:
    return {"english": english, "chinese": chinese, "empty": empty}


Quoted = tuple[str, tuple[tuple[str, str], ...]]
"""A sentence, and the source and words of each of its quotes."""


def _report(
    question: Question,
    brief: Brief,
    *,
    sections: tuple[Section, ...],
    sources: tuple[Source, ...],
    dropped: tuple[Dropped, ...],
    gaps: tuple[str, ...],
    failures: tuple[Failure, ...],
    summary: tuple[SummarySentence, ...] = (),
    disagreements: tuple[Disagreement, ...] = (),
) -> Report:
    sections = _numbered(sections)
    status, reason = (
        ("partial", "One sub-question is open.") if sections else ("empty", "No source matched.")
    )
    finished = STARTED + timedelta(seconds=94.25)
    writing = Usage(6, 21_500, 2_900, Decimal("0.0184"), cached_tokens=17_200)
    reading = Usage(3, 4_100, 600, Decimal("0.00002"))
    return Report(
        run=Run("20261122-093000-heat", question, STARTED, finished, status, reason),  # type: ignore[arg-type]  # the pair is one of two above
        brief=brief,
        sections=sections,
        dropped=dropped,
        gaps=gaps,
        sources=sources,
        failures=failures,
        usage=Usage(
            9,
            25_600,
            3_500,
            Decimal("0.01842"),
            cached_tokens=17_200,
            by_task={"write": writing, "refine": reading},
            by_model={"large-1": writing, "small-1": reading},
        ),
        seconds_by_stage={"refine": 2.5, "synthesize": 51.0, "retrieve": 33.1234567, "verify": 7.0},
        considered=tuple(
            Considered(source.url, source.title, True, "best for q1", "q1", ("searxng",))
            for source in sources[:2]
        )
        + tuple(
            Considered("https://x.example/", f"Another <find> {n}", False, why, "", ("ddgs",))
            for n, why in enumerate(("passed over: 3 of x.example already",) * bool(sources))
        ),
        summary=summary,
        disagreements=disagreements,
    )


def _numbered(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    numbers = itertools.count(1)
    return tuple(
        replace(s, claims=tuple(replace(claim, id=f"c{next(numbers)}") for claim in s.claims))
        for s in sections
    )


def _section(title: str, answers: tuple[str, ...], quoted: tuple[Quoted, ...]) -> Section:
    claims = (
        Claim(
            f"c{number}",
            sentence,
            "repaired" if sentence.startswith("Most") else "held",
            tuple(
                Citation(source, f"{source}.1", words, 40, 40 + len(words))
                for source, words in quotes
            ),
            _SUPPORT[number % len(_SUPPORT)],
            "model" if number == 3 else "rules",
        )
        for number, (sentence, quotes) in enumerate(quoted, 1)
    )
    return Section(title, answers, tuple(claims))


_SUPPORT = (0.97, 0.91, 0.72, 0.45, None)


def _source(
    id: str,
    kind: SourceKind,
    url: str,
    title: str,
    *authors: str,
    published: date | None = None,
    note: str = "",
    **more: Any,
) -> Source:
    digest = hashlib.sha256(url.encode()).hexdigest()
    read_at = STARTED + timedelta(seconds=20)
    spans = ((40, 900),)
    return Source(id, kind, url, title, digest, read_at, spans, authors, published, note, **more)


_SOURCES = (
    _source(
        "S1",
        "web",
        "https://trials.example.org/heat-pumps/final-report.pdf?year=2024&part=2",
        "Field trial of heat pumps in 742 homes: final report",
        "Centre for Home Energy",
        published=date(2024, 3, 14),
        page_starts=(0, 20, 600),
    ),
    _source(
        "S2",
        "arxiv",
        "https://arxiv.org/abs/2403.04567v2",
        "Flow temperature and seasonal performance of retrofitted heat pumps",
        "Ingrid Sørensen",
        "Paul O'Neill",
        published=date(2024, 3, 7),
        note=ONLY_ABSTRACT,
        publication=Publication("10.1000/heat.7", "2403.04567", venue="Heat & Homes", citations=12),
    ),
    _source(
        "S3",
        "web",
        "https://radiators.example.com/guide#sizing",
        "Sizing radiators for 45 °C",
        "Mara Klein",
    ),
    _source(
        "S4",
        "corpus",
        "file:///corpus/energy%20bills%20(2025).md",
        "Energy bills of 31 households, 2025",
    ),
    _source(
        "S5",
        "web",
        "https://city.example.net/retrofit",
        "Retrofit advice & grants [2025 edition]",
        "City of Northam",
        published=date(2025, 1, 9),
        work="S1",
        injections=2,
    ),
    _source(
        "S6",
        "arxiv",
        "https://arxiv.org/abs/2501.09876",
        "Draught-proofing first? A causal study of 1,200 homes",
        "Lin Wei",
        "Ingrid Sørensen",
        published=date(2025, 1, 17),
        publication=Publication(arxiv_id="2501.09876", retracted=True, licence="CC BY 4.0"),
    ),
    _source("S7", "web", "https://notes.example.org/opinions", "Some opinions on heating"),
)

_EFFICIENCY: tuple[Quoted, ...] = (
    (
        (
            "Across 742 monitored homes the median seasonal efficiency of air-source heat pumps "
            "was 2.8."
        ),
        (
            (
                "S1",
                (
                    "The median seasonal performance factor of the air-source heat pumps in the "
                    "742 homes was 2.8, measured over the first full heating season."
                ),
            ),
        ),
    ),
    (
        "Houses built before 1919 did not do measurably worse than newer ones in that trial.",
        (
            (
                "S1",
                (
                    "We found no significant difference between homes built before 1919 and later "
                    "ones."
                ),
            ),
        ),
    ),
    (
        "Each degree of lower flow temperature raised the seasonal efficiency by about 2 percent.",
        (
            (
                "S2",
                (
                    "a reduction of the flow temperature by 1 K increased the seasonal performance "
                    "factor by 2.1 %"
                ),
            ),
            ("S3", "Every degree you take off the flow is worth roughly two per cent."),
        ),
    ),
    (
        "Most installations that fell below an efficiency of 2 ran hotter than planned.",
        (
            (
                "S1",
                (
                    "Of the systems below 2.0, four in five ran at flow temperatures above their "
                    "design value."
                ),
            ),
            (
                "S1",
                (
                    "We found no significant difference between homes built before 1919 and later "
                    "ones."
                ),
            ),
        ),
    ),
)
_CHANGES: tuple[Quoted, ...] = (
    (
        "Replacing a third of the radiators was enough to reach 45 °C flow in a typical terrace.",
        (
            (
                "S3",
                (
                    "In our sample terrace, swapping three of nine radiators brought the design "
                    "flow temperature down to 45 °C."
                ),
            ),
        ),
    ),
    (
        (
            "Draught-proofing cut heat demand by 9 percent on average, at the lowest cost per unit "
            "saved."
        ),
        (
            (
                "S6",
                (
                    "Draught-proofing reduced heat demand by 9 % on average and had the lowest "
                    "cost per kilowatt-hour saved."
                ),
            ),
        ),
    ),
    (
        "Wall insulation saved more heat, yet its effect varied widely between homes.",
        (
            (
                "S6",
                (
                    "Wall insulation saved 17 % on average, with an interquartile range from 6 % "
                    "to 29 %."
                ),
            ),
        ),
    ),
    (
        "The city advises weather-compensated controls before any building work.",
        (("S5", "Fit weather-compensated controls first; they need no building work."),),
    ),
)
_COSTS: tuple[Quoted, ...] = (
    (
        "Among 31 households, the median yearly bill rose by 4 percent after the change from gas.",
        (("S4", "Median yearly heating cost: gas 1,180, heat pump 1,227 (+4 %)."),),
    ),
    (
        "Households with a time-of-use tariff paid less than before.",
        (("S4", "The eleven households on a time-of-use tariff paid 9 % less than with gas."),),
    ),
    (
        "Grants cover up to half of the cost of radiators in Northam.",
        (("S5", "The grant pays up to 50 % of radiator replacement."),),
    ),
)
_REACH: tuple[Quoted, ...] = (
    (
        "The trial excluded houses whose installers judged them unsuitable.",
        (
            (
                "S1",
                "Homes deemed unsuitable by the installer - 7 % of applicants - were not enrolled.",
            ),
        ),
    ),
    (
        "The bills come from a single mild winter.",
        (("S4", "All bills are from the winter of 2024/25, which was 1.2 K milder than average."),),
    ),
    (
        "The study of draught-proofing names self-selection as its main limit.",
        (("S6", "Our main limitation is self-selection into early retrofit."),),
    ),
)
