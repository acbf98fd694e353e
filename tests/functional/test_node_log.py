"""What the log says of nodes: a change once for each gateway, failures summed up."""

import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import NodeProcess
from nodes.node import Credentials, Node, NodeState
from tests.faults.filediscovery import FileDiscovery, write_nodes
from tests.functional.conftest import RunGateway, RunNodes, client_of
from tests.functional.stored import id_owned_by
from tests.functional.test_log import FORGED, assert_nothing_forged
from tests.support.client import random_id, request_head
from tests.support.waiting import eventually

DISCOVERY = f"{FileDiscovery.__module__}.{FileDiscovery.__name__}"
WORKERS = 3


def told(process: NodeProcess, state: NodeState = NodeState.RUNNING) -> Node:
    node = process.node
    keys = Credentials(node.access_key, node.secret_key)
    return Node(node.name, node.host, node.port, state, keys)


@pytest.fixture
def run_discovering(run_gateway: RunGateway, tmp_path: Path) -> Callable[..., GatewayProcess]:
    """Starts a gateway of three workers that reads from a file, often, who the nodes are."""

    def run(nodes: list[Node], **settings: str) -> GatewayProcess:
        write_nodes(tmp_path / "nodes.json", nodes)
        gateway = run_gateway(
            [],
            OBJGW_DISCOVERY=DISCOVERY,
            OBJGW_NODES=str(tmp_path / "nodes.json"),
            OBJGW_SNAPSHOT_TTL="0.2",
            OBJGW_WORKERS=str(WORKERS),
            OBJGW_LOG_LEVEL="debug",
            OBJGW_ACCESS_LOG="false",
            **settings,
        )
        eventually(
            lambda: gateway.log.read_text().count(", known here") >= len(nodes) * WORKERS,
            "every worker knows the nodes",
        )
        return gateway

    return run


def said(gateway: GatewayProcess, text: str) -> int:
    """How many lines above debug level have this text."""
    lines = gateway.log.read_text().splitlines()
    return sum(text in line and " DEBUG " not in line for line in lines)


def once(gateway: GatewayProcess, text: str, times: int = 1) -> None:
    """It is said so often and no more; a worker that starts takes its time on a busy machine."""
    eventually(lambda: said(gateway, text) >= times, f"{text!r} is said", seconds=60)
    assert said(gateway, text) == times


def written_down(gateway: GatewayProcess) -> dict[str, str]:
    """What the record that its workers share says of the nodes (Linux only)."""
    for file in Path(f"/proc/{gateway.pid}/fd").iterdir():
        if str(file.readlink()).startswith("/memfd:objgw-news"):
            said: dict[str, str] = json.loads(file.read_bytes()).get("nodes", {})
            return said
    raise AssertionError("there is no record")


def test_a_change_is_said_once_whichever_worker_lives(
    run_nodes: RunNodes, run_discovering: Callable[..., GatewayProcess], tmp_path: Path
) -> None:
    [process] = run_nodes(1)
    file, name = tmp_path / "nodes.json", process.name
    gateway = run_discovering([told(process)])
    once(gateway, f"node {name}: running")
    for round_ in (1, 2):
        write_nodes(file, [told(process, NodeState.EXITED)])
        once(gateway, f"node {name}: exited", round_)
        # Who is killed before it is written down leaves it to another to say it again.
        eventually(lambda: "exited" in written_down(gateway)[name], "it is written down")
        # Whoever may have said it, all of them end but one, if that has started already.
        killed = gateway.worker_pids()[: WORKERS - 1]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        write_nodes(file, [told(process)])
        once(gateway, f"node {name}: running", round_ + 1)
    hidden = file.rename(file.with_suffix(".hidden"))
    once(gateway, "serving from the snapshot of")
    hidden.rename(file)
    once(gateway, "discovery answers again")
    # A worker that started while discovery failed knows no nodes until it asks again.
    eventually(
        lambda: client_of(gateway).put(random_id(), b"x").status == 201, "every worker serves"
    )
    assert said(gateway, "bucket objects created") == 1


def test_nodes_gone_and_added(
    run_nodes: RunNodes, run_discovering: Callable[..., GatewayProcess], tmp_path: Path
) -> None:
    one, two, three = run_nodes(3)
    gateway = run_discovering([told(one), told(two)])
    write_nodes(tmp_path / "nodes.json", [told(one), told(two), told(three)])
    once(gateway, f"nodes were added: {three.name} (3 nodes now). Most ids now have other owners")
    write_nodes(tmp_path / "nodes.json", [told(one)])
    once(gateway, f"nodes are gone: {two.name}, {three.name} (1 nodes now). Most ids")


def test_with_a_number_of_nodes_they_become_the_layout(
    run_nodes: RunNodes, run_discovering: Callable[..., GatewayProcess], tmp_path: Path
) -> None:
    one, two, three = run_nodes(3)
    gateway = run_discovering([told(one), told(two)], OBJGW_EXPECTED_NODES="2")
    once(gateway, f"layout 1: {one.name}, {two.name} were adopted, with the router modulo")
    known = "layout 1: stable, 2 members, router modulo"
    eventually(lambda: gateway.log.read_text().count(known) >= WORKERS, "each worker knows")
    assert said(gateway, known) == 1
    write_nodes(tmp_path / "nodes.json", [told(one)])
    once(gateway, f"nodes are gone: {two.name}; their ids get 503")
    write_nodes(tmp_path / "nodes.json", [told(one), told(two), told(three)])
    once(gateway, f"{three.name}, which are no members of the layout: they get nothing")
    assert said(gateway, "refused with 503 membership_incomplete") == 0
    assert said(gateway, "other owners") == 0


def test_failures_are_named_and_summed_up(run_nodes: RunNodes, run_gateway: RunGateway) -> None:
    nodes = run_nodes(2)
    gateway = run_gateway(nodes, OBJGW_LOG_LEVEL="info", OBJGW_ACCESS_LOG="false")
    client = client_of(gateway)
    object_id = id_owned_by(nodes[0], nodes)
    nodes[0].kill()
    size = gateway.log.stat().st_size
    first = client.get_object(object_id)
    assert first.status == 503
    request_id = first.headers["x-request-id"]
    line = (
        f" WARNING  objgw.failures   [{request_id}] node {nodes[0].name}: GET /object/{object_id}: "
        "503 node_unavailable: The node that owns this id cannot be reached: Connection refused."
    )
    eventually(lambda: line in gateway.log.read_text(), "the first failure is told in full")
    for _ in range(200):
        assert client.put(object_id, b"x").status == 503
    latest = client.request("DELETE", f"/object/{object_id}")
    # One line instead of 202 with 170 bytes each.
    assert gateway.log.stat().st_size - size < 1000
    assert gateway.log.read_text().count("503 node_unavailable") == 1
    gateway.stop()
    [summary] = [each for each in gateway.log.read_text().splitlines() if "requests failed" in each]
    assert re.search(
        rf"node {nodes[0].name}: 202 requests failed in the last [0-9]+ s: "
        rf"202 x 503 node_unavailable; the latest: DELETE /object/{object_id} "
        rf"\[{latest.headers['x-request-id']}\]: The node",
        summary,
    )


def test_at_debug_level_each_failure_is_told_in_full(
    run_nodes: RunNodes, run_gateway: RunGateway
) -> None:
    [node] = run_nodes(1)
    gateway = run_gateway([node], OBJGW_ACCESS_LOG="false")
    node.kill()
    for _ in range(3):
        request_id = client_of(gateway).get_object("abc").headers["x-request-id"]
        line = f" objgw.failures   [{request_id}] node {node.name}: GET /object/abc: 503 "
        eventually(lambda: line in gateway.log.read_text(), "it is told")  # noqa: B023


LYING_NODE = r"""
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        body = sys.argv[2].encode("latin-1")
        self.send_response(500)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amz-request-id", "1\x9b31m\x85")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
    do_GET = do_PUT = do_HEAD = do_POST = answer
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_what_a_node_says_forges_no_line(run_gateway: RunGateway, tmp_path: Path) -> None:
    from demo.harness.children import ChildProcess
    from demo.harness.ports import free_port

    port = free_port("127.0.0.1")
    document = (
        f"<Error><Code>Bad&#10;{FORGED}&#133;&#8232;{FORGED}</Code>"
        f"<Message>x&#10;{FORGED}</Message></Error>"
    )
    node = ChildProcess(
        "a lying node",
        [sys.executable, "-c", LYING_NODE, str(port), document],
        environment=dict(os.environ),
        log=tmp_path / "node.log",
    )
    with node:
        node.launch()
        gateway = run_gateway(
            [], wait_for="/livez", OBJGW_NODES=f"http://key:secret@127.0.0.1:{port}"
        )
        client = client_of(gateway)
        eventually(lambda: client.get_object("abc").status == 502, "the node answers")
        for method in ("GET", "PUT", "HEAD"):
            assert client.request(
                method, "/object/abc", {}, b"" if method == "PUT" else None
            ).status
        with client.wire() as connection:
            connection.send(request_head("GET", "/objects", close=True))
            assert connection.answer().status >= 500
        # Nothing that is no code is taken for one; the id of the node's request is logged as it is.
        eventually(
            lambda: r"request 1\x9b31m\x85" in gateway.log.read_text(),
            "what the node said is logged",
        )
        assert_nothing_forged(gateway.log)
