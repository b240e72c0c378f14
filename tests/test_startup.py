import json
import subprocess
import sys

import pytest

HEAVY = {
    "langgraph",
    "langchain_core",
    "langchain_openai",
    "openai",
    "trafilatura",
    "arxiv",
    "ddgs",
}

PROBE = """
import json, sys
try:
    {code}
except SystemExit:
    pass
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "code",
    [
        "import agent",
        "import gateway_client",
        "from agent.cli import main; main(['--help'])",
        "from agent.cli import main; main(['--version'])",
        "from agent.cli import main; main(['run', '--help'])",
        "from agent.cli import main; main(['schedule', 'list'])",
        "from agent.cli import main; main(['gateway', '--help'])",
        "from agent.cli import main; main(['gateway', 'route', 'hello'])",
        "from agent.cli import main; main(['show', 'latest', '--out', '/nonexistent'])",
    ],
)
def test_what_answers_at_once_loads_nothing_heavy(code: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", PROBE.format(code=code)], check=True, capture_output=True, text=True
    )
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert loaded & HEAVY == set()
    assert "json" in loaded
