"""What a client sees when a node is gone, and that everybody else sees nothing of it."""

import dataclasses
import os
import subprocess
import sys

import pytest

from demo.harness.children import PROJECT_ROOT
from demo.harness.s3nodes import NodeProcess, running_nodes
from tests.functional.conftest import RunGateway, RunNodes, client_of
from tests.functional.stored import id_owned_by
from tests.support.client import Client
from tests.support.servers import minio_or_skip
from tests.support.waiting import eventually


def put_one_on_each(client: Client, nodes: list[NodeProcess]) -> list[str]:
    ids = [id_owned_by(process, nodes) for process in nodes]
    for object_id in ids:
        assert client.put(object_id, object_id.encode()).status == 201
    return ids


def assert_unavailable(client: Client, object_id: str) -> None:
    for method in ("GET", "PUT"):
        answer = client.request(
            method, f"/object/{object_id}", {}, b"new" if method == "PUT" else None
        )
        assert (answer.status, answer.code) == (503, "node_unavailable")
        assert int(answer.headers["retry-after"]) > 0
    assert client.request("HEAD", f"/object/{object_id}").status == 503


def test_only_the_ids_of_a_killed_node_are_unavailable(
    run_nodes: RunNodes, run_gateway: RunGateway
) -> None:
    nodes = run_nodes(3)
    client = client_of(run_gateway(nodes, OBJGW_WORKERS="2"))
    ids = put_one_on_each(client, nodes)
    nodes[1].kill()
    for _ in range(4):  # whichever worker answers
        assert_unavailable(client, ids[1])
        for object_id in (ids[0], ids[2]):
            assert client.get_object(object_id).body == object_id.encode()
            assert client.put(object_id, object_id.encode()).status == 201

    nodes[1].restart()
    if nodes[1].server.keeps_data:
        assert client.get_object(ids[1]).body == ids[1].encode()
    assert client.put(ids[1], b"after").status == 201
    assert client.get_object(ids[1]).body == b"after"


def test_a_node_that_lost_its_data_takes_objects_again(
    run_nodes: RunNodes, run_gateway: RunGateway
) -> None:
    nodes = run_nodes(2)
    client = client_of(run_gateway(nodes))
    ids = put_one_on_each(client, nodes)
    nodes[0].stop()
    data = nodes[0].node.folder / "data"
    if data.exists():
        data.rename(data.with_name("lost"))
    nodes[0].restart()
    answer = client.get_object(ids[0])
    assert (answer.status, answer.code) == (404, "object_not_found")
    assert client.put(ids[0], b"again").status == 201
    assert client.get_object(ids[0]).body == b"again"
    assert client.get_object(ids[1]).body == ids[1].encode()


def test_a_gateway_starts_while_a_node_is_down(
    run_nodes: RunNodes, run_gateway: RunGateway
) -> None:
    nodes = run_nodes(2)
    nodes[0].kill()
    client = client_of(run_gateway(nodes))
    down, up = (id_owned_by(process, nodes) for process in nodes)
    assert client.put(up, b"up").status == 201
    assert_unavailable(client, down)
    nodes[0].restart()
    assert client.put(down, b"down").status == 201


def test_a_download_is_cut_when_the_node_dies_in_the_middle(
    run_nodes: RunNodes, run_gateway: RunGateway
) -> None:
    [node] = nodes = run_nodes(1)
    client = client_of(run_gateway(nodes))
    size = 64 * 2**20  # more than the sockets in between hold
    assert client.put("big", bytes(size)).status == 201
    with client.answering("GET", "/object/big") as answer:
        received = len(answer.read(2**16))
        node.kill()
        try:
            while block := answer.read1(2**20):
                received += len(block)
        except ConnectionResetError:
            pass
    assert received < size


@pytest.mark.minio
def test_a_wrong_secret_for_a_node_is_a_node_error(
    tmp_path_factory: pytest.TempPathFactory, run_gateway: RunGateway
) -> None:
    with running_nodes(tmp_path_factory.mktemp("minio"), 2, minio_or_skip()) as nodes:
        wrong = dataclasses.replace(nodes[0].node, secret_key="not-the-secret")
        client = client_of(run_gateway([wrong, nodes[1].node]))
        refused, accepted = (id_owned_by(process, nodes) for process in nodes)
        for method, body in (("PUT", b"x"), ("GET", None)):
            answer = client.request(method, f"/object/{refused}", {}, body)
            assert (answer.status, answer.code) == (502, "node_error")
        assert client.put(accepted, b"x").status == 201


def test_a_list_without_nodes_is_refused_by_check() -> None:
    check = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=PROJECT_ROOT,
        env={**os.environ, "OBJGW_DISCOVERY": "static", "OBJGW_NODES": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert check.returncode == 1
    assert "OBJGW_NODES is empty" in check.stderr
    assert "Traceback" not in check.stderr


def test_a_killed_worker_is_replaced(s3_nodes: list[NodeProcess], run_gateway: RunGateway) -> None:
    gateway = run_gateway(s3_nodes, OBJGW_WORKERS="2")
    before = set(gateway.worker_pids())
    assert before
    for pid in before:
        os.kill(pid, 9)
    eventually(
        lambda: len(after := set(gateway.worker_pids())) == len(before) and not after & before,
        "gunicorn starts new workers",
    )
    assert client_of(gateway).put("afterwards", b"x").status == 201
