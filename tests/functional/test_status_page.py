"""The status page: the figures of all workers, no secret, and a setting that turns it off."""

import html
import os
import re
import signal
from pathlib import Path

import pytest

from demo.harness.s3nodes import MotoServer, S3Server
from nodes.tests.engine import NAME, Container, Engine
from tests.functional.conftest import RunGateway, RunNodes, client_of
from tests.functional.stored import id_owned_by
from tests.support.client import Client
from tests.support.waiting import eventually

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="session", params=["moto"])
def server(request: pytest.FixtureRequest) -> S3Server:
    """One will do: it is about the gateway."""
    return MotoServer()


def page(client: Client, target: str = "/") -> str:
    answer = client.request("GET", target, HTML)
    assert answer.status == 200
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    return answer.text


def figures(text: str, name: str) -> list[int]:
    """The numbers beside a name, of all objects first and then of each node."""
    return [
        int(number.replace(",", "")) for number in re.findall(rf"<dt>{name}</dt><dd>([\d,]+)", text)
    ]


def test_the_figures_of_all_workers(run_nodes: RunNodes, run_gateway: RunGateway) -> None:
    nodes = run_nodes(2)
    gateway = run_gateway(nodes, OBJGW_WORKERS="2")
    ids = [id_owned_by(nodes[0], nodes) for _ in range(7)]
    ids += [id_owned_by(nodes[1], nodes) for _ in range(4)]
    # Each on a connection of its own: both workers get some.
    for object_id in ids:
        assert client_of(gateway).put(object_id, b"x").status == 201
    for _ in range(5):
        assert client_of(gateway).get_object(ids[0]).status == 200

    def seen() -> list[int] | None:
        found = figures(page(client_of(gateway)), "Requests")
        return found if found[0] >= 16 else None

    found = eventually(seen, "all requests are on the page", 30)
    assert found is not None
    clients, *of_nodes = found
    assert clients == 16
    # Their first PUT makes the bucket, in each worker.
    assert 12 <= of_nodes[0] <= 14
    assert 4 <= of_nodes[1] <= 6

    # What a worker counted outlives it.
    killed = gateway.worker_pids()[0]
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: killed not in gateway.worker_pids(), "the worker is gone", 30)
    eventually(lambda: len(gateway.worker_pids()) == 2, "there is another", 30)
    for _ in range(4):
        client_of(gateway).get_object(ids[0])
    nodes[1].stop()
    for _ in range(3):
        assert client_of(gateway).get_object(ids[-1]).status in (502, 503)

    def failed() -> list[int] | None:
        found = figures(page(client_of(gateway)), r"Errors \(5xx\)")
        return found if found[0] >= 3 else None

    eventually(failed, "the errors are on the page", 30)
    text = page(client_of(gateway))
    assert figures(text, "Requests")[0] == 23
    assert figures(text, r"Errors \(5xx\)") == [3]
    at_first, at_second = figures(text, "Errors")
    assert (at_first, at_second >= 3) == (0, True)
    assert f"1 of 2 nodes can serve. Down: {nodes[1].node.name}" in html.unescape(text)


def test_no_secret(run_nodes: RunNodes, run_gateway: RunGateway) -> None:
    nodes = run_nodes(2)
    text = page(client_of(run_gateway(nodes)))
    for process in nodes:
        assert process.node.name in text
        assert process.node.access_key not in text
        assert process.node.secret_key not in text


def test_without_scripts_it_loads_itself_anew_unless_told_not_to(
    run_nodes: RunNodes, run_gateway: RunGateway
) -> None:
    client = client_of(run_gateway(run_nodes(1)))
    meta = '<noscript><meta http-equiv="refresh" content="{}"></noscript>'
    assert meta.format(15) in page(client)
    assert meta.format(60) in page(client, "/?reload=60")
    assert 'http-equiv="refresh"' not in page(client, "/?reload=0")


def test_docker_unknown_then_without_a_node_then_gone(
    run_gateway: RunGateway, tmp_path: Path
) -> None:
    engine = Engine(tmp_path / "docker.sock")
    client = client_of(
        run_gateway(
            [],
            wait_for="/livez",
            OBJGW_DISCOVERY="docker",
            DOCKER_HOST=engine.url,
            OBJGW_SNAPSHOT_TTL="0.5",
        )
    )

    def says(*texts: str) -> None:
        def said() -> bool:
            text = html.unescape(page(client))
            return all(each in text for each in texts)

        eventually(said, f"the page says {texts}", 30)

    refusal = "No request for an object can be answered: "
    says(f"{refusal}The nodes are not known yet. Docker does not answer", "never", "None is known.")
    engine.start()
    try:
        says(f"{refusal}There is no node: Docker at {engine.url} has no container with")
        engine.containers = [Container(f"{NAME}-1", 1, state="exited")]
        says("None of 1 nodes can serve.", "its container is exited", "<dd>docker</dd>")
    finally:
        engine.stop()
    says("None of 1 nodes can serve.", "The nodes are shown as they were", "Docker does not answer")
    assert "hush-hush" not in page(client)


def test_it_can_be_turned_off(run_nodes: RunNodes, run_gateway: RunGateway) -> None:
    nodes = run_nodes(1)
    client = client_of(run_gateway(nodes, OBJGW_STATUS_PAGE="false"))
    text = page(client)
    assert nodes[0].node.name not in text
    assert 'href="docs"' in text


def test_without_metrics_it_says_that_nothing_is_counted(
    run_nodes: RunNodes, run_gateway: RunGateway
) -> None:
    nodes = run_nodes(1)
    text = page(client_of(run_gateway(nodes, OBJGW_METRICS="false")))
    assert "Not counted: <code>OBJGW_METRICS</code> is false." in text
    assert nodes[0].node.name in text
