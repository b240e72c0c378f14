"""What a person at a terminal can do while a run goes on: answer what it asks, and stop it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from agent.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from agent.progress import Watcher
    from agent.running import Answering
    from agent.stages.limits import Brake

BY_HAND: Final = "it was stopped by hand"
STOPPING: Final = "stopping: what was found is written and verified; again to stop at once"
Result = TypeVar("Result")
PARTS: Final = ("restated", "sub_questions", "web_queries", "arxiv_queries")


async def braked(work: Coroutine[None, None, Result], brake: Brake, watcher: Watcher) -> Result:
    """Do the work; the first interrupt pulls the brake, the second ends it where it is.

    Raises KeyboardInterrupt after the second.
    """
    task = asyncio.ensure_future(work)

    def stop() -> None:
        if brake.is_pulled:
            task.cancel()
        else:
            watcher.say(STOPPING)
            brake.pull(BY_HAND)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # on Windows an interrupt ends the run where it is
            break
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def answering(watcher: Watcher) -> Answering | None:
    """Return what puts questions to the person, or None where there is nobody at a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    async def answer(asked: Mapping[str, Any]) -> object:
        with watcher.paused():
            ask = _clarity if asked["kind"] == "clarity" else _plan
            return await asyncio.to_thread(ask, asked)

    return answer


def _clarity(asked: Mapping[str, Any]) -> list[str]:
    click.echo("Before the search (Enter passes over a question):", err=True)
    return [
        click.prompt(question, default="", show_default=False, err=True)
        for question in asked["questions"]
    ]


def _plan(asked: Mapping[str, Any]) -> object:
    """Show the plan until it is accepted, edited or given up."""
    click.echo(_shown(asked), err=True)
    choice = click.prompt(
        "Go on (g), edit (e) or quit (q)",
        type=click.Choice(["g", "e", "q"]),
        default="g",
        show_choices=False,
        err=True,
    )
    if choice == "q":
        raise InvalidInput("the plan was not accepted", mend="ask again in other words")
    return _edited(asked) if choice == "e" else True


def _shown(asked: Mapping[str, Any]) -> str:
    lines = [f"\n{asked['restated']}\n", *(f"  - {part}" for part in asked["sub_questions"])]
    for name, queries in (("web", asked["web_queries"]), ("arXiv", asked["arxiv_queries"])):
        lines += [f"\n{name} queries", *(f"  {query}" for query in queries)]
    return "\n".join(lines)


def _edited(asked: Mapping[str, Any]) -> object:
    """Return the plan as it was left in the person's editor."""
    text = json.dumps({name: asked[name] for name in PARTS}, ensure_ascii=False, indent=2)
    while True:
        text = click.edit(text, extension=".json") or text
        try:
            return json.loads(text)
        except ValueError as error:
            click.echo(f"this is no JSON: {error}", err=True)
            click.confirm("Edit it again?", default=True, abort=True, err=True)
