"""A worker that may open no more files blames no node for it."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.bodies import MIB, SHAPES
from tests.faults.conftest import RunCluster
from tests.faults.table import Outcome
from tests.faults.wire import get, put_body, put_head
from tests.support.client import random_id

pytestmark = [pytest.mark.faults, pytest.mark.minio]


@contextlib.contextmanager
def no_more_files(pid: int) -> Iterator[None]:
    """Let a process open no file beyond those that it has."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    taken = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
    free = next(number for number in range(len(taken) + 1) if number not in taken)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def test_a_worker_without_descriptors(run_cluster: RunCluster, outcome: Outcome) -> None:
    """No descriptor left in a worker"""
    cluster = run_cluster(1, OBJGW_WORKERS="1")
    (pid,) = cluster.gateway.worker_pids()
    shape = SHAPES["in parts"]
    assert shape.size > MIB
    requests = {
        "GET": get(random_id()),
        "PUT chunked": put_head(random_id(), shape) + put_body(shape)[: 2 * MIB],
    }
    for name, request in requests.items():
        with cluster.client.wire() as connection:
            connection.send(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.answer("GET").status == 200
            with no_more_files(pid):
                connection.send(request)
                answer = connection.answer(request[:3].decode())
                assert (answer.status, answer.code) == (503, "gateway_busy")
                assert answer.headers["retry-after"] == "1"
        outcome.saw(f"{name}: 503 gateway_busy")
    assert cluster.gateway.worker_pids() == [pid]
    assert cluster.client.get_object(random_id()).status == 404
    assert "node_unavailable" not in cluster.gateway.logged()
    assert "Traceback" not in cluster.gateway.logged()
