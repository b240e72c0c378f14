"""A client for model gateways: routing, failover, a pool of keys and a ledger, under any client.

Everything lives in an HTTP transport, so whatever speaks the OpenAI protocol has it. Importing
this package loads nothing heavy; names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway_client.catalog import Budget, Endpoint, Key, Model
    from gateway_client.client import GatewayClient
    from gateway_client.config import Config, Policy
    from gateway_client.errors import (
        AnswerUnusable,
        BudgetSpent,
        ConfigInvalid,
        ContextExceeded,
        GatewayError,
        JobFailed,
        KeyRefused,
        MaybeAccepted,
        NoModel,
        PriceUnknown,
        QuotaSpent,
        RateLimited,
        RequestRefused,
        TimedOut,
        UnknownModel,
        Unreachable,
        UpstreamFailed,
        WrongModality,
    )
    from gateway_client.ledger import Entry, Ledger, Totals

__all__ = [
    "AnswerUnusable",
    "Budget",
    "BudgetSpent",
    "Config",
    "ConfigInvalid",
    "ContextExceeded",
    "Endpoint",
    "Entry",
    "GatewayClient",
    "GatewayError",
    "JobFailed",
    "Key",
    "KeyRefused",
    "Ledger",
    "MaybeAccepted",
    "Model",
    "NoModel",
    "Policy",
    "PriceUnknown",
    "QuotaSpent",
    "RateLimited",
    "RequestRefused",
    "TimedOut",
    "Totals",
    "UnknownModel",
    "Unreachable",
    "UpstreamFailed",
    "WrongModality",
]

_ELSEWHERE = {
    "Budget": "catalog",
    "Config": "config",
    "Endpoint": "catalog",
    "Entry": "ledger",
    "GatewayClient": "client",
    "Key": "catalog",
    "Ledger": "ledger",
    "Model": "catalog",
    "Policy": "config",
    "Totals": "ledger",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module (PEP 562); what is in no table is an error."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'errors')}"), name)
