"""House templates: a folder of a user's own in the place of ours, and what is wrong with it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from agent import resources, templating
from agent.domain.look import Look
from agent.errors import InvalidSettings, TemplateBroken
from agent.rendering.forms import FORMS
from agent.rendering.reading_back import read
from agent.rendering.words import words_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.domain.report import Report

_FILLED: Final = {"md": "report.md.j2", "html": "report.html.j2", "brief": "brief.md.j2"}
"""The formats that a template writes."""

_PROMPTS: Final = {"cover.md.j2"}
"""What stands beside them and is said to a model."""

_SAMPLES: Final = ("english", "chinese", "empty")
"""One report with something of everything, one in another language, one that found nothing."""

_LOADED: Final = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc\s*=\s*["']?(?!data:)[^"'\s>]"""
    r"""|<link\b[^>]*\bhref|@import|url\(\s*["']?(?!data:|#)""",
    re.IGNORECASE,
)
"""What makes a page fetch something, which a report that is read anywhere must not."""

_TAG: Final = re.compile(r"<[^<>]*>")
_ANCHOR: Final = re.compile(r'href="#([^"]+)"')
_ID: Final = re.compile(r'\bid="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a folder of templates; ``broken`` if no report can be written with it."""

    template: str
    text: str
    broken: bool = False


def names() -> tuple[str, ...]:
    """Return the names that a user's templates may have."""
    found = {path.name for path in _ours().iterdir() if path.is_file()}
    return tuple(sorted(found - _PROMPTS))


def require(folder: Path) -> None:
    """Raise InvalidSettings if a folder is none of templates, TemplateBroken if one is no template.

    A name that is none of ours would be passed over in silence; partials of a user's own begin with
    an underscore.
    """
    if not folder.is_dir():
        raise InvalidSettings(f"{folder} is no folder", mend="name a folder of templates")
    found = sorted(path.name for path in folder.iterdir() if path.is_file())
    unknown = [name for name in found if name not in names() and name[0] not in "._"]
    if unknown or not set(found) & set(names()):
        what = f"{folder / unknown[0]} replaces nothing" if unknown else f"{folder} has no template"
        raise InvalidSettings(what, mend=f"the templates are {', '.join(names())}")
    for name in found:
        if name in names():
            templating.compiled(f"{templating.REPORTS}/{name}", folder)


def checked(folder: Path) -> Iterator[Remark]:
    """Render the sample reports with a folder's templates, and yield what a user should know.

    Raises what ``require`` does.
    """
    require(folder)
    seen = set[Remark]()
    for sample in _SAMPLES:
        report = sample_report(sample)
        for form, template in _FILLED.items():
            for remark in _remarks(report, form, template, folder):
                if remark not in seen:
                    seen.add(remark)
                    yield remark


@cache
def sample_report(name: str) -> Report:
    """Return one of the reports that templates are tried with."""
    path = resources.folder("examples") / "reports" / f"{name}.json"
    return read(path.read_text(encoding="utf-8"))


def copied(folder: Path) -> tuple[Path, ...]:
    """Write our own templates into a folder, to begin with; what is there already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = [name for name in names() if not (folder / name).exists()]
    for name in fresh:
        (folder / name).write_bytes((_ours() / name).read_bytes())
    return tuple(folder / name for name in fresh)


def _remarks(report: Report, form: str, template: str, folder: Path) -> Iterator[Remark]:
    try:
        text = str(FORMS[form].load()(report, Look(templates=folder)))
    except TemplateBroken as error:
        yield Remark(template, str(error), broken=True)
        return
    if form != "brief":  # which leaves out what its page has no room for
        yield from _left_out(report, template, text)
    if form == "html":
        yield from _of_the_page(template, text)


def _left_out(report: Report, template: str, text: str) -> Iterator[Remark]:
    plain = _words(html.unescape(_TAG.sub("", text)))
    if any(_words(claim.sentence) not in plain for claim in report.claims):
        yield Remark(template, "sentences of the report are left out")
    quotes = {citation.quote for claim in report.claims for citation in claim.citations}
    if any(_words(quote) not in plain for quote in quotes):
        yield Remark(template, "quotes are left out: readers cannot check what a sentence rests on")
    reason = words_for(report.brief.language).tell(report.run.reason)
    if reason and _words(reason) not in plain:
        yield Remark(template, "it does not say why a report is partial or empty")


def _of_the_page(template: str, page: str) -> Iterator[Remark]:
    if "Content-Security-Policy" not in page:
        yield Remark(template, "the page has no Content-Security-Policy")
    if _LOADED.search(page):
        yield Remark(template, "the page loads something from elsewhere")
    dead = sorted(set(_ANCHOR.findall(page)) - set(_ID.findall(page)))
    if dead:
        yield Remark(template, f"links within the page lead nowhere: #{dead[0]}")


def _words(text: str) -> str:
    """Return letters and digits alone: whatever a markup does around them."""
    return "".join(filter(str.isalnum, text))


def _ours() -> Path:
    return resources.folder("templates") / templating.REPORTS
