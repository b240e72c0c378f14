import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent.domain.report import Report
from agent.doors.delivery import Mail, Parcel
from agent.doors.delivery.mail import by_mail
from agent.doors.delivery.parcel import Undelivered

Finish = Callable[..., Report]

VARIABLE, ABSENT = "POST_WORD", "NOT_THERE"
RIGHT = "correct horse"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class Post:
    """A mailbox server: as much of RFC 5321 as a sender needs, with STARTTLS and AUTH PLAIN."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.tls = tls
        self.port = 0
        self.logins: list[tuple[str, bool]] = []
        self.recipients: list[str] = []
        self.mails: list[EmailMessage] = []
        self.refused = ""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_safe = False
        try:
            writer.write(b"220 here\r\n")
            while line := (await reader.readline()).decode().strip():
                verb, _, rest = line.partition(" ")
                match verb.upper():
                    case "EHLO":
                        offers = ["here", "AUTH PLAIN"]
                        offers += ["STARTTLS"] if self.tls and not is_safe else []
                        told = [f"250-{offer}" for offer in offers[:-1]] + [f"250 {offers[-1]}"]
                        writer.write("\r\n".join([*told, ""]).encode())
                    case "STARTTLS":
                        writer.write(b"220 go\r\n")
                        await writer.drain()
                        await writer.start_tls(self.tls)  # type: ignore[arg-type]
                        is_safe = True
                    case "AUTH":
                        _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                        self.logins.append((user, is_safe))
                        good = password == RIGHT
                        writer.write(b"235 welcome\r\n" if good else b"535 wrong\r\n")
                    case "RCPT":
                        address = rest.partition("<")[2].partition(">")[0]
                        taken = address != self.refused
                        self.recipients += [address] if taken else []
                        writer.write(b"250 ok\r\n" if taken else b"550 nobody of that name\r\n")
                    case "DATA":
                        writer.write(b"354 go on\r\n")
                        data = await reader.readuntil(b"\r\n.\r\n")
                        self.mails.append(message_from_bytes(data[:-5], policy=policy.default))
                        writer.write(b"250 taken\r\n")
                    case "QUIT":
                        writer.write(b"221 bye\r\n")
                        break
                    case _:
                        writer.write(b"250 ok\r\n")
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def post(certificate: Path) -> AsyncIterator[Post]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    made = Post(tls)
    server = await asyncio.start_server(made.talk, "127.0.0.1", 0, limit=2**22)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
def parcel(finish: Finish, tmp_path: Path) -> Parcel:
    report = finish(1, "changed")
    return Parcel(report, tmp_path / "series" / report.run.id, "weekly")


def mail(post: Post, **more: object) -> Mail:
    told = {"host": "127.0.0.1", "port": post.port, "sender": "me@a.example"}
    return Mail.model_validate({**told, "to": ["you@b.example", "them@c.example"], **more})


async def test_a_report_comes_as_text_with_its_page_attached_over_a_safe_line(
    post: Post, parcel: Parcel, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv(VARIABLE, RIGHT)
    await by_mail(mail(post, user="me", password_env=VARIABLE), parcel)
    assert post.logins == [("me", True)]
    assert post.recipients == ["you@b.example", "them@c.example"]
    (got,) = post.mails
    assert got["Subject"] == "What do sodium & salt cost? – Changed 1"
    assert got["Auto-Submitted"] == "auto-generated"
    body = got.get_body()
    assert body is not None
    assert "What has changed" in body.get_content()
    (page,) = got.iter_attachments()
    assert page.get_content_type() == "text/html"
    assert page.get_payload(decode=True) == (parcel.folder / "report.html").read_bytes()


async def test_no_mail_and_no_password_goes_to_a_server_nobody_vouches_for(
    post: Post, parcel: Parcel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, RIGHT)
    with pytest.raises(Undelivered, match="certificate verify failed"):
        await by_mail(mail(post, user="me", password_env=VARIABLE), parcel)
    assert (post.logins, post.mails) == ([], [])


async def test_a_server_without_starttls_gets_nothing_unless_told_so(
    post: Post, parcel: Parcel
) -> None:
    post.tls = None
    with pytest.raises(Undelivered, match="STARTTLS"):
        await by_mail(mail(post), parcel)
    assert post.mails == []
    await by_mail(mail(post, security="none"), parcel)
    assert len(post.mails) == 1


async def test_a_refused_login_is_told_without_the_password(
    post: Post, parcel: Parcel, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv(VARIABLE, "battery staple")
    with pytest.raises(Undelivered, match="535") as caught:
        await by_mail(mail(post, user="me", password_env=VARIABLE), parcel)
    assert "battery" not in str(caught.value)


async def test_a_recipient_that_is_refused_is_told_and_the_others_get_it(
    post: Post, parcel: Parcel
) -> None:
    post.refused = "you@b.example"
    with pytest.raises(Undelivered, match=r"refused you@b\.example"):
        await by_mail(mail(post, security="none"), parcel)
    assert post.recipients == ["them@c.example"]
    assert len(post.mails) == 1


async def test_without_its_password_no_server_is_asked(post: Post, parcel: Parcel) -> None:
    with pytest.raises(Undelivered, match="NOT_THERE is not set"):
        await by_mail(mail(post, user="me", password_env=ABSENT), parcel)
    assert post.mails == []
