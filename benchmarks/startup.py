"""Wall time of the whole demo against the bare imports it cannot do without, in turns.

Prints one JSON object: seconds of each (median) and the median ratio of the pairs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time

PAIRS = 7
IMPORTS = "import langgraph.graph, langchain_openai, trafilatura, arxiv"
DEMO = "from agent.cli import main; main(['demo', '--quiet', '--json'])"


def seconds(code: str, folder: str) -> float:
    """Return how long a fresh interpreter takes for some code."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=folder, capture_output=True)  # noqa: S603 - our own code
    return time.perf_counter() - started


def main() -> None:
    """Time the two in turns, after one round to warm the disk's cache."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = [(seconds(DEMO, folder), seconds(IMPORTS, folder)) for _ in range(PAIRS + 1)][1:]
    result = {
        "demo_s": round(statistics.median(demo for demo, _ in pairs), 3),
        "imports_s": round(statistics.median(imports for _, imports in pairs), 3),
        "ratio": round(statistics.median(demo / imports for demo, imports in pairs), 3),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
