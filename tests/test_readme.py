import re
import subprocess
import sys
from pathlib import Path

from click import Context

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_short_and_its_first_screen_holds_promise_command_and_result() -> None:
    lines = README.splitlines()
    assert len(lines) < 150
    first_screen = "\n".join(lines[:30])
    assert "every sentence rests on a quote" in first_screen
    assert "deep-research demo" in first_screen
    assert "report.html" in first_screen


def test_the_file_tree_names_what_is_there_and_nothing_else() -> None:
    block = re.search(r"```\n(├── agent/.*?)```", README, re.DOTALL)
    assert block
    named = {"": set[str](), "agent": set[str]()}
    for line in block[1].splitlines():
        found = re.match(r"(│   )?[├└]── (\S+)", line)
        assert found, line
        named["agent" if found[1] else ""].add(found[2].rstrip("/"))
    assert all((ROOT / name).exists() for name in named[""])
    there = {path.name for path in (ROOT / "agent").iterdir()}
    assert named["agent"] == {n for n in there if not n.startswith("__")} - {"py.typed"}


def test_the_settings_table_is_the_codes() -> None:
    script = ROOT / "docs" / "settings_table.py"
    done = subprocess.run([sys.executable, script, "--check"], check=False, capture_output=True)  # noqa: S603 - our own script
    assert done.returncode == 0, done.stderr.decode()


def test_every_command_of_the_readme_is_one_the_program_knows() -> None:
    from agent.cli import cli

    named = set(re.findall(r"^\| `([a-z]+)[^`]*` \|", README, re.MULTILINE))
    assert named == set(cli.list_commands(Context(cli)))


def test_the_chinese_readme_knows_the_same_commands() -> None:
    chinese = (ROOT / "docs" / "README.zh-CN.md").read_text(encoding="utf-8")
    pattern = re.compile(r"^\| `([a-z]+)[^`]*` \|", re.MULTILINE)
    assert set(pattern.findall(chinese)) == set(pattern.findall(README))
    install = re.search(r"python3 -m venv .venv && .*-e '\.\[dev\]'.*", README)
    assert install
    assert install[0] in chinese
