from pathlib import Path

import pytest

from agent.errors import InvalidSettings
from agent.settings import PREFIX, read_settings, variables


def test_options_go_before_the_environment_and_it_before_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEEP_RESEARCH_DEPTH", "4")
    monkeypatch.setenv("DEEP_RESEARCH_OUT", "from-environment")
    settings = read_settings(out=Path("from-option"), depth=None)
    assert (settings.out, settings.depth, settings.breadth) == (Path("from-option"), 4, 5)


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEP_RESEARCH_ALLOW_HOSTS", "127.0.0.1:80, [::1]:8080,")
    monkeypatch.setenv("DEEP_RESEARCH_CORPUS", "a,b/c")
    monkeypatch.setenv("DEEP_RESEARCH_ONLY_SITES", "A.org")
    monkeypatch.setenv("DEEP_RESEARCH_ENGINE_URLS", "exa=http://127.0.0.1:1, arxiv=http://x.org/q")
    settings = read_settings()
    assert settings.only_sites == ("a.org",)
    assert settings.engine_urls == {"exa": "http://127.0.0.1:1", "arxiv": "http://x.org/q"}
    assert settings.allow_hosts == {"127.0.0.1:80", "[::1]:8080"}
    assert settings.corpus == (Path("a"), Path("b/c"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEPTH", "0"), ("BREADTH", "x"), ("ARXIV_URL", "ftp://x"), ("ALLOW_HOSTS", "::1"),
        ("PAGE_SECONDS", "-1"), ("NO_SUCH_THING", "1"), ("CONTACT", "me\nX: y"),
        ("ONLY_SITES", "https://a.org"), ("ENGINE_URLS", "exa=file:///x"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_by_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(InvalidSettings, match=PREFIX + name):
        read_settings()


def test_settings_are_frozen_and_all_documented() -> None:
    settings = read_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.depth = 3  # type: ignore[misc]
    assert all(meaning for _, _, meaning in variables())
