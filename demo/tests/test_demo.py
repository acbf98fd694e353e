"""`manage.py demo` itself, started as a user does, and ended in every way that a user can."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import requests

from demo.harness.children import PROJECT_ROOT, ChildProcess
from demo.harness.ports import free_port, localhost_in_use, port_in_use
from demo.harness.s3nodes import MinioServer, VersityServer
from demo.harness.tests.processes import ProcessMark
from tests.support.waiting import eventually, eventually_empty

START_SECONDS = 60.0
END_SECONDS = 40.0


class RunningDemo:
    """A demo in a process of its own, with its screen in a file."""

    def __init__(self, folder: Path, store: str, nodes: int, *further: str) -> None:
        self.data = folder / "data"
        self.port = free_port("127.0.0.1")
        self.mark = ProcessMark()
        self._screen = folder / f"screen-{self.port}"
        options = ["--store", store, "--nodes", str(nodes), "--data", str(self.data), *further]
        self._process = ChildProcess(
            "the demo",
            [sys.executable, "manage.py", "demo", "--port", str(self.port), *options],
            environment={**self.mark.environment(), "OBJGW_WORKERS": "1"},
            log=self._screen,
        )
        self._process.launch()

    @property
    def screen(self) -> str:
        return self._screen.read_text()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def object_url(self, object_id: str) -> str:
        return f"{self.url}/object/{object_id}"

    def wait_for(self, text: str, seconds: float = START_SECONDS) -> None:
        def shown() -> bool:
            if text not in self.screen and not self._process.running:
                pytest.fail(f"the demo ended before {text!r}:\n{self.screen}")
            return text in self.screen

        eventually(shown, f"the demo says {text!r}", seconds)

    def node_ports(self) -> list[int]:
        ports = re.findall(r"node-\d+ +127\.0\.0\.1:(\d+)$", self.screen, re.MULTILINE)
        return [int(port) for port in ports]

    def pid_of(self, pattern: str) -> int:
        """The process with `pattern` in its command line that has the lowest pid."""
        found = [pid for pid, command in self.mark.carriers().items() if pattern in command]
        assert found, f"no process with {pattern!r}"
        return min(found)

    def wait_until_nothing_is_left(self) -> None:
        eventually_empty(self.mark.carriers, "processes left")
        eventually_empty(self.ports_in_use, "ports in use")  # a process loses those last

    def ports_in_use(self) -> list[int]:
        gateway = [self.port] if localhost_in_use(self.port) else []
        return gateway + [port for port in self.node_ports() if port_in_use("127.0.0.1", port)]

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)

    def wait(self) -> int | None:
        """The exit status, once there is one."""
        eventually(lambda: not self._process.running, "the demo ends", END_SECONDS)
        return self._process.exit_status

    def clean_up(self) -> None:
        self._process.kill()
        for pid in self.mark.carriers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


StartDemo = Callable[..., RunningDemo]


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[StartDemo]:
    started: list[RunningDemo] = []
    # Under nohup it would be ignored, by the demo as well.
    inherited = signal.signal(signal.SIGHUP, signal.SIG_DFL)

    def start(
        store: str = "moto", nodes: int = 2, *further: str, ready: bool = True
    ) -> RunningDemo:
        demo = RunningDemo(tmp_path, store, nodes, *further)
        started.append(demo)
        if ready:
            demo.wait_for("Ready after")
        return demo

    yield start
    signal.signal(signal.SIGHUP, inherited)
    for demo in started:
        demo.clean_up()


#: Those that keep objects.
LASTING: Mapping[str, Callable[[], object]] = {
    "minio": MinioServer.find,
    "versitygw": VersityServer.find,
}


def there(store: str) -> str:
    """A value of --store, if this machine has it."""
    if store in LASTING and LASTING[store]() is None:
        pytest.skip(f"no {store} binary here")
    return store


@pytest.fixture(
    params=[
        "moto",
        pytest.param("minio", marks=pytest.mark.minio),
        pytest.param("versitygw", marks=pytest.mark.versitygw),
    ]
)
def store(request: pytest.FixtureRequest) -> str:
    return there(request.param)


def test_objects_go_in_and_come_back(start_demo: StartDemo, store: str) -> None:
    demo = start_demo(store, nodes=3)
    for number in range(20):
        body = os.urandom(1000 + number)
        assert requests.put(demo.object_url(f"id{number}"), body, timeout=30).status_code == 201
        answer = requests.get(demo.object_url(f"id{number}"), timeout=30)
        assert (answer.status_code, answer.content) == (200, body)


def test_the_screen_says_what_runs_and_what_to_try(start_demo: StartDemo, store: str) -> None:
    demo = start_demo(store, nodes=3)
    assert len(demo.node_ports()) == 3
    for number in (1, 2, 3):
        assert f"amazin-object-storage-node-{number}" in demo.screen
    assert f"curl -T README.md localhost:{demo.port}/object/abc\n" in demo.screen
    assert f"curl localhost:{demo.port}/object/abc\n" in demo.screen
    assert ("memory only" in demo.screen) == (store == "moto")


def test_no_credential_on_screen_or_in_the_logs(start_demo: StartDemo, store: str) -> None:
    demo = start_demo(store)
    requests.put(demo.object_url("abc"), b"body", timeout=30)
    files = list(demo.data.glob("*/*/credentials.json"))
    assert len(files) == 2
    keys = [key for file in files for key in json.loads(file.read_text()).values()]
    logs = [demo.data / "gateway.log", *demo.data.glob("*/*/node.log")]
    assert len(logs) == 3
    written = "\n".join([demo.screen, *(log.read_text() for log in logs)])
    assert not [key for key in keys if key in written]


def test_the_line_to_paste_lets_commands_see_the_nodes(start_demo: StartDemo) -> None:
    demo = start_demo("moto", 2)
    settings = demo.data / "shell-env"
    assert f"  . {settings}\n  python manage.py shownodes\n" in demo.screen
    assert settings.stat().st_mode & 0o077 == 0
    # A shell that knows nothing of the virtual environment, and something of other nodes.
    done = subprocess.run(
        ["sh", "-euc", f". {settings}; python manage.py shownodes"],
        cwd=PROJECT_ROOT,
        env={"PATH": "/usr/bin:/bin", "OBJGW_EXPECTED_NODES": "9"},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("amazin-object-storage-node-") == 2
    demo.signal(signal.SIGTERM)
    demo.wait_until_nothing_is_left()
    assert not settings.exists()


def test_development_serves_pages(start_demo: StartDemo) -> None:
    demo = start_demo("moto", 1, "--development")
    assert f"  a browser: http://localhost:{demo.port}\n" in demo.screen
    page = requests.get(f"{demo.url}/objects", headers={"Accept": "text/html"}, timeout=30)
    assert (page.status_code, "<form" in page.text) == (200, True)
    demo.signal(signal.SIGTERM)
    demo.wait_until_nothing_is_left()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_status_0_and_nothing_left(
    start_demo: StartDemo, store: str, number: signal.Signals
) -> None:
    demo = start_demo(store)
    assert len(demo.mark.carriers()) >= 5  # demo, two nodes, gunicorn and a worker or more
    demo.signal(number)
    assert demo.wait() == 0, demo.screen
    assert "Traceback" not in demo.screen
    demo.wait_until_nothing_is_left()


def test_a_signal_while_it_starts(start_demo: StartDemo) -> None:
    demo = start_demo(ready=False)
    demo.wait_for("Starting 2 moto")
    demo.signal(signal.SIGTERM)
    assert demo.wait() == 0, demo.screen
    assert "Ready after" not in demo.screen
    demo.wait_until_nothing_is_left()


def test_a_second_ctrl_c_does_not_wait_for_transfers(start_demo: StartDemo) -> None:
    demo = start_demo()
    with socket.create_connection(("localhost", demo.port), timeout=10) as upload:
        upload.sendall(b"PUT /object/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n.")
        demo.signal(signal.SIGINT)
        demo.wait_for("Stopping.")
        second = time.monotonic()
        demo.signal(signal.SIGINT)
        assert demo.wait() == 0
        assert time.monotonic() - second < 7  # the grace time is 10 s
    demo.wait_until_nothing_is_left()


def test_nothing_is_left_when_the_demo_itself_is_killed(start_demo: StartDemo, store: str) -> None:
    demo = start_demo(store)
    demo.signal(signal.SIGKILL)
    demo.wait()
    demo.wait_until_nothing_is_left()


def test_a_dead_node_is_named_and_the_rest_goes_on(start_demo: StartDemo) -> None:
    demo = start_demo()
    os.kill(demo.pid_of(f"--port {demo.node_ports()[1]}"), signal.SIGKILL)
    demo.wait_for("amazin-object-storage-node-2 was ended by signal SIGKILL")
    statuses = {
        requests.put(demo.object_url(f"id{number}"), b"x", timeout=30).status_code
        for number in range(20)
    }
    assert statuses == {201, 503}
    assert demo.screen.count("was ended by") == 1
    demo.signal(signal.SIGTERM)
    assert demo.wait() == 0


def test_a_dead_gateway_ends_the_demo_with_its_last_words(start_demo: StartDemo) -> None:
    demo = start_demo()
    os.kill(demo.pid_of("gunicorn"), signal.SIGKILL)
    assert demo.wait() == 1
    assert "the gateway was ended by signal SIGKILL" in demo.screen
    assert "gateway.log" in demo.screen
    assert "Traceback" not in demo.screen
    demo.wait_until_nothing_is_left()


def test_a_port_in_use_is_said_in_one_line(start_demo: StartDemo) -> None:
    demo = start_demo()
    second = subprocess.run(
        [sys.executable, "manage.py", "demo", "--port", str(demo.port)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert second.stdout == ""
    assert re.fullmatch(rf"CommandError: Port {demo.port} .* is in use .*\n", second.stderr)


class TestDataThatLasts:
    @pytest.mark.parametrize(
        ("store", "ending"),
        [
            pytest.param("minio", signal.SIGTERM, marks=pytest.mark.minio),
            pytest.param("minio", signal.SIGKILL, marks=pytest.mark.minio),
            pytest.param("versitygw", signal.SIGKILL, marks=pytest.mark.versitygw),
        ],
    )
    def test_objects_survive_the_run(
        self, start_demo: StartDemo, store: str, ending: signal.Signals
    ) -> None:
        bodies = {f"id{number}": os.urandom(100) for number in range(12)}
        first = start_demo(there(store), nodes=3)
        for object_id, body in bodies.items():
            requests.put(first.object_url(object_id), body, timeout=30).raise_for_status()
        first.signal(ending)
        first.wait()
        first.wait_until_nothing_is_left()
        second = start_demo(store, nodes=3)
        for object_id, body in bodies.items():
            assert requests.get(second.object_url(object_id), timeout=30).content == body

    @pytest.mark.minio
    def test_another_number_of_nodes_loses_nothing(self, start_demo: StartDemo) -> None:
        there("minio")
        ids = [f"id{number}" for number in range(12)]
        found: list[list[str]] = []
        for count in (2, 3, 2):
            demo = start_demo("minio", nodes=count)
            if count == 2 and not found:
                for object_id in ids:
                    requests.put(demo.object_url(object_id), b"x", timeout=30).raise_for_status()
            answers = {i: requests.get(demo.object_url(i), timeout=30).status_code for i in ids}
            assert set(answers.values()) <= {200, 404}
            found.append([i for i in ids if answers[i] == 200])
            assert ("Last time there were" in demo.screen) == (len(found) > 1)
            demo.signal(signal.SIGTERM)
            demo.wait()
        assert found[0] == ids
        assert found[1] != ids
        assert found[2] == ids
