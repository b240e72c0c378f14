import asyncio
import re
import sys
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from agent.adapters.checkpoints import OURS, Serializer, opened
from agent.domain.evidence import Failure
from agent.domain.question import Brief, Question
from agent.domain.report import (
    Citation,
    Claim,
    Disagreement,
    Report,
    Run,
    Section,
    Side,
    SummarySentence,
    Usage,
)
from agent.errors import RunDamaged
from agent.pipeline import State

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def known_values() -> dict[str, type[Any]]:
    """All dataclasses of the domain, by name."""
    modules = [module for name, module in sys.modules.items() if name.startswith("agent.domain.")]
    values = [value for module in modules for value in vars(module).values()]
    return {value.__name__: value for value in values if isinstance(value, type)}


def test_every_value_a_state_may_hold_is_on_the_list() -> None:
    known = known_values()
    todo, found = [str(kind) for kind in get_type_hints(State).values()], set[type]()
    while todo:
        for name in re.findall(r"[A-Z]\w+", todo.pop()):
            value = known.get(name)
            if value is not None and is_dataclass(value) and value not in found:
                found.add(value)
                todo += [str(field.type) for field in fields(value)]
    assert {Report, Disagreement, Side, SummarySentence, Usage, Question} <= found
    assert found <= set(OURS)


def test_a_report_comes_back_as_it_was() -> None:
    claim = Claim("c1", "It is so.", "held", (Citation("S1", "S1.1", "so", 0, 2),), support=0.5)
    spent = Usage(2, 10, 5, Decimal("0.0000001"), unpriced=("m",))
    report = Report(
        run=Run("id", Question("q", since=NOW.date()), NOW, NOW, "partial", "why"),
        brief=Brief("q", "en", (), ("a",), ()),
        sections=(Section("One", ("q1",), (claim,)),),
        dropped=(),
        gaps=("gap",),
        sources=(),
        failures=(Failure("what", "why"),),
        usage=Usage(2, 10, 5, Decimal("0.1"), by_task={"write": spent}),
        seconds_by_stage={"refine": 0.1},
        summary=(SummarySentence("So.", ("c1",)),),
        disagreements=(Disagreement("x", "number", (Side("c1", "5"), Side("c2", "6"))),),
    )
    serializer = Serializer()
    kind, data = serializer.dumps_typed({"report": report})
    assert serializer.loads_typed((kind, data)) == {"report": report}


def test_no_object_of_a_foreign_class_comes_out_of_a_checkpoint() -> None:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    from agent.domain.prompt import Prompt

    lax = JsonPlusSerializer(allowed_msgpack_modules=True)
    data = lax.dumps_typed({"prompt": Prompt("a", "b")})
    assert not isinstance(Serializer().loads_typed(data)["prompt"], Prompt)


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_text("a text that is longer than the header of a database " * 9)
    with pytest.raises(RunDamaged, match=r"state\.sqlite"):
        async with opened(path) as saver:
            await saver.aget_tuple({"configurable": {"thread_id": "1"}})


async def test_writing_that_was_cut_off_leaves_no_lock_behind(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    thread: Any = {"configurable": {"thread_id": "run", "checkpoint_ns": ""}}
    async with opened(path) as checkpoints:
        await checkpoints.aput(thread, empty_checkpoint(), {}, {})
        cursor = await checkpoints.conn.cursor()  # as the traceback of a cut task holds it
        await cursor.executemany(
            "INSERT INTO writes (thread_id, checkpoint_id, task_id, idx, channel)"
            " VALUES ('run', 'cut', 'task', ?, 'off')",
            [(0,), (1,)],
        )
    async with opened(path) as checkpoints:
        await checkpoints.conn.execute("PRAGMA busy_timeout = 0")
        await checkpoints.aput(thread, empty_checkpoint(), {}, {})
        rows = await checkpoints.conn.execute_fetchall("SELECT count(*) FROM writes")
    assert list(rows) == [(0,)]
    del cursor


async def test_writing_that_goes_on_while_the_file_is_closed_is_committed(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    thread: Any = {"configurable": {"thread_id": "run", "checkpoint_ns": ""}}
    async with opened(path) as checkpoints:
        config: Any = await checkpoints.aput(thread, empty_checkpoint(), {}, {})
        writing = asyncio.create_task(checkpoints.aput_writes(config, [("a", 1)] * 50, "task"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await writing
    async with opened(path) as checkpoints:
        rows = await checkpoints.conn.execute_fetchall("SELECT count(*) FROM writes")
    assert list(rows) == [(50,)]
