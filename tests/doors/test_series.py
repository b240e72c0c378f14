import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lxml.etree  # type: ignore[import-untyped]
import lxml.html  # type: ignore[import-untyped]
import pytest

from agent.domain.report import Report
from agent.doors.series import predecessor, published
from agent.past_runs import listed

Finish = Callable[..., Report]

ATOM = "{http://www.w3.org/2005/Atom}"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")


@pytest.fixture
def series(tmp_path: Path) -> Path:
    return tmp_path / "series"


def feed_of(series: Path) -> Any:
    return lxml.etree.fromstring((series / "feed.xml").read_bytes())


def one(element: Any, name: str) -> str:
    """Return the text of a child that RFC 4287 wants exactly once."""
    (child,) = element.findall(f"{ATOM}{name}")
    return str(child.text)


def hold_to_rfc_4287(feed: Any) -> None:
    assert feed.tag == f"{ATOM}feed"
    assert one(feed, "title")
    assert feed.find(f"{ATOM}author/{ATOM}name").text
    entries = feed.findall(f"{ATOM}entry")
    ids = [one(element, "id") for element in (feed, *entries)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", id_) for id_ in ids)
    for element in (feed, *entries):
        assert MOMENT.fullmatch(one(element, "updated"))
    for entry in entries:
        assert one(entry, "title")
        (link,) = entry.findall(f"{ATOM}link")
        assert link.get("rel") == "alternate"
        (content,) = entry.findall(f"{ATOM}content")
        assert content.get("type") == "html"
        assert len(content) == 0


def test_the_feed_keeps_to_the_rfc_newest_first_and_links_to_what_is_there(
    finish: Finish, series: Path
) -> None:
    published(series, finish(0))
    published(series, finish(1))
    published(series, finish(2, "new", "changed", "changed"))
    feed = feed_of(series)
    hold_to_rfc_4287(feed)
    titles = [one(entry, "title").partition(" – ")[2] for entry in feed.findall(f"{ATOM}entry")]
    assert titles == ["New 1 · Changed 2", "Nothing has changed", "First report"]
    moments = [one(entry, "updated") for entry in feed.findall(f"{ATOM}entry")]
    assert moments == sorted(moments, reverse=True)
    assert one(feed, "updated") == moments[0]
    for link in feed.iterfind(f"{ATOM}entry/{ATOM}link"):
        assert (series / link.get("href")).is_file()


def test_a_feed_keeps_its_id_and_those_of_its_entries(finish: Finish, series: Path) -> None:
    published(series, finish(0))
    before = {one(x, "id") for x in (feed_of(series), *feed_of(series).iter(f"{ATOM}entry"))}
    published(series, finish(1, "new"))
    after = {one(x, "id") for x in (feed_of(series), *feed_of(series).iter(f"{ATOM}entry"))}
    assert before < after


def test_words_of_strangers_stay_words(finish: Finish, series: Path) -> None:
    finish(0)
    published(series, finish(1, "changed"))
    first = next(feed_of(series).iter(f"{ATOM}entry"))
    page = lxml.html.fromstring(f"<div>{one(first, 'content')}</div>")
    assert not page.xpath("//script | //b")
    assert "<script>alert(1)</script> & ]]>" in page.text_content()
    hrefs = {str(href) for href in page.xpath("//a/@href")}
    run = "2026-03-01-batteries-000001"
    assert hrefs == {"https://a.example/x?a=1&b=2", f"{run}/report.html#claim-1"}


def test_latest_leads_to_the_last_report_and_is_no_run_of_its_own(
    finish: Finish, series: Path
) -> None:
    published(series, finish(0))
    last = finish(1, "new")
    published(series, last)
    assert (series / "latest").resolve().name == last.run.id
    assert not (series / "latest").readlink().is_absolute()
    assert next(run.id for run in listed(series)) == last.run.id
    assert len(listed(series)) == 2
    assert not list(series.glob(".*"))


def test_where_no_links_can_be_made_a_file_names_the_last_report(
    finish: Finish, series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError("a privilege is not held")

    monkeypatch.setattr(Path, "symlink_to", refused)
    report = finish(0)
    published(series, report)
    assert (series / "latest").read_text() == f"{report.run.id}\n"


def test_a_series_goes_on_from_the_last_run_that_found_something_on_the_same_topic(
    finish: Finish, series: Path
) -> None:
    assert predecessor(series, "batteries") == ""
    finish(0)
    last = finish(1, "new")
    finish(2, topic="accumulators")
    assert predecessor(series, " Batteries") == last.run.id
    assert predecessor(series, "batteries of the sea") == ""


def test_a_report_that_cannot_be_read_is_left_out_of_the_feed(finish: Finish, series: Path) -> None:
    broken = finish(0)
    (series / broken.run.id / "report.json").write_text("{")
    published(series, finish(1, "new"))
    assert len(feed_of(series).findall(f"{ATOM}entry")) == 1
