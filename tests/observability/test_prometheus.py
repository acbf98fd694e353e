"""A real Prometheus scrapes a running gateway of two workers, one of which is killed."""

import json
import math
import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.harness.children import PROJECT_ROOT
from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import LocalNode, MinioServer, NodeProcess, running_nodes
from tests.observability.prometheus import Prometheus, program_or_skip
from tests.support.client import Client, random_id
from tests.support.servers import make_gateway, minio_or_skip
from tests.support.waiting import eventually

DEPLOY = PROJECT_ROOT / "deploy" / "observability"
SIZE = 1024
_OBJECTS = '{route="object"}'

pytestmark = pytest.mark.minio


class TellingMinio(MinioServer):
    """Answers with its own metrics to whoever asks."""

    def environment(self, node: LocalNode) -> dict[str, str]:
        return {**super().environment(node), "MINIO_PROMETHEUS_AUTH_TYPE": "public"}


@dataclass
class Run:
    """What ran, and how many requests for objects were sent, by method, status and problem."""

    gateway: GatewayProcess
    client: Client
    prometheus: Prometheus
    nodes: list[NodeProcess]
    sent: Counter[tuple[str, str, str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("prometheus")
    minio = TellingMinio(minio_or_skip().binary)
    with running_nodes(folder / "nodes", 2, minio) as nodes:
        local = [process.node for process in nodes]
        settings = {
            "OBJGW_WORKERS": "2",
            "OBJGW_EXPECTED_NODES": "2",
            "OBJGW_LOG_LEVEL": "info",
        }
        gateway = make_gateway(local, folder / "gateway.log", **settings)
        prometheus = Prometheus(
            folder / "prometheus",
            {
                "objgw": ("/metrics", {f"{gateway.host}:{gateway.port}": {}}),
                "nodes": (
                    "/minio/v2/metrics/node",
                    {node.endpoint: {"node": node.name} for node in local},
                ),
            },
        )
        with gateway, prometheus:
            gateway.start()
            prometheus.start()
            client = Client(gateway.host, gateway.port)
            sent: Counter[tuple[str, str, str]] = Counter()
            _ask(client, sent)
            running = Run(gateway, client, prometheus, nodes, sent)
            # A rate needs a number to begin with, and one to end with; and what a worker has not
            # counted yet, a second's worth at the most, is lost when it is killed.
            eventually(lambda: counted(running) == sent, "all are counted", seconds=30)
            [killed, _] = gateway.worker_pids()
            os.kill(killed, signal.SIGKILL)
            _ask(client, sent)
            eventually(
                lambda: len({*gateway.worker_pids()} - {killed}) == 2, "there is a successor"
            )
            _ask(client, sent)
            yield running


def _ask(client: Client, sent: Counter[tuple[str, str, str]]) -> None:
    """Send requests of all kinds, each on a connection of its own, so to any worker."""
    for _ in range(20):
        name = random_id()
        for method, target, body, status, problem in (
            ("PUT", f"/object/{name}", b"x" * SIZE, 201, ""),
            ("GET", f"/object/{name}", None, 200, ""),
            ("HEAD", f"/object/{name}", None, 200, ""),
            ("DELETE", f"/object/{name}", None, 204, ""),
            ("GET", f"/object/{name}", None, 404, "object_not_found"),
            ("GET", "/object/a-b", None, 400, "invalid_id"),
        ):
            assert client.request(method, target, {}, body).status == status
            sent[method, str(status), problem] += 1
    # Named, and of a method that a client invented.
    assert client.request("BREW", "/object/x").status == 501
    sent["other", "501", "method_not_implemented"] += 1


def counted(run: Run) -> Counter[tuple[str, str, str]]:
    """The same, as Prometheus has it."""
    found: Counter[tuple[str, str, str]] = Counter()
    for each in run.prometheus.query("objgw_http_requests_total"):
        labels = each["metric"]
        if labels["route"] in {"object", "other"}:
            key = labels["method"], labels["status"], labels.get("problem", "")
            found[key] += int(float(each["value"][1]))
    return found


def test_its_counts_equal_the_requests_sent(run: Run) -> None:
    eventually(lambda: counted(run) == run.sent, "all are counted", seconds=30)
    total = run.prometheus.number(f"sum(objgw_http_request_duration_seconds_count{_OBJECTS})")
    refused = run.sent["other", "501", "method_not_implemented"]
    assert total == sum(run.sent.values()) - refused
    assert run.prometheus.number("sum(objgw_http_received_bytes_total)") == (
        SIZE * run.sent["PUT", "201", ""]
    )


def test_gauges_are_those_of_living_workers(run: Run) -> None:
    eventually(lambda: run.prometheus.number("objgw_workers") == 2, "two", seconds=30)
    # Another test may have stopped one just before.
    nodes_up = "sum(objgw_node_up)"
    eventually(lambda: run.prometheus.number(nodes_up) == 2, "both nodes are up", seconds=30)
    assert run.prometheus.number("objgw_nodes") == 2
    age = run.prometheus.number("time() - objgw_snapshot_timestamp_seconds")
    assert age is not None
    assert 0 <= age < 60


def test_what_waits_for_a_node_is_seen(run: Run) -> None:
    """Nothing is heard of a node that is stopped by the kernel, and its health is unknown."""
    [node, other] = run.nodes
    os.kill(node.pid, signal.SIGSTOP)
    try:
        wires = [run.client.wire() for _ in range(10)]
        for wire in wires:
            wire.send(f"GET /objects HTTP/1.1\r\nHost: x\r\nX: {random_id()}\r\n\r\n".encode())
        waiting = f'objgw_node_requests_waiting{{node="{node.name}"}}'
        eventually(lambda: run.prometheus.number(waiting) == 10, "all wait", seconds=30)
        up = f'objgw_node_up{{node="{node.name}"}}'
        # Not by Prometheus: here it waits for a scrape no longer than the gateway for a node.
        answer = ""

        def is_down() -> bool:
            nonlocal answer
            answer = run.client.get("/metrics").body.decode()
            return f"{up} 0.0" in answer

        eventually(is_down, "the node is down")
        assert f'objgw_node_up{{node="{other.name}"}} 1.0' in answer
    finally:
        os.kill(node.pid, signal.SIGCONT)
    for wire in wires:
        assert wire.answer().status == 200
        wire.close()
    eventually(lambda: run.prometheus.number(waiting) == 0, "none waits", seconds=30)


def dashboard_queries() -> list[str]:
    document = json.loads((DEPLOY / "grafana" / "dashboards" / "objgw.json").read_text())
    queries = [
        target["expr"] for panel in document["panels"] for target in panel.get("targets", [])
    ]
    assert len(queries) > 20
    return queries


@pytest.mark.parametrize("query", dashboard_queries())
def test_every_query_of_the_dashboard_has_data(run: Run, query: str) -> None:
    query = query.replace("$__rate_interval", "10m").replace("$instance", ".*")
    assert "$" not in query

    def has_data() -> bool:
        values = [float(each["value"][1]) for each in run.prometheus.query(query)]
        return any(not math.isnan(value) for value in values)

    eventually(has_data, query, seconds=30)


def test_promtool_accepts_the_names(run: Run) -> None:
    metrics = run.client.get("/metrics").body
    checked = subprocess.run(
        [program_or_skip("promtool"), "check", "metrics"],
        input=metrics,
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_labels_name_no_object(run: Run) -> None:
    labels = {
        (name, value)
        for line in run.client.get("/metrics").body.decode().splitlines()
        if not line.startswith("#")
        for name, value in re.findall(r'([a-z_]+)="([^"]*)"', line)
    }
    assert {name for name, _ in labels} == {
        *("method", "route", "status", "problem", "le", "node", "reason")
    }
    assert {value for name, value in labels if name == "route"} >= {"object", "metrics"}


class TestRules:
    @pytest.mark.parametrize(
        "command",
        [
            ["check", "rules", str(DEPLOY / "alerts.yml")],
            ["test", "rules", str(Path(__file__).with_name("alerts_test.yml"))],
            ["check", "config", "--syntax-only", str(DEPLOY / "prometheus.yml")],
        ],
        ids=lambda command: " ".join(command[:2]),
    )
    def test_promtool_accepts_them(self, command: list[str]) -> None:
        checked = subprocess.run(
            [program_or_skip("promtool"), *command], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr

    def test_each_alert_is_explained_where_it_says(self) -> None:
        rules = (DEPLOY / "alerts.yml").read_text()
        page = (PROJECT_ROOT / "docs" / "operations.md").read_text()
        alerts = re.findall(r"alert: (\w+)", rules)
        anchors = re.findall(r"runbook_url: docs/operations.md#(\w+)", rules)
        assert [alert.lower() for alert in alerts] == anchors
        for alert in alerts:
            assert f"#### {alert}\n" in page
        tested = (Path(__file__).with_name("alerts_test.yml")).read_text()
        assert set(re.findall(r"alertname: (\w+)", tested)) == set(alerts)
