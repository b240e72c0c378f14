"""The file of schedules: strict to read, and a person's words survive what is changed."""

import re
from typing import Any

import pytest

from agent.errors import DeepResearchError, InvalidSchedule, RunUnwritable

WRITTEN = """\
# Ours, for the Monday meeting.
version = 1

# the old one
[schedules.batteries]
topic = 'sodium-ion batteries'   # not lithium
cron = "0 7 * * 1"
max-usd = 0.50
depth = 3

[schedules."固态电池"]
topic = "固态电池"
cron = "@daily"
timezone = "Asia/Shanghai"
jitter = "90s"
"""


@pytest.fixture
def written(machine: Any) -> Any:
    machine.book.path.write_text(WRITTEN, encoding="utf-8")
    return machine


def test_what_a_person_wrote_is_read_with_its_options_understood(written: Any) -> None:
    batteries, solid = written.book.schedules().values()
    assert batteries.asked.question.text == "sodium-ion batteries"
    assert (batteries.asked.question.depth, float(batteries.asked.settings.max_usd)) == (3, 0.5)
    assert (solid.name, solid.rule.timezone, solid.jitter.seconds) == (
        "固态电池",
        "Asia/Shanghai",
        90,
    )


def test_comments_order_and_spelling_survive_every_change(written: Any) -> None:
    book = written.book
    book.pause("batteries")
    assert written.book.schedule("batteries").is_paused
    assert book.path.read_text("utf-8").replace("paused = true\n", "") == WRITTEN
    book.resume("batteries")
    assert book.path.read_text("utf-8") == WRITTEN
    book.add("another", {"topic": "x", "cron": "0 7 * * *", "engine": ["arxiv"], "offline": True})
    assert book.path.read_text("utf-8").startswith(WRITTEN)
    assert written.book.schedule("another").asked.settings.engines == ("arxiv",)
    book.remove("another")
    assert book.path.read_text("utf-8").strip() == WRITTEN.strip()
    book.remove("固态电池")
    assert list(written.book.schedules()) == ["batteries"]
    assert "# not lithium" in book.path.read_text("utf-8")


def test_a_first_schedule_makes_a_file_with_a_version(machine: Any) -> None:
    assert machine.book.schedules() == {}
    machine.add("first", "0 7 * * *")
    assert "\nversion = 1\n" in machine.book.path.read_text()
    assert list(machine.book.schedules()) == ["first"]


def test_every_schedule_removed_leaves_a_file_to_add_to(machine: Any) -> None:
    machine.add("first", "0 7 * * *")
    machine.book.remove("first")
    machine.add("second", "0 7 * * *")
    assert list(machine.book.schedules()) == ["second"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"0 7 * * 1"', '"0 7 * *"', "line 7, schedule batteries: cron: '0 7 * *' is no cron"),
        ("depth = 3", "dept = 3", "line 9, schedule batteries: dept: there is no such option"),
        ("depth = 3", "depth = 30", "line 9, schedule batteries: depth: 30 is not in the range"),
        ("depth = 3", "offline = 1", "line 9, schedule batteries: offline: 1 is of the wrong kind"),
        ("Asia/Shanghai", "Asia/Shangai", "line 14, schedule 固态电池: timezone: no time zone"),
        ('"90s"', '"soon"', "line 15, schedule 固态电池: jitter: 'soon' is none"),
        ('"90s"', '"25h"', "line 15, schedule 固态电池: jitter: '25h' is none"),
        ('"90s"', "90", "line 15, schedule 固态电池: jitter: 90 is of the wrong kind"),
        (
            '"90s"',
            "'0s'\npaused = 'no'",
            "line 16, schedule 固态电池: paused: 'no' is of the wrong",
        ),
        ('topic = "固态电池"', "", "line 11, schedule 固态电池: topic: is missing"),
        ('topic = "固态电池"', 'topic = " "', "line 11, schedule 固态电池: the question is empty"),
        ("cron = ", "corn = ", "line 5, schedule batteries: cron: is missing"),
        ('."固态电池"]', ".batteries]", "at line 11"),
        ("depth = 3", "depth = 3\ndepth = 4", "at line 10"),
        ("version = 1", "version = 2", "version is 2, known is 1"),
        ("version = 1", "", "version is None, known is 1"),
        ("version = 1", "version = 1\ncolour = 3", "'colour' is nothing known here"),
        (".batteries]", '."My Batteries"]', "'My Batteries' is no name"),
        (".batteries]", '."../up"]', "'../up' is no name"),
        ("# the old one", "[schedules]\nnews = 3", "schedule news: this is no table"),
    ],
)
def test_what_is_not_meant_is_refused_with_its_place_and_a_mend(
    written: Any, old: str, new: str, said: str
) -> None:
    assert old in WRITTEN
    written.book.path.write_text(WRITTEN.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidSchedule, match=re.escape(said)) as refused:
        written.book.schedules()
    assert str(written.book.path) in str(refused.value) or "no name" in said


def test_a_name_is_taken_once_and_has_to_be_there(written: Any) -> None:
    with pytest.raises(InvalidSchedule, match="already - name another with --name"):
        written.add("batteries", "0 7 * * *")
    with pytest.raises(InvalidSchedule, match="there are: batteries, 固态电池"):
        written.book.pause("bateries")


def test_what_cannot_be_added_leaves_the_file_as_it_was(written: Any) -> None:
    for cron, more in (("0 7 * *", {}), ("0 7 * * *", {"depth": 99})):
        with pytest.raises(DeepResearchError):
            written.add("another", cron, **more)
    assert written.book.path.read_text("utf-8") == WRITTEN


def test_a_file_that_cannot_be_read_or_written_is_told(machine: Any) -> None:
    machine.book.path.write_bytes(b"\xff")
    with pytest.raises(InvalidSchedule, match="cannot be read"):
        machine.book.schedules()
    machine.folder /= "missing"
    with pytest.raises(RunUnwritable, match="name another with --file"):
        machine.add("first", "0 7 * * *")
