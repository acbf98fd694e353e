"""``manage.py shownodes``."""

import gc
import io
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from objects.layout import Layout, Member, State
from objects.layout.backlog import Backlog, Notes

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def stored() -> list[bytes]:
    """The copy of the layout on it, if there is one."""
    return []


@pytest.fixture
def answering_port(stored: list[bytes]) -> Iterator[int]:
    """Something that answers as a node does that has its bucket."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200 if stored else 404)
            self.send_header("Content-Length", str(len(b"".join(stored))))
            self.send_header("ETag", '"e"')
            self.end_headers()
            self.wfile.write(b"".join(stored))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def dead_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(autouse=True)
def static(settings: Settings) -> None:
    settings.OBJGW_DISCOVERY = "static"
    settings.OBJGW_EXPECTED_NODES = None


def show(*arguments: str) -> tuple[str, CommandError | None]:
    """What the command writes, and how it fails."""
    out = io.StringIO()
    try:
        call_command("shownodes", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue(), error
    return out.getvalue(), None


def test_a_table_in_routing_order(settings: Settings, answering_port: int) -> None:
    entry = f"http://key:hush-hush@127.0.0.1:{answering_port}"
    settings.OBJGW_NODES = f"{entry}#node-b,{entry}#node-a"
    text, error = show()
    assert error is None
    head, *rows = (line.split() for line in text.splitlines())
    assert head == ["INDEX", "NAME", "ADDRESS", "STATE", "HEALTHY", "SHARE"]
    address = f"127.0.0.1:{answering_port}"
    assert rows == [
        ["0", "node-a", address, "assumed", "yes", "50.0%"],
        ["1", "node-b", address, "assumed", "yes", "50.0%"],
    ]


def test_json_for_scripts(settings: Settings, answering_port: int, dead_port: int) -> None:
    settings.OBJGW_NODES = (
        f"http://key:hush-hush@127.0.0.1:{answering_port}#a,"
        f"http://key:hush-hush@127.0.0.1:{dead_port}#b"
    )
    text, error = show("--json")
    assert error is not None
    document = json.loads(text)
    assert document["problem"] == str(error) == "1 of 2 nodes cannot serve: b"
    first, second = document["nodes"]
    assert first == {
        "index": 0,
        "name": "a",
        "address": f"127.0.0.1:{answering_port}",
        "state": "assumed",
        "healthy": True,
        "reason": None,
        "share": 0.5,
        "role": "member",
        "machine": None,
        "service": None,
        "slot": None,
    }
    assert document["layout"] is None
    assert not second["healthy"]
    assert "refused" in second["reason"]
    assert "hush-hush" not in text


def test_the_layout(settings: Settings, answering_port: int, stored: list[bytes]) -> None:
    entry = f"http://key:hush-hush@127.0.0.1:{answering_port}"
    settings.OBJGW_NODES = f"{entry}#node-b,{entry}#node-a,{entry}#node-c"
    settings.OBJGW_EXPECTED_NODES = 2
    layout = Layout.adopted("modulo", ["node-a", "node-b"]).changed(
        "rendezvous", [Member("node-b")]
    )
    stored.append(layout.to_json())
    text, error = show()
    assert error is None
    _, *rows, said = text.splitlines()
    assert [(row.split()[0], row.split()[-1]) for row in rows] == [
        ("-", "leaving"),
        ("0", "100.0%"),
        ("-", "unassigned"),
    ]
    assert said.startswith("layout 2: switching, router rendezvous; ")
    text, _ = show("--json")
    assert json.loads(text)["layout"] == {
        "version": 2,
        "state": "switching",
        "router": "rendezvous",
        "backlog": None,
    }


def test_what_is_left_to_move(
    settings: Settings, answering_port: int, stored: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OBJGW_NODES = f"http://key:hush-hush@127.0.0.1:{answering_port}#node-a"
    layout = Layout.adopted("modulo", ["node-a"]).changed("rendezvous", [Member("node-a")])
    stored.append(layout.advanced(State.MOVING).to_json())
    monkeypatch.setattr(Notes, "read", lambda *args: Backlog(1200, 5 * 2**20))
    text, _ = show()
    assert text.splitlines()[-1] == (
        "layout 3: moving, router rendezvous, 1,200 objects, 5.0 MiB left to move"
    )
    text, _ = show("--json")
    assert json.loads(text)["layout"]["backlog"] == {"objects": 1200, "bytes": 5 * 2**20}


def test_a_node_that_cannot_serve_is_the_exit_status(settings: Settings, dead_port: int) -> None:
    settings.OBJGW_NODES = f"http://key:hush-hush@127.0.0.1:{dead_port}#node-a"
    text, error = show()
    assert "no: it cannot be reached: Connection refused" in text
    assert error is not None
    assert error.returncode == 1
    assert str(error) == "1 of 1 nodes cannot serve: node-a"


def test_missing_nodes_are_the_exit_status(settings: Settings, answering_port: int) -> None:
    settings.OBJGW_NODES = f"http://key:hush-hush@127.0.0.1:{answering_port}#node-a"
    settings.OBJGW_EXPECTED_NODES = 2
    text, error = show("--json")
    assert error is not None
    assert error.returncode == 1
    assert "2 are expected" in str(error)
    assert json.loads(text)["problem"] == str(error)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_docker_out_of_reach(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    settings.OBJGW_DISCOVERY = "docker"
    text, error = show()
    assert text == ""
    assert error is not None
    assert error.returncode == 1
    assert "Docker does not answer" in str(error)
    assert "\n" not in str(error)
    gc.collect()  # Docker's client leaves the socket of a failed attempt to the collector


def test_docker_out_of_reach_as_one_sees_it(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "manage.py", "shownodes"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DOCKER_HOST": f"unix://{tmp_path}/none.sock"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 1
    assert found.stdout == ""
    last = found.stderr.splitlines()[-1]
    assert last.startswith(
        f"CommandError: The nodes cannot be discovered. Docker does not answer at unix://{tmp_path}"
    )
    assert "Traceback" not in found.stderr
