"""/readyz says what is true of the nodes, and the image's health check does not mind."""

import subprocess
import sys
import time

import pytest

from demo.harness.children import PROJECT_ROOT
from demo.harness.gateway import GatewayProcess
from tests.functional.conftest import RunGateway, RunNodes, client_of
from tests.support.client import Answer
from tests.support.waiting import eventually


def readiness(gateway: GatewayProcess) -> Answer:
    return client_of(gateway).request("GET", "/readyz")


def health_check(gateway: GatewayProcess) -> subprocess.CompletedProcess[str]:
    """What Docker runs in the container."""
    return subprocess.run(
        [sys.executable, "-I", "deploy/healthcheck.py"],
        cwd=PROJECT_ROOT,
        env={"OBJGW_BIND": f"{gateway.host}:{gateway.port}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_it_counts_the_nodes_that_can_serve(run_nodes: RunNodes, run_gateway: RunGateway) -> None:
    nodes = run_nodes(2)
    gateway = run_gateway(nodes)
    answer = readiness(gateway)
    assert answer.status == 200
    assert (answer.json["nodes"], answer.json["serving"]) == (2, 2)
    assert answer.json["not_serving"] == []

    nodes[1].kill()
    eventually(lambda: readiness(gateway).json["serving"] == 1, "it notices that one is down")
    answer = readiness(gateway)
    assert (answer.status, answer.json["status"]) == (200, "ready")
    [down] = answer.json["not_serving"]
    assert (down["name"], "refused" in down["reason"]) == (nodes[1].name, True)

    nodes[0].kill()
    eventually(lambda: readiness(gateway).status == 503, "it notices that all are down")
    answer = readiness(gateway)
    assert answer.json["code"] == "no_node_serves"
    assert (answer.json["nodes"], answer.json["serving"]) == (2, 0)
    assert "refused" in answer.json["missing"]
    assert int(answer.headers["retry-after"]) > 0
    # A new gateway would not bring them back, so an orchestrator must not end this one.
    checked = health_check(gateway)
    assert checked.returncode == 0
    assert "/livez: 200" in checked.stdout
    assert "/readyz: 503" in checked.stdout
    assert "no_node_serves" in checked.stdout

    nodes[0].restart()
    eventually(lambda: readiness(gateway).status == 200, "it notices that one is back")


@pytest.mark.minio
def test_a_node_that_hangs_does_not_hold_it_up(
    run_nodes: RunNodes, run_gateway: RunGateway
) -> None:
    nodes = run_nodes(2)
    gateway = run_gateway(nodes)
    nodes[0].pause()
    try:
        eventually(lambda: readiness(gateway).json["serving"] == 1, "it notices that one hangs")
        began = time.monotonic()
        answers = [readiness(gateway) for _ in range(3)]
        # Three probes at most, each with its second; a read timeout would be 30.
        assert time.monotonic() - began < 15
        assert {answer.status for answer in answers} == {200}
        [hung] = answers[-1].json["not_serving"]
        assert "did not answer within 1 s" in hung["reason"]
    finally:
        nodes[0].resume()
    eventually(lambda: readiness(gateway).json["serving"] == 2, "it notices that it goes on")


def test_a_gateway_that_is_not_there_is_not_healthy(run_gateway: RunGateway) -> None:
    gateway = run_gateway([], wait_for="/livez", OBJGW_NODES="http://k:s@127.0.0.1:1")
    assert health_check(gateway).returncode == 0
    gateway.stop()
    assert health_check(gateway).returncode == 1
