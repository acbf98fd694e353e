"""The nodes that all the other tests build on behave like nodes."""

import dataclasses

import pytest
from minio.error import S3Error

from demo.harness.s3nodes import NodeProcess, running_nodes
from tests.functional.conftest import RunNodes
from tests.functional.stored import s3_client
from tests.support.servers import minio_or_skip


def buckets_of(process: NodeProcess) -> list[str]:
    with s3_client(process.node) as client:
        return [bucket.name for bucket in client.list_buckets()]


def make_bucket(process: NodeProcess, name: str) -> None:
    with s3_client(process.node) as client:
        client.make_bucket(name)


def test_each_is_an_s3_server_of_its_own(run_nodes: RunNodes) -> None:
    nodes = run_nodes(2)
    make_bucket(nodes[0], "first")
    make_bucket(nodes[1], "second")
    assert [buckets_of(process) for process in nodes] == [["first"], ["second"]]


def test_a_restart_can_change_the_address(run_nodes: RunNodes) -> None:
    [process] = run_nodes(1)
    make_bucket(process, "kept")
    port = process.node.port
    process.restart(host="127.0.3.4")
    assert process.node.endpoint == f"127.0.3.4:{port}"
    assert buckets_of(process) == (["kept"] if process.server.keeps_data else [])


def test_a_paused_node_hangs_and_a_killed_one_refuses(run_nodes: RunNodes) -> None:
    first, second = run_nodes(2)
    first.pause()
    assert not first.server.is_ready(first.node)
    first.resume()
    first.wait_until_ready()
    first.kill()
    assert not first.running
    assert not first.server.is_ready(first.node)
    assert second.server.is_ready(second.node)


def test_logs_hold_no_credentials(s3_nodes: list[NodeProcess]) -> None:
    for process in s3_nodes:
        buckets_of(process)
        log = process.log.read_text()
        assert process.node.access_key not in log
        assert process.node.secret_key not in log


@pytest.mark.minio
def test_minio_refuses_other_credentials(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_nodes(tmp_path_factory.mktemp("refusing"), 1, minio_or_skip()) as [process]:
        stranger = dataclasses.replace(process.node, secret_key="wrong-secret")
        with s3_client(stranger) as client, pytest.raises(S3Error, match="SignatureDoesNotMatch"):
            client.list_buckets()
