"""The gateway's own disk, where uploads without a length wait."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.cluster import seen
from tests.faults.conftest import RunCluster
from tests.faults.table import Outcome
from tests.faults.test_nodes import small_disk

pytestmark = pytest.mark.faults

MIB = 2**20
OLD = b"what was there before"


def body(size: int) -> Iterator[bytes]:
    for _ in range(size // MIB):
        yield bytes(MIB)


def test_full(run_cluster: RunCluster, outcome: Outcome, tmp_path: Path) -> None:
    """The gateway's temporary disk full"""
    with small_disk(tmp_path / "spool", 4):
        cluster = run_cluster(2, TMPDIR=str(tmp_path / "spool"))
        ids = cluster.put_one_on_each(OLD)
        for size in (6 * MIB, 20 * MIB):
            answer = cluster.client.put(ids[0], body(size))
            assert (answer.status, answer.code) == (507, "gateway_full"), answer
            assert cluster.client.get_object(ids[0]).body == OLD
        outcome.saw(seen(answer) + ", the old object intact")
        assert cluster.client.put(ids[0], body(2 * MIB)).status == 201
        assert cluster.client.put(ids[1], bytes(20 * MIB)).status == 201
        assert "Traceback" not in cluster.gateway.logged()
        cluster.gateway.stop()
