"""Narrows searches: words for what an engine has no option for, and a check of what came back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.adapters.engines.scholarly import web_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from agent.domain.evidence import Hit
    from agent.domain.question import Scope


def with_sites(query: str, scope: Scope) -> str:
    """Return a query with the operators that nearly all web engines know for sites."""
    only = " OR ".join(f"site:{site}" for site in scope.only_sites)
    if len(scope.only_sites) > 1:
        only = f"({only})"
    without = (f"-site:{site}" for site in scope.without_sites)
    return " ".join(filter(None, (query, only, *without)))


def narrowest(ranges: Mapping[int, str], since: date | None) -> str | None:
    """Return the first of the ranges, by days back, that reaches back far enough."""
    if since is None:
        return None
    days = (datetime.now(UTC).date() - since).days
    return next((name for most, name in ranges.items() if days <= most), None)


def admitted(hits: Iterable[Hit], scope: Scope, limit: int) -> Sequence[Hit]:
    """Return up to ``limit`` of the hits that are on the web and within the scope, each once.

    No engine keeps to all that it is asked, and models have their own idea of it.
    """
    by_url: dict[str, Hit] = {}
    for hit in hits:
        if web_addresses(hit.url) and scope.admits(hit.url) and scope.covers(hit.published):
            by_url.setdefault(hit.url, hit)
    return [*by_url.values()][:limit]
