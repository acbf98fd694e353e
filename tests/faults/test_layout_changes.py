"""The layout changes while clients read, write and list, and gateways fall asleep."""

import os
import random
import secrets
import signal
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import MinioServer, running_nodes
from tests.faults.checker import LASTING, PASSING, Client, Report
from tests.faults.history import History, violations
from tests.faults.table import SHORT, Outcome
from tests.support import client as support
from tests.support.layouts import LayoutDriver
from tests.support.servers import make_gateway
from tests.support.waiting import seconds_until

pytestmark = [pytest.mark.faults, pytest.mark.minio, pytest.mark.timeout(1800)]

LEASE = 2.0
#: Clients of each of the two gateways.
CLIENTS = 4
#: The members, by their indices, and the router: one after the other.
CHANGES = [([0, 1, 2, 3], "modulo"), ([1, 2, 3], "rendezvous")] + (
    [] if SHORT else [([0, 1, 2, 3], "ring"), ([0, 1, 2], "modulo")]
)


@dataclass
class Through:
    """What a client of the checker has to know of a cluster: the gateway that it asks."""

    client: support.Client


class Sandman(threading.Thread):
    """Sends the workers of gateways to sleep, one at a time, for up to two leases."""

    def __init__(self, gateways: list[GatewayProcess], seed: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._gateways = gateways
        self._random = random.Random(f"{seed} sleep")
        self._asked_to_stop = stop
        self.sleeps = 0

    def run(self) -> None:
        while not self._asked_to_stop.wait(self._random.uniform(0.1, LEASE)):
            (worker,) = self._random.choice(self._gateways).worker_pids()
            os.kill(worker, signal.SIGSTOP)
            self.sleeps += 1
            self._asked_to_stop.wait(self._random.uniform(0.1, 2 * LEASE))
            os.kill(worker, signal.SIGCONT)


def test_the_layout_changes_while_gateways_fall_asleep(
    minio: MinioServer, tmp_path: Path, outcome: Outcome
) -> None:
    """Layout changes, gateways sleep for longer than the lease"""
    seed = int(os.environ.get("OBJGW_FAULTS_SEED") or secrets.randbelow(2**32))
    report, stop = Report(seed), threading.Event()
    ids = [f"lasting{n}" for n in range(LASTING)] + [f"passing{n}" for n in range(PASSING)]
    with ExitStack() as stack:
        nodes = stack.enter_context(running_nodes(tmp_path / "nodes", 4, minio))
        driver = LayoutDriver(nodes, lease=LEASE)
        stack.callback(driver.close)
        driver.adopt(3)
        gateways = []
        for number in range(2):
            log = tmp_path / f"gateway-{number}.log"
            settings = {"OBJGW_LAYOUT_LEASE": f"{LEASE:g}", "OBJGW_LOG_LEVEL": "info"}
            gateway = make_gateway([node.node for node in nodes], log, **settings)
            gateways.append(stack.enter_context(gateway))
            gateway.start(timeout=60)
        asked = [support.Client(gateway.host, gateway.port) for gateway in gateways]
        clients = [
            Client(number, Through(asked[number % 2]), report, ids, stop)
            for number in range(2 * CLIENTS)
        ]
        sandman = Sandman(gateways, seed, stop)
        for thread in (*clients, sandman):
            thread.start()
        try:
            for members, router in CHANGES:
                driver.change(members, router)
        finally:
            stop.set()
            for thread in (*clients, sandman):
                thread.join(timeout=120)
        _look_at_the_end(driver, asked, clients[0], ids, report)
    for client in clients:
        report.operations += client.operations
        report.answers += client.answers
        report.violations += client.wrong
    report.violations += violations(
        History(
            [write for client in clients for write in client.history.writes],
            [read for client in clients for read in client.history.reads],
            [listing for client in clients for listing in client.history.listings],
        )
    )
    print(*report.lines(), f"sleeps: {sandman.sleeps}", sep="\n")
    outcome.saw(
        f"seed {seed}: {len(CHANGES)} changes, {sandman.sleeps} sleeps, "
        f"{report.operations.total()} operations, {len(report.violations)} violations"
    )
    assert sandman.sleeps
    assert report.operations.total() > 100
    assert not report.violations


def _look_at_the_end(
    driver: LayoutDriver,
    asked: list[support.Client],
    client: Client,
    ids: list[str],
    report: Report,
) -> None:
    """Each object is with its owner and nowhere else, and all gateways find it."""
    seconds_until(
        lambda: all(each.get_object(i).status in {200, 404} for each in asked for i in ids),
        "every id can be read",
        seconds=60,
    )
    for object_id in ids:
        client.read(object_id)
        statuses = {each.get_object(object_id).status for each in asked}
        there = [driver.placement.owner(object_id)] if statuses == {200} else []
        if len(statuses) != 1 or driver.holders(object_id) != there:
            report.violations.append(
                f"{object_id}: {statuses}, owned by {driver.placement.owner(object_id)}, "
                f"on {driver.holders(object_id)}"
            )
