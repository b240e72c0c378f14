"""Reads gateway.toml strictly: every unknown or ill-typed key is named, with file and line."""

from __future__ import annotations

import logging
import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from gateway_client.catalog import (
    DIALECTS,
    TIERS,
    Budget,
    Endpoint,
    Key,
    Model,
    clean_base_url,
)
from gateway_client.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway_client.catalog import Tier

VARIABLE: Final = re.compile("[A-Z_][A-Z0-9_]*")
"""What the name of a variable looks like; anything else may be a key put in its place."""

POLICY_SECONDS: Final = (
    "connect", "read", "deadline", "backoff", "patience", "first_content", "idle", "whole",
    "hedge",
)  # fmt: skip

_log = logging.getLogger("gateway_client")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a gateway.toml says."""

    endpoints: tuple[Endpoint, ...]
    tiers: Mapping[Tier, tuple[str, ...]]
    tasks: Mapping[str, Tier]
    models: Mapping[str, Model]
    policy: Mapping[str, Any]
    budget: Budget


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file; every ``take`` removes a key, ``end`` refuses what is left."""

    file: str
    text: str
    name: str
    values: dict[str, object]

    def refuse(self, key: str, reason: str, mend: str = "") -> NoReturn:
        """Raise ConfigInvalid, naming file, line if it can be found, and key."""
        path = f"{self.name}.{key}" if self.name else key
        found = re.search(rf"^\s*\[*[^=\n]*{re.escape(key)}", self.text, re.MULTILINE)
        line = f":{self.text.count(chr(10), 0, found.end()) + 1}" if found else ""
        raise ConfigInvalid(f"{self.file}{line}: {path} {reason}", mend=mend)

    def end(self) -> None:
        """Refuse the keys that nobody took."""
        for key in self.values:
            self.refuse(key, "is not a key of gateway.toml", "remove it, or look at its spelling")

    def string(self, key: str, default: str | None = None) -> str:
        """Take a string; without a default it must be there."""
        value = self.values.pop(key, default)
        if not isinstance(value, str) or not value:
            self.refuse(key, "must be a string")
        return value

    def strings(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Take a list of strings that is not empty."""
        value = self.values.pop(key, list(default))
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            self.refuse(key, "must be a list of strings")
        return tuple(cast("list[str]", value))

    def whole(self, key: str) -> int | None:
        """Take a whole number above zero, if it is there."""
        value = self.values.pop(key, None)
        if value is not None and (type(value) is not int or value < 1):
            self.refuse(key, "must be a whole number above zero")
        return value

    def amount(self, key: str) -> Decimal | None:
        """Take a number of dollars, if it is there."""
        value = self.values.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, int | Decimal) or isinstance(value, bool):
            self.refuse(key, "must be a number")
        amount = Decimal(value)
        if not amount.is_finite() or amount < 0:
            self.refuse(key, "must be a number that is not negative")
        return amount

    def flag(self, key: str) -> bool:
        """Take true or false; a missing one is false."""
        value = self.values.pop(key, False)
        if not isinstance(value, bool):
            self.refuse(key, "must be true or false")
        return value

    def table(self, key: str) -> Table:
        """Take a table; a missing one is empty."""
        value = self.values.pop(key, {})
        if not isinstance(value, dict):
            self.refuse(key, "must be a table")
        return self._inner(key, value)

    def tables(self, key: str) -> Iterator[Table]:
        """Take a list of tables; a missing one is empty."""
        value = self.values.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            self.refuse(key, f"must be a list of tables, written [[{key}]]")
        return (self._inner(key, values) for values in value)

    def _inner(self, key: str, values: dict[str, object]) -> Table:
        name = f"{self.name}.{key}" if self.name else key
        return Table(self.file, self.text, name, dict(values))


def read(path: str, environ: Mapping[str, str]) -> Parts:
    """Read the file; raise ConfigInvalid if it is missing or says something it may not."""
    top = _top(Path(path))
    parts = Parts(
        endpoints=_endpoints(top, environ),
        tiers=_tiers(top.table("tiers")),
        tasks=_tasks(top.table("tasks")),
        models=_models(top.table("models")),
        policy=_policy(top.table("policy")),
        budget=_budget(top.table("budget")),
    )
    top.end()
    return parts


def _top(path: Path) -> Table:
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text, parse_float=Decimal)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
    else:
        return Table(path.name, text, "", values)
    # beyond the except, as its error may hold the whole file, and the file keys
    raise ConfigInvalid(f"{path.name}: {reason}", mend="see GATEWAY_CONFIG")


def _endpoints(top: Table, environ: Mapping[str, str]) -> tuple[Endpoint, ...]:
    endpoints: dict[str, Endpoint] = {}
    for table in top.tables("endpoint"):
        endpoint = _endpoint(table, environ)
        if endpoint.name in endpoints:
            table.refuse("name", f"is used twice: {endpoint.name}", "give each endpoint its own")
        endpoints[endpoint.name] = endpoint
    return tuple(endpoints.values())


def _endpoint(table: Table, environ: Mapping[str, str]) -> Endpoint:
    name = table.string("name")
    dialect = table.string("dialect", "openai")
    if dialect not in DIALECTS:
        table.refuse("dialect", f"is {dialect!r}", f"use one of {', '.join(DIALECTS)}")
    made = Endpoint(
        name=name,
        base_url=clean_base_url(table.string("base_url"), f"{table.file}: base_url of {name}"),
        keys=_keys(name, table, environ),
        weight=table.whole("weight") or 1,
        models=table.strings("models", ("*",)),
        rpm=table.whole("rpm"),
        tpm=table.whole("tpm"),
        dialect=dialect,
    )
    table.end()
    return made


def _keys(name: str, table: Table, environ: Mapping[str, str]) -> tuple[Key, ...]:
    words = table.strings("keys", ())
    if any(not word.startswith("env:") for word in words):
        _log.warning("%s: endpoint %s holds a key in plain text; use env:NAME", table.file, name)
    return tuple(
        _key(f"{name}#{number}", word, table, environ) for number, word in enumerate(words, 1)
    )


def _key(label: str, word: str, table: Table, environ: Mapping[str, str]) -> Key:
    if not word.startswith("env:"):
        return Key(label, table.file, word)
    variable = word.removeprefix("env:")
    secret = environ.get(variable, "").strip()
    if not secret and not VARIABLE.fullmatch(variable):  # it may be the key itself
        table.refuse("keys", "has an env: that names no variable", "use env:NAME")
    if not secret:
        table.refuse("keys", f"names {variable}, which is not set", f"set {variable}")
    return Key(label, variable, secret)


def _tiers(table: Table) -> dict[Tier, tuple[str, ...]]:
    tiers = {tier: table.strings(tier, ()) for tier in TIERS if tier in table.values}
    for tier, models in tiers.items():
        if not models:
            table.refuse(tier, "names no model", "name one, or remove the line")
    table.end()
    return tiers


def _tasks(table: Table) -> dict[str, Tier]:
    tasks: dict[str, Tier] = {}
    for task in list(table.values):
        tier = table.string(task)
        if tier not in TIERS:
            table.refuse(task, f"is {tier!r}, which is no tier", "use light, deep or long")
        tasks[task] = tier
    return tasks


def _models(table: Table) -> dict[str, Model]:
    return {name: _model(name, table.table(name)) for name in list(table.values)}


def _model(name: str, table: Table) -> Model:
    made = Model(
        name=name,
        context=table.whole("context"),
        max_output=table.whole("max_output"),
        input_usd_per_million=table.amount("input_usd_per_million"),
        output_usd_per_million=table.amount("output_usd_per_million"),
        usd_per_image=table.amount("usd_per_image"),
        usd_per_video_second=table.amount("usd_per_video_second"),
        modalities=frozenset(table.strings("modalities", ())),
    )
    table.end()
    return made


def _policy(table: Table) -> dict[str, object]:
    """Read what is there; what is not keeps the default of Policy."""
    whole = {key: table.whole(key) for key in ("attempts", "answer_bytes")}
    seconds = {f"{name}_seconds": table.amount(f"{name}_seconds") for name in POLICY_SECONDS}
    ratios = {key: table.amount(key) for key in ("retry_ratio", "strong_from")}
    flags = {"gather": table.flag("gather")} if "gather" in table.values else {}
    table.end()
    numbers = {key: float(value) for key, value in (seconds | ratios).items() if value is not None}
    return {**numbers, **flags, **{k: v for k, v in whole.items() if v is not None}}


def _budget(table: Table) -> Budget:
    budget = Budget(
        usd=table.amount("usd"),
        tokens=table.whole("tokens"),
        usd_per_day=table.amount("usd_per_day"),
        tokens_per_day=table.whole("tokens_per_day"),
        file=table.string("file", " ").strip(),
        allow_unpriced=table.flag("allow_unpriced"),
    )
    table.end()
    return budget
