"""OpenTelemetry spans over a run and its parts; nothing at all where nobody loaded OpenTelemetry.

What is said of a part are counts, kinds and the names of runs, engines and hosts: no query, no text
that was read, no address of a page.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

Value = str | int | float | bool

PREFIX: Final = "deep_research."


class Span:
    """One part of a run as it is told; takes attributes, and drops them where nobody listens."""

    def __init__(self, span: Any = None) -> None:  # noqa: ANN401 - its types may not be there
        self._span = span

    def note(self, **attributes: Value) -> None:
        """Add attributes, whose names get our prefix."""
        if self._span is not None:
            for name, value in attributes.items():
                self._span.set_attribute(PREFIX + name, value)

    def fail(self, kind: str) -> None:
        """Say that it failed, by the name of the error."""
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - it is loaded

            self._span.set_status(Status(StatusCode.ERROR, kind))


@contextmanager
def span(name: str, **attributes: Value) -> Iterator[Span]:
    """Tell of a part while it lasts; parts that begin within it, also model calls, are below it.

    An error that ends it is told by its name: its text may quote what was asked or read.
    """
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        yield Span()
        return
    tracer = trace.get_tracer("deep_research")
    with tracer.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False
    ) as made:
        told = Span(made if made.is_recording() else None)
        told.note(**attributes)
        try:
            yield told
        except BaseException as error:
            told.fail(type(error).__name__)
            raise
