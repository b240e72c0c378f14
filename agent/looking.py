"""Shows what the pipeline would see: of a page, and of a search."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent import wiring
from agent.domain.arxiv_query import mended
from agent.domain.fusion import Ranking, fuse
from agent.errors import PageUnreadable, SearchFailed, SearchUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from agent.domain.evidence import Hit, Page
    from agent.domain.fusion import Candidate
    from agent.domain.question import Scope
    from agent.ports import SearchEngine
    from agent.settings import Settings


@dataclass(frozen=True, slots=True)
class Seen:
    """One address or file, and its page, or why there is none."""

    asked: str
    page: Page | None
    reason: str = ""

    def as_json(self) -> str:
        """Return one line of JSON: ``url``, ``ok``, ``reason``, and all that is known of a page."""
        told: dict[str, object] = {
            "url": self.asked,
            "ok": self.page is not None,
            "reason": self.reason,
        }
        if self.page is not None:
            page = asdict(self.page)
            told |= {"title": page.pop("title"), "text": page.pop("text")}
            told |= {"read_url": page.pop("url"), **page.pop("publication"), **page}
        return json.dumps(told, ensure_ascii=False, default=str)

    def as_text(self) -> str:
        """Return the page for people: a few lines about it, and its text."""
        if self.page is None:
            return f"{self.asked}\n  not read: {self.reason}\n"
        page = self.page
        about = {
            "title": page.title,
            "read at": page.url if page.url != self.asked else "",
            "site": page.site,
            "authors": ", ".join(page.authors),
            "published": page.published,
            "licence": page.publication.licence,
            "doi": page.publication.doi,
            "pages": len(page.page_starts) or "",
            "orders to models": len(page.injections or ()) or "",
        }
        lines = [f"  {name}: {value}" for name, value in about.items() if value]
        return "\n".join([self.asked, *lines, "", page.text, ""])


@dataclass(frozen=True, slots=True)
class Answer:
    """What one engine answered; ``hits`` is None if it failed."""

    engine: str
    kind: str
    query: str
    hits: Sequence[Hit] | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """What all engines answered to one query, and the one ranking made of it."""

    query: str
    answers: tuple[Answer, ...]
    fused: tuple[Candidate, ...]

    def as_json(self) -> str:
        """Return one line of JSON."""
        told = {
            "query": self.query,
            "engines": [
                {
                    "name": answer.engine,
                    "kind": answer.kind,
                    "query": answer.query,
                    "ok": answer.hits is not None,
                    "reason": answer.reason,
                    "hits": [asdict(hit) for hit in answer.hits or ()],
                }
                for answer in self.answers
            ],
            "fused": [
                {
                    "url": one.hit.url,
                    "title": one.hit.title,
                    "score": round(one.score, 6),
                    "found_by": [
                        {"engine": found.engine, "rank": found.rank} for found in one.found_by
                    ],
                }
                for one in self.fused
            ],
        }
        return json.dumps(told, ensure_ascii=False, default=str)

    def as_text(self) -> str:
        """Return all that for people."""
        lines = []
        for answer in self.answers:
            found = f"{len(answer.hits)} hits" if answer.hits is not None else answer.reason
            lines.append(f"{answer.engine} ({answer.kind}), {answer.query}: {found}")
        for number, one in enumerate(self.fused, 1):
            by = ", ".join(f"{found.engine} {found.rank}" for found in one.found_by)
            lines += ["", f"{number}. {one.hit.title or one.hit.url}", f"   {one.hit.url}"]
            lines += [f"   {one.hit.snippet}"] if one.hit.snippet else []
            lines.append(f"   found by {by}")
        return "\n".join(lines)


async def read(addresses: Sequence[str], settings: Settings) -> AsyncIterator[Seen]:
    """Yield what is seen of each address or file, in the order given, read side by side."""
    places = asyncio.Semaphore(settings.reads_at_once)
    async with wiring.open_reading(settings) as reading:

        async def one(address: str) -> Seen:
            async with places:
                try:
                    return Seen(address, await _page(address, reading))
                except PageUnreadable as error:
                    return Seen(address, None, " ".join(str(error).split()))

        async with asyncio.TaskGroup() as group:
            for task in [group.create_task(one(address)) for address in addresses]:
                yield await task


async def _page(address: str, reading: wiring.Reading) -> Page:
    """Read a file if the address is the path of one, else a web page; never a file: address."""
    found = await asyncio.to_thread(_file, address) if "://" not in address else None
    if found is None:
        return await reading.web.read(address)
    body, url = found
    return await reading.parser.parse(body, "", "", url)


def _file(address: str) -> tuple[bytes, str] | None:
    """Return what is in a file, and its address; None if there is no such file."""
    path = Path(address)
    try:
        return (path.read_bytes(), path.resolve().as_uri()) if path.is_file() else None
    except (OSError, ValueError) as error:
        raise PageUnreadable(f"{address} cannot be read: {error}") from error


async def search(query: str, settings: Settings, scope: Scope, limit: int) -> Looked:
    """Ask every engine; raises SearchUnavailable if none of them answered."""
    async with wiring.open_engines(settings) as engines:
        answers = await asyncio.gather(*(_ask(one, query, scope, limit) for one in engines))
    if all(answer.hits is None for answer in answers):
        reasons = "; ".join(dict.fromkeys(answer.reason for answer in answers))
        raise SearchUnavailable(f"no search came back: {reasons}", mend="try deep-research doctor")
    rankings = [
        Ranking(answer.engine, answer.query, tuple(answer.hits or ())) for answer in answers
    ]
    return Looked(query, tuple(answers), fuse(rankings))


async def _ask(engine: SearchEngine, query: str, scope: Scope, limit: int) -> Answer:
    asked = mended(query) if engine.kind == "arxiv" else query
    try:
        hits = await engine.search(asked, limit=limit, scope=scope)
    except SearchFailed as error:
        return Answer(engine.name, engine.kind, asked, None, " ".join(str(error).split()))
    return Answer(engine.name, engine.kind, asked, hits)
