"""Writes the report as JSON: a contract for programs, ``deep-research/report/1``."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Final

from agent.domain.report import Verified
from agent.rendering.method import in_order

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from agent.domain.changes import Change, Quoted
    from agent.domain.evidence import Considered, Publication, Source
    from agent.domain.question import Question
    from agent.domain.report import Claim, Report, Usage

SCHEMA: Final = "deep-research/report/1"


def as_json(report: Report) -> str:
    """Return report.json: texts as they are, moments in UTC, cost as a number of US dollars."""
    return json.dumps(_whole(report), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _whole(report: Report) -> dict[str, object]:
    cited = {source.id for source in report.cited}
    return {
        "schema": SCHEMA,
        "run": _run(report),
        "brief": _brief(report),
        "summary": [
            {"sentence": condensed.sentence, "claims": list(condensed.claims)}
            for condensed in report.summary
        ],
        "sections": [
            {
                "title": section.title,
                "answers": list(section.answers),
                "claims": [_claim(claim, report) for claim in section.claims],
            }
            for section in report.sections
        ],
        "dropped": [asdict(drop) for drop in report.dropped],
        "disagreements": [asdict(disagreement) for disagreement in report.disagreements],
        "gaps": list(report.gaps),
        "sources": [_source(source, cited=source.id in cited) for source in report.sources],
        "independent_sources": report.independent,
        "considered": [_considered(work) for work in report.considered],
        "failures": [{"what": failure.what, "why": failure.why} for failure in report.failures],
        "usage": {
            **_spent(report.usage),
            "by_task": _each(report.usage.by_task),
            "by_model": _each(report.usage.by_model),
            "unpriced": sorted(report.usage.unpriced),
        },
        "rounds": report.rounds,
        "timing": _timing(report),
        "cover": asdict(report.cover) if report.cover else None,
        "predecessor": _predecessor(report),
        "changes": [_change(change) for change in report.changes],
    }


def _run(report: Report) -> dict[str, object]:
    run = report.run
    return {
        "id": run.id,
        "question": run.question.text,
        "options": _options(run.question),
        "language": report.brief.language,
        "started": _moment(run.started),
        "finished": _moment(run.finished),
        "status": run.status,
        "reason": run.reason,
    }


def _options(question: Question) -> dict[str, object]:
    """Return how the question was to be researched and written."""
    told = {name: value for name, value in asdict(question).items() if name != "text"}
    days = {name: told[name].isoformat() for name in ("since", "until") if told[name]}
    return told | days


def _brief(report: Report) -> dict[str, object]:
    held = Verified(report.sections)
    return {
        "restated": report.brief.restated,
        "sub_questions": [
            {"id": part.id, "text": part.text, "covered": held.covers(part.id)}
            for part in report.brief.sub_questions
        ],
        "web_queries": list(report.brief.web_queries),
        "arxiv_queries": list(report.brief.arxiv_queries),
    }


def _claim(claim: Claim, report: Report) -> dict[str, object]:
    sources = {source.id: source for source in report.sources}
    return {
        "id": claim.id,
        "sentence": claim.sentence,
        "verdict": claim.verdict,
        "support": claim.support,
        "judge": claim.judge,
        "independent_sources": report.holding(claim),
        "citations": [
            {
                "source": citation.source,
                "passage": citation.passage,
                "quote": citation.quote,
                "start": citation.start,
                "end": citation.end,
                "before": citation.before,
                "page": sources[citation.source].page(citation.start),
            }
            for citation in claim.citations
        ],
    }


def _source(source: Source, *, cited: bool) -> dict[str, object]:
    return {
        "id": source.id,
        "kind": source.kind,
        "url": source.url,
        "title": source.title,
        "authors": list(source.authors),
        "published": source.published.isoformat() if source.published else None,
        "read_at": _moment(source.read_at),
        "sha256": source.sha256,
        "cited": cited,
        "note": source.note,
        "site": source.site,
        "read_url": source.read_url,
        "canonical_url": source.canonical_url,
        "page_starts": list(source.page_starts),
        "work": source.work or source.id,
        "injections": source.injections,
        **_publication(source.publication),
    }


def _considered(work: Considered) -> dict[str, object]:
    return {
        "url": work.url,
        "title": work.title,
        "chosen": work.chosen,
        "why": work.why,
        "sub_question": work.sub_question or None,
        "found_by": list(work.found_by),
    }


def _predecessor(report: Report) -> dict[str, object] | None:
    before = report.predecessor
    return {"run": before.run, "finished": _moment(before.finished)} if before else None


def _change(change: Change) -> dict[str, object]:
    return {
        "kind": change.kind,
        "sentence": change.sentence,
        "before": [_quoted(quoted) for quoted in change.before],
        "after": [_quoted(quoted) for quoted in change.after],
        "claims": list(change.claims),
        "gone": change.gone,
    }


def _quoted(quoted: Quoted) -> dict[str, object]:
    return {**asdict(quoted), "read_at": _moment(quoted.read_at)}


def _publication(work: Publication) -> dict[str, object]:
    return {
        "doi": work.doi,
        "arxiv_id": work.arxiv_id,
        "pmid": work.pmid,
        "venue": work.venue,
        "citations": work.citations,
        "retracted": work.retracted,
        "licence": work.licence,
    }


def _spent(usage: Usage) -> dict[str, object]:
    return {
        "calls": usage.calls,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "usd": float(usage.usd),
    }


def _each(usages: Mapping[str, Usage]) -> dict[str, object]:
    return {name: _spent(usages[name]) for name in sorted(usages)}


def _timing(report: Report) -> dict[str, object]:
    """Return seconds to the millisecond: finer digits are noise."""
    stages = in_order(report.seconds_by_stage)
    total = (report.run.finished - report.run.started).total_seconds()
    return {
        "total_s": round(total, 3),
        "by_stage": {stage: round(seconds, 3) for stage, seconds in stages.items()},
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
