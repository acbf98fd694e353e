"""One run of the demo: start the nodes and the gateway, watch them, stop them."""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from demo.harness.children import ChildError, ChildProcess, stop_children
from demo.harness.gateway import GatewayProcess, gateway_environment, shell_lines
from demo.harness.s3nodes import NodeProcess, S3Server, prepare_nodes, start_nodes

_Handler = Callable[[int, FrameType | None], Any] | int | None

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GATEWAY_GRACE = 10.0  # s for running transfers
_LAST_RUN_FILE = "last-run.json"
_SHELL_FILE = "shell-env"


class Interrupted(Exception):
    """The demo was told to stop."""


class FolderInUseError(Exception):
    """Another demo works with the same data folder."""


@dataclass(frozen=True)
class Plan:
    """What to start, already checked."""

    nodes: int
    host: str
    port: int
    server: S3Server
    folder: Path
    development: bool = False


class StopSignals:
    """Takes note of signals that mean "stop"; on the second one, kills `children` at once."""

    def __init__(self) -> None:
        self.children: list[ChildProcess] = []
        self._received = False
        self._previous: dict[signal.Signals, _Handler] = {}

    def __enter__(self) -> Self:
        for number in STOP_SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # under nohup
            self._previous[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        if self._received:
            for child in self.children:
                child.kill_group()
        self._received = True

    def pause(self, seconds: float) -> None:
        """Sleep, but raise Interrupted when a stop signal has come."""
        if not self._received:
            time.sleep(seconds)
        if self._received:
            raise Interrupted


class Session:
    """The nodes and the gateway of one run.

    A node that dies is reported and the rest keeps running, so that one can see what the gateway
    makes of it. When the gateway dies there is nothing left to show: ChildError is raised.
    """

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._say = say

    def run(self) -> None:
        """Return when told to stop, with every process gone; raise ChildError on failure."""
        started = time.monotonic()
        with (
            _sole_user(self._plan.folder),
            StopSignals() as signals,
            contextlib.suppress(Interrupted),
        ):
            self._run(signals, started)

    def _run(self, signals: StopSignals, started: float) -> None:
        plan = self._plan
        data = plan.folder / plan.server.kind
        nodes = [NodeProcess(node, plan.server) for node in prepare_nodes(data, plan.nodes)]
        gateway = GatewayProcess(
            plan.host,
            plan.port,
            environment=gateway_environment(process.node for process in nodes),
            log=plan.folder / "gateway.log",
            development=plan.development,
        )
        settings = plan.folder / _SHELL_FILE
        signals.children = [gateway, *nodes]
        for child in signals.children:
            child.log.unlink(missing_ok=True)
        self._announce_nodes(nodes, data)
        try:
            start_nodes(nodes, timeout=30.0 + 2 * plan.nodes, pause=signals.pause)
            gateway.start(pause=signals.pause)
            write_private(settings, shell_lines(process.node for process in nodes))
            self._announce_gateway(gateway, time.monotonic() - started)
            self._watch(gateway, nodes, signals)
        except Interrupted:
            self._say("Stopping. Ctrl-C again to kill at once.")
            raise
        finally:
            settings.unlink(missing_ok=True)
            gateway.stop(_GATEWAY_GRACE)  # first, or running transfers would meet dead nodes
            stop_children(nodes)

    def _announce_nodes(self, nodes: list[NodeProcess], data: Path) -> None:
        kind = self._plan.server.kind
        if self._plan.server.keeps_data:
            self._say(f"Starting {len(nodes)} {kind} node(s); objects are kept in {_shown(data)}")
            notice = node_count_notice(data, len(nodes))
            if notice is not None:
                self._say(notice)
        else:
            self._say(
                f"Starting {len(nodes)} {kind} node(s); "
                "objects live in memory only and are gone when this stops"
            )
        width = max(len(process.name) for process in nodes)
        for process in sorted(nodes, key=lambda process: process.name):
            self._say(f"  {process.name:<{width}}  {process.node.endpoint}")

    def _announce_gateway(self, gateway: GatewayProcess, seconds: float) -> None:
        address = gateway.url.removeprefix("http://").replace("127.0.0.1:", "localhost:")
        self._say(
            f"The gateway listens on http://{address} and logs to {_shown(gateway.log)}. Try:"
        )
        self._say(f"  curl -T README.md {address}/object/abc")
        self._say(f"  curl {address}/object/abc")
        if self._plan.development:
            self._say(f"  a browser: http://{address}")
        self._say("Commands on these nodes, in another terminal:")
        self._say(f"  . {_shown(self._plan.folder / _SHELL_FILE)}")
        self._say("  python manage.py shownodes")
        self._say(f"Ready after {seconds:.1f} s. Ctrl-C stops everything.")

    def _watch(
        self, gateway: GatewayProcess, nodes: list[NodeProcess], signals: StopSignals
    ) -> None:
        alive = list(nodes)
        while True:
            if not gateway.running:
                raise ChildError(gateway.death_notice())
            for process in [process for process in alive if not process.running]:
                alive.remove(process)
                self._say(process.death_notice())
                self._say("The ids that it owns now get 503; all others work as before.")
            signals.pause(0.2)


def node_count_notice(data: Path, count: int) -> str | None:
    """What to tell the user when there are more or fewer nodes than last time; remembers `count`.

    Which node owns an id depends on how many nodes there are.
    """
    path = data / _LAST_RUN_FILE
    try:
        previous = json.loads(path.read_text())["nodes"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        previous = None
    path.write_text(json.dumps({"nodes": count}))
    if previous is None or previous == count:
        return None
    return (
        f"Last time there were {previous} node(s): most ids now belong to another node, so objects "
        f"from before may not be found. Nothing is deleted: NODES={previous} finds them again."
    )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


@contextlib.contextmanager
def _sole_user(folder: Path) -> Iterator[None]:
    """Hold the folder: two servers on the same data would spoil it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderInUseError(f"another demo is running on the data in {folder}") from error
        yield
