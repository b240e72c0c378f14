"""What a fire does: one run in the folder of its series, told to whoever follows that."""

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

    The report tells first what has changed since the last one on the same topic. Then ``latest``
    and the feed of the series are brought up to date, and the report is delivered, if the schedule
    says where to; neither can fail a run that is done.
    """
    report = await _report(fire, host)
    try:
        await asyncio.to_thread(series.published, fire.series, report)
    except RunUnwritable as error:
        host.tell(Event("render", f"failed: {error}", "failed"))
    schedule = fire.schedule
    if schedule.deliver is not None:
        parcel = Parcel(report, fire.series / report.run.id, schedule.name)
        await deliver(schedule.deliver, parcel, tell=host.tell)
    return report


async def _report(fire: Fire, host: Host) -> Report:
    """Return the report of a fire; one taken up goes on with its run, or takes it if it did end."""
    asked = fire.schedule.asked
    settings = asked.settings.model_copy(update={"out": fire.series})
    begun = _begun(fire)
    if begun is None:
        predecessor = series.predecessor(fire.series, asked.question.text)
        question = replace(asked.question, predecessor=predecessor)
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
