import asyncio
import hashlib
import hmac
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.domain.events import Event
from agent.domain.report import Report
from agent.doors.delivery import Delivery, Parcel, Webhook, deliver, delivery_from
from agent.doors.delivery.command import to_command
from agent.doors.delivery.parcel import Undelivered
from agent.doors.delivery.webhook import PAUSES, to_webhook
from agent.errors import InvalidSettings

Finish = Callable[..., Report]

VARIABLE, ABSENT = "BRIEFING_KEY", "NOT_THERE"


@pytest.fixture
def parcel(finish: Finish, tmp_path: Path) -> Parcel:
    report = finish(1, "new")
    return Parcel(report, tmp_path / "series" / report.run.id, "weekly")


class Receiver:
    """A server that answers as it is told to, one answer after the other, and keeps what came."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        self.got.append((path, headers, body))
        return self.answers.pop(0) if self.answers else (204, {})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = made.take(self.path, dict(self.headers.items()), body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


class Pauses:
    """A sleep that takes no time and remembers how long it was to be."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def python(program: str) -> tuple[str, ...]:
    return (sys.executable, "-c", program)


# --- a command ----------------------------------------------------------------------------------


async def test_a_command_is_given_the_report_on_standard_input_and_in_its_environment(
    parcel: Parcel, tmp_path: Path
) -> None:
    out = tmp_path / "got"
    program = (
        "import os, sys;"
        "names = [os.environ['REPORT_RUN_ID'], os.environ['REPORT_FOLDER'], sys.stdin.read()];"
        "open(sys.argv[1], 'w').write('\\n'.join(names))"
    )
    await to_command((*python(program), str(out)), parcel)
    run_id, folder, told = out.read_text().split("\n", 2)
    assert run_id == parcel.report.run.id
    assert (Path(folder) / "report.html").is_file()
    told = json.loads(told)
    assert told["schema"] == "deep-research/delivery/1"
    assert (told["series"], told["run"]["id"]) == ("weekly", run_id)
    assert [change["kind"] for change in told["changes"]] == ["new"]


async def test_no_shell_reads_the_words_of_a_command(parcel: Parcel, tmp_path: Path) -> None:
    program = "import sys; sys.exit(sys.argv[1] != '$(touch x); `id` > y')"
    await to_command((*python(program), "$(touch x); `id` > y"), parcel)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (python("import sys; print('no room', file=sys.stderr); sys.exit(3)"), "with 3: no room"),
        (("no-such-program-anywhere",), "cannot be run"),
    ],
)
async def test_a_command_that_fails_says_why(
    argv: tuple[str, ...], said: str, parcel: Parcel
) -> None:
    with pytest.raises(Undelivered, match=said):
        await to_command(argv, parcel)


async def test_a_command_that_takes_too_long_is_killed_with_all_it_started(
    parcel: Parcel, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    program = (
        "import subprocess, sys; child = subprocess.Popen(['sleep', '60']);"
        f"open({str(note)!r}, 'w').write(str(child.pid)); child.wait()"
    )
    with pytest.raises(Undelivered, match="took more than 1 s"):
        await to_command(python(program), parcel, seconds=1)
    child = Path(f"/proc/{note.read_text()}/stat")
    for _ in range(100):
        if not child.exists() or child.read_text().split()[2] == "Z":
            break
        await asyncio.sleep(0.02)
    else:
        pytest.fail("the child of the command still runs")


# --- a webhook ----------------------------------------------------------------------------------


async def test_what_is_posted_is_signed_so_that_a_receiver_can_check_it(
    parcel: Parcel, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "correct horse")
    await to_webhook(Webhook(url=receiver.url, secret_env=VARIABLE), parcel)
    ((path, headers, body),) = receiver.got
    assert path == "/hook"
    stamp = headers["Deep-Research-Timestamp"]
    assert abs(time.time() - int(stamp)) < 60
    right = hmac.new(b"correct horse", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["Deep-Research-Signature"] == f"v1={right}"
    assert headers["Idempotency-Key"] == parcel.report.run.id
    assert json.loads(body)["headline"] == "What do sodium & salt cost? – New 1"


async def test_a_receiver_that_is_away_for_a_moment_is_tried_again(
    parcel: Parcel, receiver: Receiver
) -> None:
    receiver.answers = [(503, {}), (429, {"Retry-After": "7"}), (200, {})]
    sleep = Pauses()
    await to_webhook(Webhook(url=receiver.url), parcel, sleep=sleep)
    assert sleep.taken == [PAUSES[0], 7.0]
    assert len({body for _, _, body in receiver.got}) == 1
    assert len(receiver.got) == 3


async def test_a_receiver_that_stays_away_is_given_up_on(parcel: Parcel) -> None:
    sleep = Pauses()
    with pytest.raises(Undelivered, match="4 attempts, the last: "):
        await to_webhook(Webhook(url="http://127.0.0.1:9/hook"), parcel, sleep=sleep)
    assert sleep.taken == list(PAUSES)


@pytest.mark.parametrize(
    ("answer", "said"),
    [((302, {"Location": "/elsewhere"}), "a redirect, which is not followed"), ((403, {}), "403")],
)
async def test_a_refusal_or_a_redirect_is_final(
    answer: tuple[int, dict[str, str]], said: str, parcel: Parcel, receiver: Receiver
) -> None:
    receiver.answers = [answer]
    with pytest.raises(Undelivered, match=said):
        await to_webhook(Webhook(url=receiver.url), parcel)
    assert [path for path, _, _ in receiver.got] == ["/hook"]


async def test_without_its_secret_nothing_is_sent(parcel: Parcel, receiver: Receiver) -> None:
    with pytest.raises(Undelivered, match="NOT_THERE is not set"):
        await to_webhook(Webhook(url=receiver.url, secret_env=ABSENT), parcel)
    assert receiver.got == []


# --- all of them --------------------------------------------------------------------------------


async def test_what_fails_is_told_and_recorded_and_holds_nothing_else_up(
    parcel: Parcel, receiver: Receiver
) -> None:
    receiver.answers = [(200, {})]
    delivery = Delivery(
        command=python("import sys; sys.exit(1)"), webhook=Webhook(url=receiver.url)
    )
    events: list[Event] = []
    outcomes = await deliver(delivery, parcel, tell=events.append)
    assert [(one.way, bool(one.problem)) for one in outcomes] == [
        ("command", True),
        ("webhook", False),
    ]
    assert [event.kind for event in events] == ["failed", "note"]
    recorded: list[dict[str, Any]] = json.loads((parcel.folder / "deliveries.json").read_text())
    assert [one["way"] for one in recorded] == ["command", "webhook"]
    assert recorded[1]["problem"] == ""
    assert Path(sys.executable).name in recorded[0]["problem"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "deliver: it names neither"),
        ({"comand": ["x"]}, "deliver.comand: there is no such option"),
        ({"command": "x"}, "deliver.command"),
        ({"webhook": {"url": "ftp://a.example"}}, "deliver.webhook.url: it is no http"),
        ({"webhook": {"url": "http://a.example:99999"}}, "deliver.webhook.url: Port out of range"),
        ({"webhook": {}}, "deliver.webhook.url: Field required"),
        ({"mail": {"host": "h", "sender": "me", "to": ["a@b.example"]}}, "deliver.mail.sender"),
        ({"mail": {"host": "h", "sender": "a@b.example", "to": []}}, "deliver.mail.to"),
        (
            {"mail": {"host": "h", "sender": "a@b.example", "to": ["a@b.example\nBcc: c@d.e"]}},
            "no e-mail address",
        ),
        (
            {"mail": {"host": "h", "sender": "a@b.example", "to": ["a@b.example"], "user": "u"}},
            "user and password_env go together",
        ),
        (
            {
                "mail": {
                    "host": "h", "sender": "a@b.example", "to": ["a@b.example"], "user": "u",
                    "password_env": "P", "security": "none",
                }
            },
            "a password is not sent without TLS",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_the_table_is_told_by_its_key(table: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        delivery_from(table, "schedules.weekly.deliver")
    assert said in str(caught.value)
    assert str(caught.value).startswith("schedules.weekly.deliver")


def test_a_webhook_address_is_no_part_of_what_is_shown() -> None:
    told = delivery_from({"webhook": {"url": "https://hooks.example/T0/secret"}}, "x")
    assert "secret" not in repr(told).replace("secret_env", "")
