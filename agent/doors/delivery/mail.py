"""Delivers by mail: the text form as the body, the page attached, through the user's own server."""

from __future__ import annotations

import asyncio
import os
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING, Final

from agent.doors.delivery.parcel import Undelivered
from agent.rendering import files
from agent.rendering.feed import headline

if TYPE_CHECKING:
    from agent.doors.delivery.options import Mail
    from agent.doors.delivery.parcel import Parcel

SECONDS: Final = 30.0
"""For each answer of the server."""


async def by_mail(mail: Mail, parcel: Parcel) -> None:
    """Send a report; raise Undelivered if the server does not take it for every recipient."""
    password = os.environ.get(mail.password_env, "") if mail.password_env else ""
    if mail.password_env and not password:
        raise Undelivered(f"the variable {mail.password_env} is not set", mend="set it")
    try:
        await asyncio.to_thread(_send, mail, parcel, password)
    except (OSError, smtplib.SMTPException) as error:
        raise Undelivered(f"{mail.host}:{mail.port}: {error}") from error


def message(mail: Mail, parcel: Parcel) -> EmailMessage:
    """Return the mail."""
    made = EmailMessage()
    made["Subject"] = headline(parcel.report)
    made["From"] = mail.sender
    made["To"] = ", ".join(mail.to)
    made["Date"] = format_datetime(parcel.report.run.finished)
    made["Message-ID"] = make_msgid(domain=mail.sender.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody on holiday answers
    forms = files(parcel.report, ("txt", "html"))
    made.set_content(forms["report.txt"].decode())
    made.add_attachment(
        forms["report.html"], maintype="text", subtype="html", filename="report.html"
    )
    return made


def _send(mail: Mail, parcel: Parcel, password: str) -> None:
    with _connected(mail) as server:
        if password:
            server.login(mail.user, password)
        refused = server.send_message(message(mail, parcel))
    if refused:
        raise Undelivered(f"{mail.host} refused {', '.join(refused)}")


def _connected(mail: Mail) -> smtplib.SMTP:
    if mail.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(mail.host, mail.port, timeout=SECONDS)
    if mail.security == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server
