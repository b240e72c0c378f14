import os
import socket
from typing import Any

import pytest
from hypothesis import settings

# Machines are noisy, so no example has a deadline; what CI runs must be what it ran before.
settings.register_profile("ours", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "ours")

OURS = ("127.", "::1", "localhost")
VARIABLES = ("GATEWAY_", "OPENAI_", "DEEP_RESEARCH_", "LANGSMITH_", "LANGCHAIN_")


class LeftLoopback(AssertionError):
    """A test reached for an address outside this machine."""


@pytest.fixture(autouse=True)
def no_socket_leaves_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not address[0].startswith(OURS):
            raise LeftLoopback(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def no_settings_leak_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(VARIABLES):
            monkeypatch.delenv(name)
