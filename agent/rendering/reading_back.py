"""Reads report.json back into the report it was written from, trusting none of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

from agent.domain import changes, evidence, question
from agent.domain.report import Report
from agent.errors import InvalidQuestion, RunUnknown
from agent.rendering.json_report import SCHEMA

_PUBLICATION: Final = ("doi", "arxiv_id", "pmid", "venue", "citations", "retracted", "licence")

_NAMES: Final[dict[str, Any]] = {
    "Brief": question.Brief,
    "Change": changes.Change,
    "Considered": evidence.Considered,
    "Failure": evidence.Failure,
    "Mapping": Mapping,
    "Predecessor": changes.Predecessor,
    "Question": question.Question,
    "Quoted": changes.Quoted,
    "Source": evidence.Source,
    "SourceKind": question.SourceKind,
    "date": date,
    "datetime": datetime,
}
"""What the values name in their annotations and import only for type checkers."""


def read(text: str) -> Report:
    """Return the report; ``as_json`` of it gives the same text again.

    The passages of its sources are not in report.json, so ``spans`` are empty. Raises RunUnknown
    if the text is not a report in the schema ``deep-research/report/1``.
    """
    try:
        told = json.loads(text)
        if not isinstance(told, dict) or told.get("schema") != SCHEMA:
            raise RunUnknown(f"it is not in the schema {SCHEMA}")
        (report,) = _adapter().validate_python((_as_built(told),))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"][1:]))  # the first is the place in our own tuple
        raise RunUnknown(f"{where}: {first['msg']}") from error
    except (ValueError, TypeError, KeyError, AttributeError, InvalidQuestion) as error:
        raise RunUnknown(f"it is not a report as {SCHEMA} has it: {error!r}") from error
    _hold_together(report)
    return report


@cache
def _adapter() -> TypeAdapter[tuple[Report]]:
    """Return what checks types; its schema takes some tens of milliseconds to build."""
    adapter = TypeAdapter(tuple[Report], config=ConfigDict(defer_build=True))
    adapter.rebuild(_types_namespace=_NAMES)
    return adapter


def _as_built(told: dict[str, Any]) -> dict[str, Any]:
    """Put what the contract tells side by side back where the values have it."""
    run, timing = told["run"], told["timing"]
    return {
        **told,
        "run": {**run, "question": {"text": run["question"], **run.get("options", {})}},
        "brief": {**told["brief"], "language": run["language"]},
        "sources": [_source(source) for source in told["sources"]],
        "considered": [
            {**work, "sub_question": work["sub_question"] or ""}
            for work in told.get("considered", ())
        ],
        "seconds_by_stage": timing["by_stage"],
    }


def _source(told: dict[str, Any]) -> dict[str, Any]:
    publication = {name: told[name] for name in _PUBLICATION if name in told}
    return {**told, "spans": (), "publication": publication}


def _hold_together(report: Report) -> None:
    """Refuse a claim that cites what is not there, and a side that no claim takes."""
    known = {source.id for source in report.sources}
    for claim in report.claims:
        for citation in claim.citations:
            if citation.source not in known:
                raise RunUnknown(f"claim {claim.id} cites {citation.source}, which is no source")
    claims = {claim.id for claim in report.claims}
    for side in (side for dispute in report.disagreements for side in dispute.sides):
        if side.claim not in claims:
            raise RunUnknown(f"a disagreement names {side.claim}, which is no claim")
