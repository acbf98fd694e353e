"""The promise, put to the test for as long as you like: random clients, random faults, one judge.

    python -m tests.faults.checker --seed 7 --minutes 10

Many clients PUT, overwrite, DELETE, GET, HEAD and list a few ids, while nodes are paused, killed,
restarted and moved, workers of the gateway are killed and discovery is taken away. Whatever they
did and saw goes into a history, which `tests.faults.history` judges. The same seed gives the same
requests and the same faults; how they interleave is up to the machine.
"""

import argparse
import os
import random
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urljoin

from demo.harness.s3nodes import MinioServer, NodeProcess, running_nodes
from tests.faults.cluster import Cluster, seen
from tests.faults.history import Effect, History, ListingSeen, Read, Write, violations
from tests.functional.stored import keys_in_all, owner_of, s3_client
from tests.support.client import Answer, Headers
from tests.support.client import Client as HttpClient
from tests.support.waiting import seconds_until

KIB = 2**10
NODES = 3
CLIENTS = 12
#: Ids that are only ever written, so that every listing must have them; and ids that come and go.
LASTING, PASSING = 12, 12
TOKEN = "x-object-meta-write"
EXPECTED = {200, 201, 204, 404, 412, 503, 504}
SETTINGS = {"OBJGW_READ_TIMEOUT": "1", "OBJGW_SNAPSHOT_TTL": "10"}


@dataclass
class Report:
    """What a run did, and what was wrong."""

    seed: int
    operations: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"seed: {self.seed}"
        yield f"operations: {self.operations.total()} ({_counts(self.operations)})"
        yield f"answers: {_counts(self.answers)}"
        yield f"faults: {self.faults.total()} ({_counts(self.faults)})"
        yield f"violations: {len(self.violations)}"
        yield from (f"  {text}" for text in self.violations)


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counter.most_common())


def content(object_id: str, token: str) -> bytes:
    """The bytes that a write of this token consists of; the token ends with their number."""
    size = int(token.rsplit("-", 1)[1])
    line = f"{object_id} {token}\n".encode()
    return (line * (size // len(line) + 1))[:size]


class HasClient(Protocol):
    """What gives clients of a gateway."""

    @property
    def client(self) -> HttpClient:
        """A new one."""


class Client(threading.Thread):
    """One client, one request at a time.

    :ivar lasting: how many of the ids, at their beginning, are never deleted.
    :cvar limits: of the pages of a listing.
    :cvar pause: seconds between two requests.
    """

    limits: tuple[int, ...] = (5, 7, 100)
    pause = 0.0

    def __init__(
        self,
        number: int,
        cluster: HasClient,
        report: Report,
        ids: Sequence[str],
        stop: threading.Event,
    ) -> None:
        super().__init__(name=f"client {number}", daemon=True)
        self.history = History()
        self._number = number
        self._client = cluster.client
        self._report = report
        self._ids = ids
        self._stop_asked = stop
        self._random = random.Random(f"{report.seed} {number}")
        self._written = 0
        self.lasting = LASTING
        self.operations: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.wrong = ["a client failed"]  # until it ends as it should

    def run(self) -> None:
        choices = self.choices()
        kinds, weights = list(choices), list(choices.values())
        while not self._stop_asked.wait(self.pause):
            operation = self._random.choices(kinds, weights)[0]
            operation()
            self.operations[operation.__name__.strip("_")] += 1
        self.wrong.remove("a client failed")

    def choices(self) -> dict[Callable[[], object], int]:
        """What it does, and how often."""
        return {
            self._put: 30,
            self._create: 6,
            self._get: 44,
            self._head: 8,
            self._delete: 6,
            self._list: 6,
        }

    def read(self, object_id: str) -> bool:
        """Read an id and note what it is; whether there is an object."""
        return self._read("GET", object_id)

    def _put(self) -> None:
        self._write(self._random.choice(self._ids), {})

    def _create(self) -> None:
        self._write(self._random.choice(self._ids[self.lasting :]), {"If-None-Match": "*"})

    def _write(self, object_id: str, condition: dict[str, str]) -> int | None:
        token = f"{self._number}-{self._written}-{self._size()}"
        self._written += 1
        body = content(object_id, token)
        chunked = self._random.random() < 0.2
        headers = {TOKEN: token, **condition}
        start = time.monotonic()
        path = f"/object/{object_id}"
        answer = self._ask("PUT", path, iter([body]) if chunked else body, headers)
        end = time.monotonic()
        effect = Effect.UNKNOWN
        if answer is not None and answer.status == 201:
            effect = Effect.DONE
            if "If-None-Match" in condition:
                # It was created, so there was nothing at some time.
                self.history.reads.append(Read(object_id, None, start, end))
        elif answer is not None and answer.status == 412:
            effect = Effect.NONE
        self.history.writes.append(Write(object_id, token, start, end, effect))
        return answer.status if answer is not None else None

    def _size(self) -> int:
        small, streamed, parts = (100, 4 * KIB), (65 * KIB, 300 * KIB), (8200 * KIB, 9000 * KIB)
        chosen = self._random.choices([small, streamed, parts], [75, 24, 1])[0]
        return self._random.randint(*chosen)

    def _delete(self) -> None:
        object_id = self._random.choice(self._ids[self.lasting :])
        start = time.monotonic()
        answer = self._ask("DELETE", f"/object/{object_id}")
        done = answer is not None and answer.status == 204
        effect = Effect.DONE if done else Effect.UNKNOWN
        self.history.writes.append(Write(object_id, None, start, time.monotonic(), effect))

    def _get(self) -> None:
        self._read("GET", self._random.choice(self._ids))

    def _head(self) -> None:
        self._read("HEAD", self._random.choice(self._ids))

    def _read(self, method: str, object_id: str) -> bool:
        start = time.monotonic()
        answer = self._ask(method, f"/object/{object_id}")
        end = time.monotonic()
        if answer is None or answer.status not in {200, 404}:
            return False
        token = answer.headers[TOKEN] if answer.status == 200 else None
        if token is not None:
            expected = content(object_id, token)
            length = int(answer.headers["content-length"])
            if length != len(expected) or (method == "GET" and answer.body != expected):
                self.wrong.append(f"{method} of {object_id} is not what {token} wrote")
        self.history.reads.append(Read(object_id, token, start, end))
        return token is not None

    def _list(self) -> None:
        start = time.monotonic()
        ids: list[str] = []
        path = f"/objects?limit={self._random.choice(self.limits)}"
        while path:
            answer = self._ask("GET", path)
            if answer is None or answer.status != 200:
                return
            ids += [entry["id"] for entry in answer.json["objects"]]
            path = urljoin(path, answer.json["next"]) if answer.json["next"] else ""
        self.history.listings.append(ListingSeen(ids, start, time.monotonic()))

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Headers = (),
    ) -> Answer | None:
        try:
            answer = self._client.request(method, path, headers, body)
        except TimeoutError:
            self.wrong.append(f"{method} {path} got no answer within {self._client.timeout:g} s")
            return None
        except OSError as error:
            self.answers[f"broken ({type(error).__name__})"] += 1
            return None
        self.answers[seen(answer)] += 1
        if answer.status not in EXPECTED:
            self.wrong.append(f"{method} {path} was answered {seen(answer)}: {answer.body!r}")
        return answer


class Mischief:
    """Injects faults, one node at a time, and heals each."""

    def __init__(self, cluster: Cluster, report: Report) -> None:
        self._cluster = cluster
        self._report = report
        self._random = random.Random(f"{report.seed} faults")

    def do_one(self) -> None:
        fault = self._random.choice(
            [self._pause, self._kill, self._restart, self._move, self._kill_worker, self._hide]
        )
        fault(self._random.choice(self._cluster.nodes))
        self._report.faults[fault.__name__.strip("_").replace("_", " ")] += 1
        self._last(0.2, 2.0)

    def _last(self, low: float, high: float) -> None:
        """Let things be as they are for a while."""
        time.sleep(self._random.uniform(low, high))

    def _pause(self, node: NodeProcess) -> None:
        node.pause()
        self._last(0.2, 4.0)
        node.resume()

    def _kill(self, node: NodeProcess) -> None:
        node.kill()
        self._last(0.0, 2.0)
        node.start(timeout=60)

    def _restart(self, node: NodeProcess) -> None:
        node.stop()
        self._last(0.0, 1.0)
        node.start(timeout=60)

    def _move(self, node: NodeProcess) -> None:
        self._cluster.move(node)

    def _kill_worker(self, _node: NodeProcess) -> None:
        os.kill(self._random.choice(self._cluster.gateway.worker_pids()), signal.SIGKILL)

    def _hide(self, _node: NodeProcess) -> None:
        hidden = self._cluster.file.rename(self._cluster.file.with_suffix(".hidden"))
        self._last(0.5, 3.0)
        hidden.rename(self._cluster.file)


def check(cluster: Cluster, seed: int, minutes: float) -> Report:
    """Run clients and faults on a cluster for so long, and judge."""
    report = Report(seed)
    ids = [f"lasting{n}" for n in range(LASTING)] + [f"passing{n}" for n in range(PASSING)]
    stop = threading.Event()
    clients = [Client(number, cluster, report, ids, stop) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    mischief = Mischief(cluster, report)
    until = time.monotonic() + minutes * 60
    try:
        while time.monotonic() < until:
            mischief.do_one()
    finally:
        stop.set()
        for client in clients:
            client.join(timeout=120)
    _look_at_the_end(cluster, report, clients[0], ids)
    for client in clients:
        report.operations += client.operations
        report.answers += client.answers
        report.violations += client.wrong
    report.violations += violations(_together(clients))
    if "Traceback (most recent call last)" in cluster.gateway.logged():
        report.violations.append("the gateway logged a traceback")
    return report


def _together(clients: Sequence[Client]) -> History:
    return History(
        [write for client in clients for write in client.history.writes],
        [read for client in clients for read in client.history.reads],
        [listing for client in clients for listing in client.history.listings],
    )


def _look_at_the_end(cluster: Cluster, report: Report, client: Client, ids: Sequence[str]) -> None:
    """With everything healed: what is readable, and where it lies."""
    seconds_until(
        lambda: all(
            cluster.client.get_object(i).status in {200, 404} for i in ids for _ in range(3)
        ),
        "every id can be read",
        seconds=120,
    )
    for object_id in ids:
        client.read(object_id)
    held = keys_in_all(cluster.nodes)
    for object_id in ids:
        owner = owner_of(object_id, cluster.nodes)
        answer = cluster.client.get_object(object_id)
        holders = [name for name, keys in held.items() if ("objects", object_id) in keys]
        if holders != ([owner.node.name] if answer.status == 200 else []):
            report.violations.append(f"{object_id} of {owner.node.name} lies on {holders}")
        elif holders:
            with s3_client(owner.node) as s3, s3.get_object("objects", object_id) as stored:
                if stored.read() != answer.body:
                    report.violations.append(f"{object_id} differs from what its owner has")


@contextmanager
def running_cluster(folder: Path, server: MinioServer) -> Iterator[Cluster]:
    """Nodes and a gateway below a folder, to be checked."""
    with ExitStack() as stack:
        nodes = stack.enter_context(running_nodes(folder, NODES, server))
        cluster = Cluster.of(nodes, folder, **SETTINGS)
        stack.enter_context(cluster.gateway)
        cluster.announce()
        cluster.start_gateway()
        yield cluster


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.checker", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    parser.add_argument("--minutes", type=float, default=1.0)
    options = parser.parse_args(arguments)
    server = MinioServer.find()
    if server is None:
        sys.exit("there is no minio binary here")
    print(f"seed: {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="objgw-checker-") as folder:
        with running_cluster(Path(folder), server) as cluster:
            report = check(cluster, options.seed, options.minutes)
        if report.violations:
            print(cluster.gateway.log_tail(200))
    print(*report.lines(), sep="\n")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
