from typing import Any

from agent import wiring
from agent.adapters.postgres import Database
from agent.domain.question import Question
from agent.settings import Settings
from agent.wiring.stored import research_stored, submit_run

Paid = Any

QUESTION = Question("Do long context windows replace retrieval?", sources=("web", "arxiv"))


async def test_a_stored_run_gives_the_report_of_a_local_one(
    database: Database, settings: Settings, paid: Paid
) -> None:
    await wiring.research(QUESTION, settings=settings)  # which fills the cache of pages
    local = await wiring.research(QUESTION, settings=settings)
    run_id = await submit_run(database, QUESTION, settings=settings)
    report = await research_stored(database, None, run_id, settings=settings)
    assert report.run.id == run_id
    assert report.run.status == "complete"
    assert report.claims == local.claims
