"""What the environment and gateway.toml may say, and how it is put if they say something wrong."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from gateway_client import Budget, Config, ConfigInvalid, Endpoint, Key, Policy
from gateway_client.catalog import known_output, sure_output

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EXAMPLE = """\
[[endpoint]]
name = "primary"
base_url = "https://gateway.example/v1/"
keys = ["env:KEY_1", "sk-literal"]
weight = 3
models = ["gpt-5.2-pro", "claude-*"]
dialect = "openai"
rpm = 600

[[endpoint]]
name = "spare"
base_url = "http://127.0.0.1:8000/v1"

[tiers]
deep = ["gpt-5.2-pro", "claude-opus-4-5"]

[tasks]
outline = "long"

[models."my-local-model"]
context = 32768
input_usd_per_million = 0
output_usd_per_million = 0.25

[budget]
usd_per_day = 20
"""


def read(**environ: str) -> Config:
    config = Config.from_environment(environ)
    assert config is not None
    return config


def written(folder: Path, text: str) -> Mapping[str, str]:
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return {"GATEWAY_CONFIG": str(path), "KEY_1": "sk-one"}


def problem(folder: Path, text: str) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        Config.from_environment(written(folder, text))
    return str(caught.value)


def test_nothing_set_is_nothing_configured() -> None:
    assert Config.from_environment({}) is None
    assert Config.from_environment({"GATEWAY_API_KEY": " , ", "GATEWAY_BASE_URL": ""}) is None


def test_a_base_url_and_keys_make_one_endpoint_with_a_pool() -> None:
    config = read(GATEWAY_BASE_URL="https://g.example/v1/", GATEWAY_API_KEY="a, b,")
    (endpoint,) = config.endpoints
    assert endpoint.base_url == "https://g.example/v1"
    assert [(key.label, key.secret) for key in endpoint.keys] == [
        ("gateway#1", "a"),
        ("gateway#2", "b"),
    ]
    assert config.tiers == {
        "light": ("gemini-3-flash",),
        "deep": ("gpt-5.2-pro",),
        "long": ("gemini-3-pro",),
    }


def test_a_local_server_needs_no_key() -> None:
    assert read(GATEWAY_BASE_URL="http://localhost:11434/v1").endpoints[0].keys == ()


def test_a_key_alone_means_openai() -> None:
    for family in ("GATEWAY", "OPENAI"):
        config = read(**{f"{family}_API_KEY": "k"})
        assert config.endpoints[0].base_url == "https://api.openai.com/v1"


def test_a_key_of_one_family_is_never_sent_to_the_address_of_the_other() -> None:
    config = read(GATEWAY_BASE_URL="https://g.example/v1", OPENAI_API_KEY="k")
    assert config.endpoints[0].keys == ()


def test_models_can_be_set_for_each_tier_or_for_all() -> None:
    only = read(GATEWAY_API_KEY="k", GATEWAY_MODEL="one", GATEWAY_DEEP_MODEL="two")
    assert only.tiers == {"light": ("one",), "deep": ("two",), "long": ("one",)}


@pytest.mark.parametrize(
    "url",
    [
        "gateway.example/v1",
        "ftp://gateway.example",
        "https://",
        "https://user:word@gateway.example/v1",
        "https://gateway.example/v1?key=1",
        "https://gateway.example/v1/chat/completions",
        "https://gateway.example:port/v1",
        "https://[gateway/v1",
    ],
)
def test_an_address_that_is_none_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"GATEWAY_BASE_URL .*https://gateway\.example/v1"):
        Config.from_environment({"GATEWAY_BASE_URL": url})


def test_a_key_with_traces_of_copying_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        Config.from_environment({"GATEWAY_API_KEY": "“sk-canary”"})
    assert "GATEWAY_API_KEY" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_file_is_read_as_promised(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        config = read(**written(tmp_path, EXAMPLE), GATEWAY_LIGHT_MODEL="mini")
    primary, spare = config.endpoints
    assert (primary.weight, primary.rpm, primary.models) == (3, 600, ("gpt-5.2-pro", "claude-*"))
    assert primary.keys == (
        Key("primary#1", "KEY_1", "sk-one"),
        Key("primary#2", "gateway.toml", "sk-literal"),
    )
    assert (spare.keys, spare.models, spare.weight) == ((), ("*",), 1)
    assert config.tiers["deep"] == ("gpt-5.2-pro", "claude-opus-4-5")
    assert config.tiers["light"] == ("mini",)
    assert config.tiers["long"] == ("gemini-3-pro",)
    assert config.policy.tasks["outline"] == "long"
    assert config.policy.tasks["write"] == "deep"
    assert config.window("my-local-model") == 32768
    assert config.models["my-local-model"].output_usd_per_million == Decimal("0.25")
    assert config.budget.usd_per_day == 20
    assert "endpoint primary holds a key in plain text" in caplog.text
    assert "sk-literal" not in caplog.text


def test_a_file_without_endpoints_uses_those_of_the_environment(tmp_path: Path) -> None:
    environ = {**written(tmp_path, '[tiers]\nlight = ["x"]\n'), "GATEWAY_API_KEY": "k"}
    config = read(**environ)
    assert (config.endpoints[0].name, config.tiers["light"]) == ("gateway", ("x",))
    assert "names no endpoint" in problem(tmp_path, "")


HEAD = '[[endpoint]]\nname = "a"\nbase_url = "http://a.example/v1"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = [", "gateway.toml: "),
        ("surprise = 1", "gateway.toml:1: surprise is not a key of gateway.toml"),
        (HEAD + "wieght = 2", "gateway.toml:4: endpoint.wieght is not a key"),
        (HEAD + "weight = 0", "gateway.toml:4: endpoint.weight must be a whole number above zero"),
        (HEAD + "weight = true", "endpoint.weight must be a whole number"),
        (HEAD + 'keys = "env:A"', "endpoint.keys must be a list of strings"),
        (HEAD + 'keys = ["env:ABSENT"]', "names ABSENT, which is not set: set ABSENT"),
        (HEAD + 'dialect = "gemini"', "endpoint.dialect is 'gemini'"),
        (HEAD + HEAD, "endpoint.name is used twice: a"),
        ('[[endpoint]]\nname = "a"', "endpoint.base_url must be a string"),
        ('[[endpoint]]\nname = "a"\nbase_url = "a"', "base_url of a is not an http(s) address"),
        ("endpoint = 1", "endpoint must be a list of tables, written [[endpoint]]"),
        ("tiers = 1", "tiers must be a table"),
        ("[tiers]\ndeep = []", "gateway.toml:2: tiers.deep names no model"),
        ('[tiers]\nmiddle = ["m"]', "tiers.middle is not a key"),
        ('[tasks]\nwrite = "best"', "tasks.write is 'best', which is no tier"),
        ("[models.m]\ncontext = 0", "models.m.context must be a whole number"),
        ("[models.m]\ninput_usd_per_million = -1", "must be a number that is not negative"),
        ("[budget]\nusd_per_day = nan", "must be a number that is not negative"),
        ('[budget]\nusd_per_day = "20"', "must be a number"),
        ("[budget]\nusd_per_week = 1", "budget.usd_per_week is not a key"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    assert said in problem(tmp_path, text)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigInvalid, match=r"nowhere\.toml: No such file"):
        Config.from_environment({"GATEWAY_CONFIG": "/nowhere.toml"})


def test_a_configuration_that_could_answer_nothing_is_refused() -> None:
    one = Endpoint("one", "http://one.example/v1")
    for endpoints, tiers in (((), None), ((one, one), None), ((one,), {"light": ("x",)})):
        with pytest.raises(ConfigInvalid):
            Config(endpoints, **({"tiers": tiers} if tiers else {}))  # type: ignore[arg-type]


def test_openai_itself_is_asked_for_models_it_has() -> None:
    config = Config.from_environment({"OPENAI_API_KEY": "k"})
    assert config is not None
    assert config.tiers["long"] == ("gpt-5.2", "gpt-4.1")
    named = Config.from_environment({"OPENAI_API_KEY": "k", "GATEWAY_LONG_MODEL": "gpt-9"})
    assert named is not None
    assert named.tiers["long"] == ("gpt-9",)


def test_a_callers_own_tasks_have_tiers() -> None:
    config = Config.from_environment({"GATEWAY_BASE_URL": "http://x/v1"}, tasks={"sing": "light"})
    assert config is not None
    assert config.policy.tasks == {"sing": "light"}


def test_policy_budget_and_modalities_are_read(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        HEAD
        + """dialect = "anthropic"
[policy]
attempts = 3
hedge_seconds = 1.5
first_content_seconds = 20
idle_seconds = 5
retry_ratio = 0.1
[budget]
usd = 1.5
tokens = 1000
usd_per_day = 20
tokens_per_day = 5000
file = "days.jsonl"
allow_unpriced = true
[models.painter]
usd_per_image = 0.04
usd_per_video_second = 0.1
modalities = ["text"]
"""
    )
    config = Config.from_environment({"GATEWAY_CONFIG": str(path)})
    assert config is not None
    assert config.endpoints[0].dialect == "anthropic"
    assert (config.policy.attempts, config.policy.hedge_seconds) == (3, 1.5)
    assert (config.policy.first_content_seconds, config.policy.idle_seconds) == (20, 5)
    assert config.policy.retry_ratio == 0.1
    assert config.policy.deadline_seconds == Policy().deadline_seconds
    assert config.budget == Budget(
        Decimal("1.5"), 1000, Decimal(20), 5000, "days.jsonl", allow_unpriced=True
    )
    assert config.models["painter"].usd_per_image == Decimal("0.04")
    assert config.modalities("painter") == {"text"}
    assert config.modalities("gpt-5.2") == {"text", "image"}
    assert config.modalities("deepseek-v4") == {"text"}
    assert config.modalities("a-stranger") == {"text", "image"}


def test_outputs_of_well_known_families_are_known() -> None:
    made = {"gpt-image-1.5": "image", "sora-2": "video", "openai/veo-3": "video", "x": "text"}
    assert {model: known_output(model) for model in made} == made
    assert sure_output("gemini-3-pro-image") is None
    assert sure_output("x") is None
