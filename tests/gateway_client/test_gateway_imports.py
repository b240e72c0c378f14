"""Importing costs next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gateway_client


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = (
        "import sys, gateway_client\n"
        "heavy = {'openai', 'langchain_openai', 'langchain_core', 'httpx', 'httpx2', 'pydantic'}\n"
        "assert not heavy & set(sys.modules)\n"
        "gateway_client.Config\n"
        "assert not heavy & set(sys.modules)\n"
        "gateway_client.GatewayClient\n"
        "assert not heavy - {'httpx2'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603 - our own program


def test_every_public_name_is_there_and_others_are_not() -> None:
    for name in gateway_client.__all__:
        assert getattr(gateway_client, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = gateway_client.nonsense
