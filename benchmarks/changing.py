"""What a change of the layout costs clients of ids whose owner does not change, and of the others.

    python -m benchmarks.changing [--objects 5000] [--rate 40] [--jobs 8] [--limit-rate SIZE]

Three nodes and a gateway hold objects of 1 KiB; the router is rendezvous. A steady client reads and
writes ids one after the other, so many a second: first while nothing changes, then while
`manage.py layout apply --add` moves what becomes the fourth node's. Latencies and refusals are told
apart by whether an id's owner changes.
"""

import argparse
import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.moving import ROOT, run, settings_of
from demo.harness.gateway import GatewayProcess
from demo.harness.ports import free_port
from demo.harness.s3nodes import LocalNode, MinioServer, running_nodes
from objects.layout import Layout
from objects.layout.placement import Placement

_HOST = "127.0.0.1"
_BODY = b"x" * 1024
#: Seconds for which is measured before the change.
_BEFORE = 20.0


@dataclass
class Seen:
    """What the clients of some ids saw.

    :ivar seconds: that each answer took.
    :ivar refused: when a write was refused, on the monotonic clock.
    """

    seconds: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def quantile(self, q: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))]

    def row(self, name: str) -> str:
        """Of the table."""
        if not self.seconds:
            return f"| {name} | 0 | | | |"
        p50, p99 = self.quantile(0.5), self.quantile(0.99)
        return f"| {name} | {len(self.seconds):,} | {p50:.1f} | {p99:.1f} | {len(self.refused)} |"


class Client:
    """Asks for one id after the other, a write behind three reads."""

    def __init__(self, port: int, ids: Sequence[str], moving: set[str], rate: float) -> None:
        self._connection = http.client.HTTPConnection(_HOST, port, timeout=60)
        self._ids = ids
        self._moving = moving
        self._rate = rate
        self._turn = 0
        self.begin()

    def begin(self) -> None:
        """A new stretch."""
        self._staying, self._leaving = Seen(), Seen()
        self._due = time.monotonic()

    def seen(self) -> tuple[Seen, Seen]:
        """What was seen in this stretch of ids that stay, and of those that move."""
        return self._staying, self._leaving

    def step(self) -> None:
        """One request, when it is due."""
        self._due = max(self._due + 1 / self._rate, time.monotonic() - 1)
        time.sleep(max(0.0, self._due - time.monotonic()))
        object_id = self._ids[self._turn * 7919 % len(self._ids)]
        method = "PUT" if self._turn % 4 == 3 else "GET"
        self._turn += 1
        seen = self._leaving if object_id in self._moving else self._staying
        began = time.monotonic()
        self._connection.request(method, f"/object/{object_id}", _BODY if method == "PUT" else None)
        answer = self._connection.getresponse()
        answer.read()
        seen.seconds.append(time.monotonic() - began)
        if answer.status == 503:
            seen.refused.append(began)
        elif answer.status not in (200, 201):
            raise SystemExit(f"{method} {object_id}: {answer.status}")


def moving_ids(ids: Sequence[str], before: Sequence[LocalNode], added: LocalNode) -> set[str]:
    """Those whose owner changes when a node is added."""
    names = [node.name for node in before]
    old = Placement(Layout.adopted("rendezvous", names))
    new = Placement(Layout.adopted("rendezvous", [*names, added.name]))
    return {each for each in ids if old.owner(each) != new.owner(each)}


def measure(options: argparse.Namespace) -> None:
    """Print the table."""
    server = MinioServer.find()
    if server is None:
        raise SystemExit("there is no minio binary here")
    with (
        tempfile.TemporaryDirectory(prefix="objgw-changing-") as folder,
        running_nodes(Path(folder), 4, server) as processes,
    ):
        nodes = [process.node for process in processes]
        environment = settings_of(nodes) | {"OBJGW_ROUTER": "rendezvous"}
        first = settings_of(nodes[:3]) | {"OBJGW_ROUTER": "rendezvous"}
        run(["manage.py", "layout", "apply"], first)
        ids = [f"steady{number}" for number in range(options.objects)]
        moving = moving_ids(ids, nodes[:3], nodes[3])
        port = free_port(_HOST)
        log = Path(folder, "gateway.log")
        with GatewayProcess(_HOST, port, environment=environment, log=log) as gateway:
            gateway.start()
            _fill(port, ids)
            client = Client(port, ids, moving, options.rate)
            until = time.monotonic() + _BEFORE
            while time.monotonic() < until:
                client.step()
            quiet = client.seen()
            client.begin()
            began = time.monotonic()
            limit = ["--limit-rate", options.limit_rate] if options.limit_rate else []
            command = ["manage.py", "layout", "apply", "--add", nodes[3].name, "--jobs"]
            with subprocess.Popen(
                [sys.executable, *command, str(options.jobs), *limit],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.DEVNULL,
            ) as change:
                while change.poll() is None:
                    client.step()
            took = time.monotonic() - began
            _print(quiet, client.seen(), len(moving), took)


def _fill(port: int, ids: Sequence[str]) -> None:
    connection = http.client.HTTPConnection(_HOST, port, timeout=60)
    for object_id in ids:
        connection.request("PUT", f"/object/{object_id}", _BODY)
        connection.getresponse().read()
    connection.close()


def _print(quiet: tuple[Seen, Seen], changing: tuple[Seen, Seen], moved: int, took: float) -> None:
    print("| ids | requests | p50 ms | p99 ms | refused |\n|---|---|---|---|---|")
    print(quiet[0].row("that stay, before"))
    print(changing[0].row("that stay, during"))
    print(quiet[1].row("that move, before"))
    print(changing[1].row("that move, during"))
    refused = changing[1].refused
    span = max(refused) - min(refused) if refused else 0.0
    ratio = changing[0].quantile(0.99) / quiet[0].quantile(0.99)
    print(
        f"{moved:,} objects moved in {took:.0f} s; p99 of those that stay x{ratio:.1f}; writes of "
        f"those that move were refused over {span:.1f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.changing", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--objects", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=40.0, help="requests a second")
    parser.add_argument("--jobs", type=int, default=2, help="as of `layout apply`")
    parser.add_argument("--limit-rate", default="", help="as of `layout apply`")
    measure(parser.parse_args())


if __name__ == "__main__":
    main()
