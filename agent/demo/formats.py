"""Writes what a server of the demo world answers: HTML pages, SearXNG's JSON, arXiv's Atom."""

from __future__ import annotations

import json
from functools import cache
from html import escape
from string import Template
from typing import TYPE_CHECKING, Final

from agent.demo import texts
from agent.demo.ranking import excerpt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.demo.texts import Text

ENGINE: Final = "demo"
FEED = Template(
    """\
<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" \
xmlns:arxiv="http://arxiv.org/schemas/atom">
<id>$base/api/query</id>
<title>arXiv Query: $query</title>
<updated>2026-06-01T00:00:00Z</updated>
<opensearch:itemsPerPage>$size</opensearch:itemsPerPage>
<opensearch:totalResults>$total</opensearch:totalResults>
<opensearch:startIndex>$start</opensearch:startIndex>
$entries
</feed>
"""
)
ENTRY = Template(
    """\
<entry>
<id>$base/abs/$id</id>
<title>$title</title>
<updated>${updated}T12:00:00Z</updated>
<link href="$base/abs/$id" rel="alternate" type="text/html"/>
<link href="$base/pdf/$id" rel="related" type="application/pdf" title="pdf"/>
<summary>$summary</summary>
<published>${published}T12:00:00Z</published>
<arxiv:primary_category term="$primary"/>
$more
</entry>"""
)
ERROR_ENTRY = Template(
    """\
<entry>
<id>$base/api/errors</id>
<title>Error</title>
<summary>$message</summary>
<updated>2026-06-01T00:00:00Z</updated>
<author><name>arXiv api core</name></author>
</entry>"""
)


@cache
def template(name: str) -> Template:
    """Return a page template of the demo world."""
    return Template((texts.folder() / name).read_text("utf-8"))


def html_page(text: Text, base: str) -> str:
    """Write a page as sites do: the article, and everything around it."""
    fields = {
        "url": base + text.path,
        "title": text.title,
        "site": text.site,
        "author": ", ".join(text.authors),
        "date": text.published.isoformat(),
        "language": text.language,
        "id": text.id,
        "categories": "; ".join(text.categories),
    }
    article = escape(text.abstract) or "\n".join(map(html_block, text.blocks))
    name = "abstract.html" if text.kind == "paper" else "page.html"
    escaped = {field: escape(value) for field, value in fields.items()}
    return template(name).substitute(escaped, article=article)


def html_block(block: str) -> str:
    """Write one paragraph or heading."""
    if block.startswith("## "):
        return f"<h2>{escape(block.removeprefix('## '))}</h2>"
    return f"<p>{escape(block)}</p>"


def search_json(query: str, found: Sequence[tuple[float, Text]], base: str, window: slice) -> str:
    """Write one page of results as SearXNG's JSON."""
    answer = {
        "query": query,
        "number_of_results": len(found),
        "results": [search_result(query, score, text, base) for score, text in found[window]],
        "answers": [],
        "corrections": [],
        "infoboxes": [],
        "suggestions": [],
        "unresponsive_engines": [],
    }
    return json.dumps(answer, ensure_ascii=False)


def search_result(query: str, score: float, text: Text, base: str) -> dict[str, object]:
    """Write one result as SearXNG does."""
    return {
        "url": base + text.path,
        "title": text.title,
        "content": excerpt(text, query),
        "publishedDate": f"{text.published.isoformat()}T00:00:00",
        "engine": ENGINE,
        "engines": [ENGINE],
        "score": round(score, 3),
        "category": "general",
    }


def feed(query: str, found: Sequence[Text], base: str, window: range) -> str:
    """Write one page of results as arXiv's Atom feed."""
    entries = [feed_entry(paper, base) for paper in found[window.start : window.stop]]
    return feed_of("\n".join(entries), query, base, window, total=len(found))


def error_feed(message: str, query: str, base: str) -> str:
    """Write the feed with which arXiv answers what it does not understand."""
    entry = ERROR_ENTRY.substitute(base=base, message=escape(message))
    return feed_of(entry, query, base, range(1), total=1)


def feed_of(entries: str, query: str, base: str, window: range, *, total: int) -> str:
    """Put entries into a feed."""
    return FEED.substitute(
        entries=entries,
        query=escape(query),
        base=base,
        start=window.start,
        size=len(window),
        total=total,
    )


def feed_entry(paper: Text, base: str) -> str:
    """Write one paper as arXiv does."""
    authors = [f"<author><name>{escape(name)}</name></author>" for name in paper.authors]
    categories = [f'<category term="{escape(name)}"/>' for name in paper.categories]
    return ENTRY.substitute(
        base=base,
        id=paper.versioned_id,
        title=escape(paper.title),
        summary=escape(paper.abstract),
        published=paper.published.isoformat(),
        updated=paper.updated.isoformat(),
        primary=escape(paper.categories[0]),
        more="\n".join(authors + categories),
    )
