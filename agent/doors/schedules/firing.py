"""What a fire does: one run in the folder of its series, which is then published and delivered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from agent import past_runs, wiring
from agent.domain.events import Event
from agent.doors import series
from agent.doors.delivery import Parcel, deliver
from agent.errors import RunUnwritable

if TYPE_CHECKING:
    from agent.domain.report import Report
    from agent.doors.schedules.fires import Fire
    from agent.past_runs import Listed
    from agent.running import Host


async def fire(fire: Fire, host: Host) -> Report:
    """Research what a schedule asks, and return the report; raises the errors of ``agent.errors``.

    It goes on from the last report of the series. One that is taken up goes on with its run, or
    takes it as it is if it did end; that may be delivered twice. A series that cannot be published
    fails no run that is done.
    """
    report = await _researched(fire, host)
    try:
        await asyncio.to_thread(series.published, fire.series, report)
    except RunUnwritable as error:
        host.tell(Event("render", f"failed: {error}", "failed"))
    if fire.schedule.delivery is not None:
        parcel = Parcel(report, fire.series / report.run.id, fire.schedule.name)
        await deliver(fire.schedule.delivery, parcel, tell=host.tell)
    return report


async def _researched(fire: Fire, host: Host) -> Report:
    asked = fire.schedule.asked
    settings = asked.settings.model_copy(update={"out": fire.series})
    begun = _begun(fire)
    if begun is None:
        before = (
            "" if fire.schedule.is_anew else series.predecessor(fire.series, asked.question.text)
        )
        question = replace(asked.question, predecessor=before)
        return await wiring.research(question, settings=settings, host=host, formats=asked.formats)
    if begun.status == "stopped":
        return await wiring.resume(begun.id, settings=settings, host=host)
    report, _ = past_runs.report(begun.id, fire.series)
    return report


def _begun(fire: Fire) -> Listed | None:
    """Return the run of a fire that was begun by a process that was killed."""
    if not fire.is_taken_up:
        return None
    runs = past_runs.listed(fire.series)
    return next((run for run in runs if run.started >= fire.began), None)
