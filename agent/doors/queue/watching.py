"""Tells machines how a worker is: whether it is well, and numbers for Prometheus."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from agent.domain.report import Report
    from agent.doors.queue.jobs import Queue
    from agent.doors.queue.worker import Worker

RUN_SECONDS: Final = (5, 15, 30, 60, 120, 300, 600, 1200, 3600)
STATES: Final = ("waiting", "running", "failed", "cancelled")


class Numbers:
    """What this worker did, and how long the queue of all of them is."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        name = "deep_research"
        self._queue = Gauge(
            f"{name}_queue_runs", "Runs in the queue, of all workers", ["state"],
            registry=self._registry,
        )  # fmt: skip
        self._going = Gauge(
            f"{name}_runs_in_progress", "Runs this worker carries out now",
            registry=self._registry,
        )  # fmt: skip
        self._runs = Counter(
            f"{name}_runs", "Reports this worker finished", ["status"], registry=self._registry
        )
        self._failures = Counter(
            f"{name}_failures", "Runs that failed here", ["kind"], registry=self._registry
        )
        self._seconds = Histogram(
            f"{name}_run_seconds", "From the beginning of a run to its report",
            buckets=RUN_SECONDS, registry=self._registry,
        )  # fmt: skip
        self._usd = Counter(
            f"{name}_cost_usd", "US dollars paid for finished reports", registry=self._registry
        )
        self._tokens = Counter(
            f"{name}_tokens", "Tokens of finished reports", ["kind"], registry=self._registry
        )
        self._sentences = Counter(
            f"{name}_sentences", "Sentences that were written, by what verification made of them",
            ["verdict"], registry=self._registry,
        )  # fmt: skip

    def ended(self, _: str, report: Report) -> None:
        """Count a report."""
        run, usage = report.run, report.usage
        self._runs.labels(run.status).inc()
        self._seconds.observe((run.finished - run.started).total_seconds())
        self._usd.inc(float(usage.usd))
        self._tokens.labels("input").inc(usage.input_tokens)
        self._tokens.labels("output").inc(usage.output_tokens)
        self._sentences.labels("held").inc(len(report.claims))
        self._sentences.labels("dropped").inc(len(report.dropped))

    def failed(self, _run: str, kind: str, _why: str) -> None:
        """Count a run that failed, by the kind of its error."""
        self._failures.labels(kind).inc()

    def text(self, depths: dict[str, int], going: int) -> bytes:
        """Return everything in the text form of Prometheus."""
        for state in STATES:
            self._queue.labels(state).set(depths.get(state, 0))
        self._going.set(going)
        return generate_latest(self._registry)


def application(queue: Queue, worker: Worker, numbers: Numbers) -> Starlette:
    """Return what answers ``/health`` and ``/metrics``."""

    async def health(_: Request) -> Response:
        try:
            await queue.database.require_current()
        except DatabaseUnavailable as error:
            return JSONResponse({"ok": False, "why": str(error)}, status_code=503)
        return JSONResponse({"ok": True, "runs": sorted(worker.runs)})

    async def metrics(_: Request) -> Response:
        text = numbers.text(await queue.depths(), len(worker.runs))
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/health", health), Route("/metrics", metrics)])


class Server(uvicorn.Server):
    """A server that leaves signals to the worker."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def server(app: Starlette, host: str, port: int) -> Server:
    """Return the server; its ``serve`` runs until ``should_exit`` is set."""
    return Server(
        uvicorn.Config(
            app, host=host, port=port, access_log=False, server_header=False, log_config=None
        )
    )
