"""One minute of the long-running checker, and the proof that it would notice."""

import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from demo.harness.s3nodes import MinioServer
from tests.faults import checker
from tests.faults.cluster import Cluster
from tests.faults.table import Outcome
from tests.functional.stored import keys_in, s3_client

pytestmark = [pytest.mark.faults, pytest.mark.minio, pytest.mark.timeout(900)]


def test_the_promise(minio: MinioServer, tmp_path: Path, outcome: Outcome) -> None:
    """Random faults under random requests, for one minute"""
    seed = int(os.environ.get("OBJGW_FAULTS_SEED") or secrets.randbelow(2**32))
    with checker.running_cluster(tmp_path, minio) as cluster:
        report = checker.check(cluster, seed, 1.0)
    print(*report.lines(), sep="\n")
    outcome.saw(
        f"seed {seed}: {report.operations.total()} operations, {report.faults.total()} faults, "
        f"{len(report.violations)} violations"
    )
    assert report.operations.total() > 500
    assert report.faults.total() >= 5
    assert not report.violations


def lose_objects(cluster: Cluster, stop: threading.Event) -> None:
    """Take objects from the first node behind the gateway's back, whenever it serves."""
    node = cluster.nodes[0]
    while not stop.wait(0.2):
        with suppress(Exception), s3_client(node.node) as client:
            for bucket, key in keys_in(node):
                client.remove_object(bucket, key)


@pytest.mark.long
def test_a_node_that_loses_objects_is_noticed(minio: MinioServer, tmp_path: Path) -> None:
    stop = threading.Event()
    with checker.running_cluster(tmp_path, minio) as cluster:
        thread = threading.Thread(target=lose_objects, args=(cluster, stop))
        thread.start()
        try:
            report = checker.check(cluster, 1, 0.2)
        finally:
            stop.set()
            thread.join()
    assert any("nobody had deleted it" in text for text in report.violations), report.violations
