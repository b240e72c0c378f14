import asyncio
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from agent.adapters.turnstile import Turnstile

SPACING = 0.2
PASSER = """
import asyncio, sys, time
from pathlib import Path
from agent.adapters.turnstile import Turnstile

async def main():
    turnstile = Turnstile(Path(sys.argv[1]), float(sys.argv[2]))
    for _ in range(int(sys.argv[3])):
        async with turnstile.turn():
            print(time.time(), flush=True)

asyncio.run(main())
"""
HOLDER = """
import asyncio, sys
from pathlib import Path
from agent.adapters.turnstile import Turnstile

async def main():
    async with Turnstile(Path(sys.argv[1]), 0.0).turn():
        print("mine", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def started(program: str, *arguments: object) -> asyncio.subprocess.Process:
    words = [str(argument) for argument in arguments]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *words, stdout=asyncio.subprocess.PIPE
    )


async def test_processes_in_parallel_keep_their_distance(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "service"
    processes = [await started(PASSER, path, SPACING, 2) for _ in range(4)]
    outputs = [(await process.communicate())[0] for process in processes]
    moments = sorted(float(line) for output in outputs for line in output.split())
    assert len(moments) == 8
    assert all(later - earlier >= SPACING for earlier, later in pairwise(moments))


async def test_a_process_that_is_killed_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "service"
    holder = await started(HOLDER, path)
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"mine\n"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1), Turnstile(path, 0).turn():
            pass
    holder.kill()
    await holder.communicate()
    async with asyncio.timeout(1), Turnstile(path, 0).turn():
        pass


async def test_tasks_of_one_process_keep_their_distance_and_the_loop_goes_on(
    tmp_path: Path,
) -> None:
    turnstile = Turnstile(tmp_path / "service", 0.1)
    moments, ticks = [], 0

    async def passing() -> None:
        async with turnstile.turn():
            moments.append(time.time())

    async def ticking() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    clock = asyncio.create_task(ticking())
    await asyncio.gather(passing(), passing(), passing())
    clock.cancel()
    assert all(later - earlier >= 0.1 for earlier, later in pairwise(moments))
    assert ticks > 5


async def test_whoever_gives_up_waiting_leaves_no_trace(tmp_path: Path) -> None:
    turnstile = Turnstile(tmp_path / "service", 0.3)
    async with turnstile.turn():
        pass
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02), turnstile.turn():
                pass
    async with turnstile.turn():
        pass
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize(
    "written", [b"", b"nonsense", b"\xff\xfe", b"99999999999.0", b"inf", b"nan"]
)
async def test_a_file_that_tells_nothing_true_delays_by_one_spacing_at_most(
    tmp_path: Path, written: bytes
) -> None:
    path = tmp_path / "service"
    path.write_bytes(written)
    async with asyncio.timeout(1), Turnstile(path, 0.05).turn():
        pass


async def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        async with Turnstile(tmp_path / "file" / "service", 0).turn():
            pass


def test_the_shared_turnstile_lies_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Turnstile.shared("arxiv", 3).path.is_relative_to(tmp_path)
