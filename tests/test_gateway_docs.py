import re
from pathlib import Path

from gateway_client.config import Config

GUIDE = (Path(__file__).parent.parent / "docs" / "gateway.md").read_text(encoding="utf-8")


def test_the_gateway_toml_of_the_guide_is_one_the_program_reads(tmp_path: Path) -> None:
    block = re.search(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert block
    file = tmp_path / "gateway.toml"
    file.write_text(block[1], encoding="utf-8")
    keys = {"PRIMARY_KEY_1": "one", "PRIMARY_KEY_2": "two"}
    config = Config.from_environment({"GATEWAY_CONFIG": str(file), **keys})
    assert config is not None
    assert config.tiers["deep"] == ("gpt-5.2-pro", "claude-opus-4-5")
    assert config.budget.usd_per_day == 20
    assert config.policy.tasks["translate"] == "light"
