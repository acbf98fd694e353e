"""A cluster that grows and shrinks under load: two gateways, nodes that come and go, one judge.

Clients write, read, delete and list through both gateways, while `manage.py layout apply` changes
who owns what, is killed and started again, a gateway is killed and a node is stopped.
"""

import hashlib
import itertools
import math
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minio.error import S3Error

from demo.harness.children import PROJECT_ROOT, ChildProcess, stop_children
from demo.harness.ports import free_port
from demo.harness.s3nodes import MinioServer, NodeProcess, running_nodes
from nodes.node import Credentials, Node, NodeState
from objects.layout import LAYOUT_KEY, Layout, State
from objects.routing import router_class
from tests.faults import checker
from tests.faults.checker import TOKEN, Report, content
from tests.faults.cluster import DISCOVERY, Gateway, clean_environment, seen
from tests.faults.filediscovery import write_nodes
from tests.faults.history import Effect, History, ListingSeen, Read, Write, violations
from tests.faults.table import SHORT
from tests.functional.stored import BUCKET, keys_in, s3_client
from tests.support.client import Answer, Client
from tests.support.servers import HOST
from tests.support.waiting import eventually, seconds_until

#: Seconds; the least that the setting takes.
LEASE = 1.0
CLIENTS = 6
_PRELOADERS = 8


@dataclass
class Growing:
    """The nodes, some of which are announced, and the gateways on those.

    :ivar announced: the names of those that discovery finds.
    """

    nodes: list[NodeProcess]
    gateways: list[Gateway]
    file: Path
    folder: Path
    environment: dict[str, str]
    announced: set[str] = field(default_factory=set)
    _turns: Iterator[int] = field(default_factory=itertools.count)

    @property
    def client(self) -> Client:
        """A client of one of the gateways, in turns."""
        return self.gateways[next(self._turns) % len(self.gateways)].client

    def announce(self, *names: str) -> None:
        """Let discovery find these nodes, too."""
        self.announced |= set(names)
        write_nodes(self.file, [_told(p) for p in self.nodes if p.node.name in self.announced])

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT_ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def layout(self) -> Layout:
        """The highest version that lies on a node that runs."""
        found = []
        for process in self.nodes:
            if process.running:
                with s3_client(process.node) as s3, suppress(S3Error):
                    copy = s3.get_object(BUCKET, LAYOUT_KEY)
                    found.append(Layout.from_json(copy.read()))
                    copy.close()
        return max(found, key=lambda layout: layout.version)

    def applying(self, *arguments: str) -> "Applying":
        """`layout apply` with these arguments, started."""
        number = len(list(self.folder.glob("apply-*.log")))
        process = Applying(
            "layout apply",
            [sys.executable, "manage.py", "layout", "apply", *arguments],
            environment=self.environment | {"PYTHONUNBUFFERED": "1"},
            log=self.folder / f"apply-{number}.log",
        )
        process.launch()
        return process


class Applying(ChildProcess):
    """A running `layout apply`."""

    def logged(self) -> str:
        return self.log.read_text()

    def finished(self, seconds: float = 300.0) -> str:
        """Wait for its end; what it said."""
        eventually(lambda: not self.running, f"{self.argv} ends", seconds, pause=0.1)
        assert self.exit_status == 0, self.death_notice()
        return self.logged()


def _told(process: NodeProcess) -> Node:
    node = process.node
    credentials = Credentials(node.access_key, node.secret_key)
    return Node(node.name, node.host, node.port, NodeState.RUNNING, credentials)


@contextmanager
def running(folder: Path, server: MinioServer, count: int, first: int) -> Iterator[Growing]:
    """A cluster of which the first nodes are announced and adopted as the layout."""
    with ExitStack() as stack:
        nodes = stack.enter_context(running_nodes(folder, count, server))
        file = folder / "nodes.json"
        environment = clean_environment(
            OBJGW_DISCOVERY=DISCOVERY,
            OBJGW_NODES=str(file),
            OBJGW_WORKERS="1",
            OBJGW_SNAPSHOT_TTL="1",
            OBJGW_READ_TIMEOUT="5",
            OBJGW_LAYOUT_LEASE=f"{LEASE:g}",
        )
        gateways = [
            Gateway(
                HOST,
                free_port(HOST),
                environment=environment,
                log=folder / f"gateway-{number}.log",
                name=f"gateway {number}",
            )
            for number in range(2)
        ]
        cluster = Growing(nodes, gateways, file, folder, environment)
        cluster.announce(*(process.node.name for process in nodes[:first]))
        stack.callback(lambda: stop_children(gateways))
        adopted = cluster.manage("layout", "apply")
        assert adopted.returncode == 0, adopted.stderr
        for gateway in gateways:
            gateway.start(timeout=60)
        yield cluster


class Visitor(checker.Client):
    """A client that replaces by tag as well, and lists with larger pages."""

    limits = (50, 1000)
    #: So that the gateways, the nodes and `apply` have something of the processors, too.
    pause = 0.05 if SHORT else 0.02

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        #: When a write was refused because its id was about to get another owner.
        self.refused: list[float] = []

    def _ask(self, *arguments: Any) -> Answer | None:
        answer = super()._ask(*arguments)
        if answer is not None and seen(answer) == "503 layout_changing":
            self.refused.append(time.monotonic())
        return answer

    def run(self) -> None:
        try:
            super().run()
        except AssertionError as error:
            self.wrong.append(str(error))

    def choices(self) -> dict[Any, int]:
        return {
            self._put: 24,
            self._create: 6,
            self._get: 40,
            self._head: 8,
            self._delete: 8,
            self._replace: 10,
            self._list: 2,
        }

    def _replace(self) -> None:
        """Replace what was just read, and nothing else."""
        object_id = self._random.choice(self._ids)
        before = self._ask("HEAD", f"/object/{object_id}")
        if before is None or before.status != 200:
            return
        old = before.headers[TOKEN]
        start = time.monotonic()
        status = self._write(object_id, {"If-Match": before.headers["etag"]})
        if status == 201:
            # So it was there at some time in between.
            self.history.reads.append(Read(object_id, old, start, time.monotonic()))


@dataclass
class Trial:
    """Clients at work on a cluster, and what they saw."""

    cluster: Growing
    report: Report
    lasting: Sequence[str]
    passing: Sequence[str]
    stop: threading.Event = field(default_factory=threading.Event)
    clients: list[Visitor] = field(default_factory=list)
    preloaded: History = field(default_factory=History)

    @property
    def ids(self) -> list[str]:
        return [*self.lasting, *self.passing]

    def preload(self) -> None:
        """Store every object once."""

        def store(object_id: str) -> Write:
            token = f"first-{object_id}-{random.Random(object_id).randint(10, 2000)}"
            start = time.monotonic()
            body = content(object_id, token)
            answer = self.cluster.client.request(
                "PUT", f"/object/{object_id}", {TOKEN: token}, body
            )
            assert answer.status == 201, answer
            return Write(object_id, token, start, time.monotonic(), Effect.DONE)

        with ThreadPoolExecutor(max_workers=_PRELOADERS) as pool:
            self.preloaded.writes.extend(pool.map(store, self.ids))

    def begin(self) -> None:
        """Let the clients loose."""
        for number in range(CLIENTS):
            # Each keeps to one gateway.
            client = Visitor(number, self.cluster, self.report, self.ids, self.stop)
            client.lasting = len(self.lasting)
            self.clients.append(client)
            client.start()

    def end(self) -> None:
        """Stop them."""
        self.stop.set()
        for client in self.clients:
            client.join(timeout=120)

    def longest_refusal(self) -> float:
        """Seconds from the first to the last write that was refused, of the longest such time."""
        times = sorted(moment for client in self.clients for moment in client.refused)
        longest, began = 0.0, 0.0
        for before, moment in zip([-math.inf, *times], times, strict=False):
            if moment - before > LEASE / 2:
                began = moment
            longest = max(longest, moment - began)
        return longest

    def judge(self) -> None:
        """Look at everything once more, and say what was wrong."""
        self._read_all()
        for client in self.clients:
            self.report.operations += client.operations
            self.report.answers += client.answers
            self.report.violations += client.wrong
        histories = [self.preloaded, *(client.history for client in self.clients)]
        together = History(
            [write for each in histories for write in each.writes],
            [read for each in histories for read in each.reads],
            [listing for each in histories for listing in each.listings],
        )
        self.report.violations += violations(together)
        for gateway in self.cluster.gateways:
            if "Traceback (most recent call last)" in gateway.logged():
                self.report.violations.append(f"{gateway.name} logged a traceback")

    def _read_all(self) -> None:
        one = self.clients[0]
        client = self.cluster.client
        seconds_until(
            lambda: client.get_object(self.ids[0]).status in {200, 404}, "an id can be read"
        )
        there = set()
        for object_id in self.ids:
            if one.read(object_id):
                there.add(object_id)
        start = time.monotonic()
        listed = self._listed()
        one.history.listings.append(ListingSeen(listed, start, time.monotonic()))
        if set(listed) != there:
            self.report.violations.append(f"listed and not there, or not: {set(listed) ^ there}")
        self._look_where_they_lie(there)

    def _listed(self) -> list[str]:
        ids: list[str] = []
        after = ""
        while True:
            page = self.cluster.client.request("GET", f"/objects?limit=1000&after={after}").json
            ids += [entry["id"] for entry in page["objects"]]
            if not page["next"]:
                return ids
            after = ids[-1]

    def _look_where_they_lie(self, there: set[str]) -> None:
        """Each object is on its owner and nowhere else, byte for byte, with the tag it had."""
        layout = self.cluster.layout()
        if layout.state is not State.STABLE:
            self.report.violations.append(f"the layout is {layout.state} at the end")
        router = router_class(layout.router)()
        held = {
            process.node.name: {key for bucket, key in keys_in(process) if bucket == BUCKET}
            - {LAYOUT_KEY}
            for process in self.cluster.nodes
        }
        owners = {object_id: router.owner(object_id, layout.members).name for object_id in there}
        for name, keys in held.items():
            owned = {object_id for object_id, owner in owners.items() if owner == name}
            if keys != owned:
                self.report.violations.append(
                    f"{name} has {sorted(keys - owned)[:5]} too many, {sorted(owned - keys)[:5]} "
                    "are missing"
                )
        for process in self.cluster.nodes:
            with s3_client(process.node) as s3:
                for object_id in sorted(held[process.node.name])[:2000]:
                    with s3.get_object(BUCKET, object_id) as stored:
                        body, headers = stored.read(), stored.headers
                    expected = content(object_id, headers["x-amz-meta-write"])
                    tag = hashlib.md5(body, usedforsecurity=False).hexdigest()
                    if body != expected or (
                        "-" not in headers["etag"] and headers["etag"].strip('"') != tag
                    ):
                        self.report.violations.append(f"{object_id} is not what was written")
