"""The shorter way for answers that come in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway_client.exchange import Send
    from gateway_client.faults import Outcome


class ReadsWhole(httpx2.AsyncBaseTransport):
    """A transport that has a shorter way for answers that are no streams."""

    async def whole(self, send: Send, patience: Mapping[str, float | None]) -> Outcome:
        """Ask as an attempt says, in its time, and read the answer; errors are httpx2's.

        ``patience`` are the seconds to ``connect`` and to ``read``, as httpx2 has them.
        """
        raise NotImplementedError
