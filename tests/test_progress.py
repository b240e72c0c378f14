import pytest

from agent.domain.events import Event
from agent.progress import teller


def tell_all(*, quiet: bool) -> None:
    with teller(quiet=quiet) as tell:
        tell(Event("refine", "started"))
        tell(Event("refine", "3 [bold]queries"))
        tell(Event("retrieve", "started"))
        tell(Event("retrieve", "failed: x"))


def test_a_log_gets_one_plain_line_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    tell_all(quiet=False)
    assert capsys.readouterr().err.splitlines()[:2] == [
        "refine      started", "refine      3 [bold]queries"
    ]  # fmt: skip


def test_a_terminal_keeps_one_line_a_stage_and_every_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    tell_all(quiet=False)
    shown = capsys.readouterr().err
    assert "3 [bold]queries" in shown
    assert "failed: x" in shown


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    tell_all(quiet=True)
    assert capsys.readouterr().err == ""
