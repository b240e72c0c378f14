"""Sends spans where the usual OTEL_ variables say, if they say so."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from agent.errors import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

WANTED: Final = (
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)
LANGSMITH: Final = ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2")
HIDING: Final = ("LANGSMITH_HIDE_INPUTS", "LANGSMITH_HIDE_OUTPUTS")


@contextmanager
def traced() -> Iterator[None]:
    """Send what happens within it, if that is wanted, and wait until it is sent.

    Raises InvalidSettings for an exporter there is none of. Without the extra ``telemetry`` it says
    so, and nothing is sent.
    """
    _keep_texts_at_home()
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "otlp").strip()
    if exporter == "none" or not any(os.environ.get(name) for name in WANTED):
        yield
        return
    if exporter not in {"otlp", "console"}:
        raise InvalidSettings(
            f"OTEL_TRACES_EXPORTER: {exporter!r} is not known", mend="choose otlp, console or none"
        )
    try:
        provider = _provider(exporter)
    except ImportError:
        click.echo("no spans are sent: pip install 'deep-research-agent[telemetry]'", err=True)
        yield
        return
    try:
        yield
    finally:
        provider.shutdown()


def _provider(exporter: str) -> Any:  # noqa: ANN401 - its types may not be there
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import (
        BatchSpanProcessor,
        ConsoleSpanExporter,
        SpanExporter,
    )

    to: SpanExporter
    if exporter == "console":
        to = ConsoleSpanExporter(out=sys.stderr)
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        to = OTLPSpanExporter()
    name = os.environ.get("OTEL_SERVICE_NAME", "deep-research")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(to))
    trace.set_tracer_provider(provider)
    return provider


def _keep_texts_at_home() -> None:
    """Have LangSmith, if it traces, get no prompts and no answers, unless that was chosen."""
    if any(os.environ.get(name, "").lower() == "true" for name in LANGSMITH):
        for name in HIDING:
            os.environ.setdefault(name, "true")
