"""Reads how reports are to be delivered from a table, as a schedule's file has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from agent.errors import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Webhook(_Table):
    """An address a JSON object is posted to; ``secret_env`` names the variable it is signed by."""

    url: str = Field(repr=False)  # whoever knows it may post to it
    secret_env: str = ""

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
            message = "it is no http:// or https:// address"
            raise ValueError(message)
        return url


class Mail(_Table):
    """A mailbox server, and whom it is to send reports to.

    ``security`` is how the connection is protected: STARTTLS on the usual port 587, TLS from the
    first byte (port 465), or not at all, for a relay on one's own machine. ``password_env`` names
    the variable that holds the password of ``user``.
    """

    host: str = Field(min_length=1)
    port: int = Field(587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str
    to: tuple[str, ...] = Field(min_length=1)
    user: str = ""
    password_env: str = ""

    @field_validator("sender", "to")
    @classmethod
    def _mailboxes(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for address in (value,) if isinstance(value, str) else value:
            name, at, host = address.rpartition("@")
            if not (name and at and host) or any(c.isspace() or c in "<>," for c in address):
                message = f"{address!r} is no e-mail address, as in me@example.org"
                raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _login(self) -> Self:
        if bool(self.user) is not bool(self.password_env):
            message = "user and password_env go together"
            raise ValueError(message)
        if self.user and self.security == "none":
            message = "a password is not sent without TLS: set security to starttls or tls"
            raise ValueError(message)
        return self


class Delivery(_Table):
    """Where reports go: a command, a webhook, a mailbox, or several of them."""

    command: tuple[str, ...] = ()
    webhook: Webhook | None = None
    mail: Mail | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not (self.command or self.webhook or self.mail):
            message = "it names neither a command, nor a webhook, nor mail"
            raise ValueError(message)
        return self


def delivery_from(table: Mapping[str, object], where: str) -> Delivery:
    """Return what a table says, such as ``[schedules.weekly.deliver]``, whose name is ``where``.

    Raises InvalidSettings, naming the key. Secrets are not read before something is sent.
    """
    try:
        return Delivery.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        key = ".".join((where, *map(str, first["loc"])))
        what = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            what = "there is no such option"
        mend = "see docs/changes.md"
        raise InvalidSettings(f"{key}: {what}", mend=mend) from error
