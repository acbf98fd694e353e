"""What the swarm backend asks of a manager, with many nodes and many gateways.

    python -m benchmarks.scale [--nodes 1 10 100 1000] [--gateways 1 10 100] [--seconds 20]

No manager of a thousand tasks was to be had: a stand-in answers in its place, with the recorded
answers of one (nodes/tests/swarm_answers.json), a task for each node. So calls, bytes, the time to
a new membership and what all of it takes of a gateway are real, but for a manager that takes no
time to think. A gateway counts as one worker here: each asks for itself. Many of them are threads
of a few processes with a `Membership` each; how much memory one takes is measured with gunicorn.
"""

import argparse
import copy
import json
import math
import multiprocessing
import os
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from multiprocessing.connection import Connection
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from benchmarks.processes import ProcessTree
from demo.harness.gateway import GatewayProcess, gateway_environment
from demo.harness.ports import free_port

Json = dict[str, Any]

RECORDED = Path(__file__).parents[1] / "nodes/tests/swarm_answers.json"
NAME = "amazin-object-storage-node"
MIB = 2**20
#: Processes that gateways are threads of.
_PROCESSES = 2
#: Seconds for the first membership, and for a new one.
_PATIENCE = 120.0


def answers(nodes: int, moved: int = 0) -> dict[str, bytes]:
    """What a manager with so many nodes answers, by path.

    :param moved: how often the last node was rescheduled.
    """
    recorded: Json = json.loads(RECORDED.read_text(encoding="utf-8"))
    [service] = copy.deepcopy(recorded["services"])
    service["Spec"]["Mode"]["Replicated"]["Replicas"] = nodes
    tasks = []
    for number in range(nodes):
        task = copy.deepcopy(recorded["running"][0])
        task["Slot"] = number + 1
        task["ID"] = f"{number:025}"
        # At addresses of this machine where nothing listens.
        host = 1 + number % 250, 1 + number // 250
        task["NetworksAttachments"][0]["Addresses"] = [f"127.1.{host[1]}.{host[0]}/24"]
        tasks.append(task)
    if moved:
        tasks[-1]["ID"] = f"moved{moved:020}"
        tasks[-1]["NetworksAttachments"][0]["Addresses"] = [f"127.2.0.{moved % 250 + 1}/24"]
    return {
        "/services": json.dumps([service]).encode(),
        "/tasks": json.dumps(tasks).encode(),
        "/nodes": json.dumps(recorded["nodes"]).encode(),
        "/version": json.dumps({"ApiVersion": "1.41", "MinAPIVersion": "1.12"}).encode(),
    }


@dataclass
class Counts:
    """What was asked since the last look."""

    calls: int = 0
    sent: int = 0


class StandIn:
    """A manager at a unix socket, in a process of its own."""

    def __init__(self, path: Path, nodes: int) -> None:
        self._here, there = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=_serve, args=(path, nodes, there))

    def __enter__(self) -> Self:
        self._process.start()
        self._here.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def counts(self) -> Counts:
        """Since the last time."""
        self._here.send("counts")
        found: Counts = self._here.recv()
        return found

    def move(self) -> None:
        """Another task takes the place of the last node's, at another address."""
        self._here.send("move")
        self._here.recv()


def _serve(path: Path, nodes: int, control: Connection) -> None:
    state = {"answers": answers(nodes), "moved": 0}
    counts, lock = Counts(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            # The state also has a number.
            found: dict[str, bytes] = state["answers"]  # type: ignore[assignment]
            body = found.get(re.sub(r"^/v1\.[0-9]+", "", urlsplit(self.path).path))
            status = 404 if body is None else 200
            body = body or b'{"message": "no such container"}'
            with lock:
                counts.calls += 1
                counts.sent += len(body)
            head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n"
            self.wfile.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingUnixStreamServer):
        daemon_threads = True
        request_queue_size = 1024

    with Server(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        control.send("ready")
        while True:
            if control.recv() == "counts":
                with lock:
                    found = Counts(counts.calls, counts.sent)
                    counts.calls = counts.sent = 0
                control.send(found)
            else:
                state["moved"] = moved = int(str(state["moved"])) + 1
                state["answers"] = answers(nodes, moved)
                control.send("moved")


class _Keeps(Protocol):
    """What is asked of a `Membership` here: it cannot be imported before Django is set up."""

    def latest(self) -> Any: ...


def _gateways(url: str, count: int, control: Connection) -> None:
    """Memberships as workers of gateways have them, until the other side says otherwise."""
    members: list[_Keeps] = _memberships(url, count)
    try:
        while True:
            asked_for = control.recv()
            if asked_for == "known":
                control.send(_all_known(members))
            elif asked_for == "times":
                control.send(_times(members))
            else:
                control.send(time.process_time())
    except EOFError:
        return


def _memberships(url: str, count: int) -> list[_Keeps]:
    os.environ |= {
        "DOCKER_HOST": url,
        "DJANGO_SETTINGS_MODULE": "objgw_site.settings",
        "OBJGW_LOG_LEVEL": "error",
    }
    import django

    django.setup()
    from django.core.cache.backends.locmem import LocMemCache

    from nodes.discovery.base import DiscoveryOptions
    from nodes.discovery.swarm import SwarmDiscovery
    from nodes.membership import Membership

    options = DiscoveryOptions(NAME, 9000, "", 30.0)
    return [
        Membership(SwarmDiscovery(options), LocMemCache(f"gateway-{number}", {}), ttl=10.0)
        for number in range(count)
    ]


def _all_known(members: Sequence[_Keeps]) -> bool:
    """Whether all have their first membership within a while."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if all(_known(member) is not None for member in members):
            return True
        time.sleep(0.1)
    return False


def _times(members: Sequence[_Keeps]) -> list[float]:
    """Moments of the monotonic clock at which each has a membership other than before."""
    before = [_known(each) for each in members]
    found = [math.nan] * len(members)
    deadline = time.monotonic() + _PATIENCE
    while any(map(math.isnan, found)) and time.monotonic() < deadline:
        for number, member in enumerate(members):
            if math.isnan(found[number]) and _known(member) != before[number]:
                found[number] = time.monotonic()
        time.sleep(0.02)
    return found


def _known(member: _Keeps) -> str | None:
    with suppress(Exception):  # there is none yet, or the stand-in is overwhelmed
        return ",".join(str(node.host) for node in member.latest().nodes)
    return None


@dataclass(frozen=True)
class Row:
    """What was measured with so many nodes and gateways.

    :ivar calls, sent: a second, of the manager.
    :ivar cpu: seconds of a processor a second, of one gateway.
    :ivar median, slowest: seconds to a new membership; NaN where a gateway did not get there.
    """

    nodes: int
    gateways: int
    calls: float
    sent: float
    cpu: float
    median: float
    slowest: float


@contextmanager
def running(url: str, count: int) -> Iterator[list[Connection]]:
    """So many gateways, spread over a few processes."""
    shares = [len(range(number, count, _PROCESSES)) for number in range(_PROCESSES)]
    context = multiprocessing.get_context("spawn")
    processes, controls = [], []
    for share in filter(None, shares):
        here, there = context.Pipe()
        process = context.Process(target=_gateways, args=(url, share, there))
        process.start()
        processes.append(process)
        controls.append(here)
    try:
        yield controls
    finally:
        for process in processes:
            process.terminate()
            process.join()


def asked(controls: Sequence[Connection], what: str) -> list[Any]:
    """What all of them answer."""
    for control in controls:
        control.send(what)
    return [control.recv() for control in controls]


def measure(folder: Path, nodes: int, gateways: int, seconds: float) -> Row:
    """One row."""
    path = folder / f"{nodes}-{gateways}.sock"
    with StandIn(path, nodes) as manager, running(f"unix://{path}", gateways) as controls:
        if not all(asked(controls, "known")):
            return Row(nodes, gateways, *[math.nan] * 5)
        # What a change brings with it, which the first one is for each: see `Membership`.
        time.sleep(3.0)
        manager.counts()
        before, began = sum(asked(controls, "cpu")), time.monotonic()
        time.sleep(seconds)
        counts, lasted = manager.counts(), time.monotonic() - began
        cpu = (sum(asked(controls, "cpu")) - before) / lasted / gateways
        for control in controls:
            control.send("times")
        time.sleep(1.0)  # for what was known before
        moved = time.monotonic()
        manager.move()
        found = [at - moved for control in controls for at in control.recv()]
    slowest = math.nan if any(map(math.isnan, found)) else max(found)
    return Row(
        nodes,
        gateways,
        counts.calls / lasted,
        counts.sent / lasted,
        cpu,
        statistics.median(found),
        slowest,
    )


def memory(folder: Path, nodes: int, seconds: float) -> float:
    """Bytes that a gateway's only worker has resident, with so many nodes. None of them answers."""
    path = folder / f"memory-{nodes}.sock"
    settings = {
        "OBJGW_DISCOVERY": "swarm",
        "OBJGW_WORKERS": "1",
        "DOCKER_HOST": f"unix://{path}",
        "OBJGW_NODES": "",
    }
    environment = gateway_environment([]) | settings
    log = folder / f"memory-{nodes}.log"
    host = "127.0.0.1"
    with (
        StandIn(path, nodes),
        GatewayProcess(host, free_port(host), environment=environment, log=log) as gateway,
    ):
        gateway.start(wait_for="/livez", timeout=60)
        time.sleep(seconds)
        return max(ProcessTree(gateway.pid).resident().values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--gateways", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="objgw-scale-") as name:
        folder = Path(name)
        print("| nodes | gateways | calls/s | MB/s | CPU of a gateway | new membership |")
        print("|---|---|---|---|---|---|", flush=True)
        for nodes in options.nodes:
            for gateways in options.gateways:
                row = measure(folder, nodes, gateways, options.seconds)
                print(
                    f"| {row.nodes:,} | {row.gateways} | {row.calls:.1f} | {row.sent / 1e6:.3f} "
                    f"| {row.cpu:.2%} | {row.median:.1f} s, at most {row.slowest:.1f} s |",
                    flush=True,
                )
        print("\n| nodes | memory of a worker |\n|---|---|", flush=True)
        for nodes in options.nodes:
            print(
                f"| {nodes:,} | {memory(folder, nodes, options.seconds) / MIB:.0f} MiB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
