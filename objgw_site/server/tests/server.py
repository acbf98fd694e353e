"""The server as a process, and its clients, for the tests of this folder."""

import hashlib
import os
import re
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

import pytest

from tests.support.client import Answer, Wire
from tests.support.servers import PLAIN, Transport

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 20.0
CLIENT_TIMEOUT = 2


class Server:
    """gunicorn, configured as in production, around `objgw_site.server.tests.application`.

    :param tls: what its clients need, for a server with TLS.
    """

    config = "objgw_site.server.config"

    def __init__(self, tls: ssl.SSLContext | None = None, /, **settings: str) -> None:
        self.tls = tls
        environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "objgw_site.settings",
            "OBJGW_DISCOVERY": "static",
            "OBJGW_NODES": "http://key:hush-hush@127.0.0.1:9",
            "OBJGW_BIND": "127.0.0.1:0",
            "OBJGW_WORKERS": "1",
            "OBJGW_CLIENT_TIMEOUT": str(CLIENT_TIMEOUT),
            "OBJGW_GRACEFUL_TIMEOUT": "5",
            "OBJGW_LOG_FORMAT": "console",
            "OBJGW_ACCESS_LOG": "false",
            **settings,
        }
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "-c", f"python:{self.config}"),
                "objgw_site.server.tests.application:application",
            ],
            cwd=ROOT,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=self.prepare,  # noqa: PLW1509  (only system calls in there)
        )
        self.port = 0
        self.log: list[str] = []
        self._logged = threading.Condition()
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def prepare(self) -> None:
        """Called in the process that becomes gunicorn."""

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._logged:
                self.log.append(line)
                self._logged.notify_all()
            if found := re.search(r"Listening at: https?://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                self._listening.set()
        self._listening.set()

    @property
    def pid(self) -> int:
        """Of the master."""
        return self._process.pid

    def worker_pids(self) -> list[int]:
        """Of all that run now."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(child) for child in children.split()]

    def worker_pid(self) -> int:
        """Of the only worker, once it serves."""
        with Client(self) as client:
            client.ask("GET", "/chunks")
        (child,) = self.worker_pids()
        return child

    def wait_for_line(self, text: str, *, since: int) -> None:
        """Wait until the log has a line with this text, behind so many lines."""
        with self._logged:
            assert self._logged.wait_for(
                lambda: any(text in line for line in self.log[since:]), PATIENCE
            ), self.log

    def logged_so_far(self) -> int:
        """The lines that the log has, once it has all that the only worker wrote until now."""
        known = len(self.log)
        mark = f"mark-{known}"
        with Client(self) as client:
            assert client.ask("GET", f"/log?{mark}").status == 200
        self.wait_for_line(mark, since=known)
        return len(self.log)

    def __enter__(self) -> Self:
        if not (self._listening.wait(60) and self.port):
            self.__exit__()
            raise AssertionError("".join(self.log))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            assert self._process.stderr is not None
            self._process.stderr.close()


class Client(Wire):
    """One connection to the server."""

    def __init__(self, server: Server, address: str | None = None) -> None:
        super().__init__("127.0.0.1", server.port, PATIENCE, address, server.tls)

    def send(self, data: bytes | str) -> None:
        super().send(data.encode("latin-1") if isinstance(data, str) else data)

    def ask(self, method: str, path: str, body: bytes | None = None, *fields: str) -> Answer:
        length = [] if body is None else [f"Content-Length: {len(body)}"]
        self.send(request(method, path, *length, *fields).encode() + (body or b""))
        return self.answer(method)


def request(method: str, path: str, *fields: str) -> str:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: objgw", *fields, "", ""])


def served(transport: Transport, **settings: str) -> Server:
    """A server that is reached that way."""
    return Server(transport.tls, **transport.settings, **settings)


@pytest.fixture(scope="module", params=["http", "https"])
def transport(request: pytest.FixtureRequest, tls_transport: Transport) -> Transport:
    """Every test is done with each."""
    return PLAIN if request.param == "http" else tls_transport


def digest(data: bytes) -> dict[str, Any]:
    return {"size": len(data), "md5": hashlib.md5(data, usedforsecurity=False).hexdigest()}
