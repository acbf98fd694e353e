"""Traces reach a real receiver: from two workers under gevent, with client and node in them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import NodeProcess, running_nodes
from tests.functional.stored import id_owned_by
from tests.observability.otlp import Receiver, Span
from tests.support.client import Client, random_id
from tests.support.servers import make_gateway, minio_or_skip
from tests.support.waiting import eventually

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
#: W3C Trace Context: version, trace, parent, and that it is sampled.
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"

pytestmark = pytest.mark.minio


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[NodeProcess]]:
    with running_nodes(tmp_path_factory.mktemp("traced"), 2, minio_or_skip()) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def gateway(
    nodes: list[NodeProcess], receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    settings = {
        "OBJGW_WORKERS": "2",
        "OBJGW_LOG_LEVEL": "info",
        "OBJGW_LOG_FORMAT": "json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    log = tmp_path_factory.mktemp("gateway") / "gateway.log"
    with make_gateway([node.node for node in nodes], log, **settings) as gateway:
        gateway.start()
        yield gateway


def client_of(gateway: GatewayProcess) -> Client:
    return Client(gateway.host, gateway.port)


def trace_of(receiver: Receiver, request_id: str) -> list[Span]:
    """The span of a request and those below it, when they have come."""

    def complete() -> list[Span]:
        for span in receiver.spans:
            if span.attributes.get("objgw.request.id") == request_id:
                return [each for each in receiver.spans if each.trace_id == span.trace_id]
        return []

    return eventually(complete, f"the trace of {request_id}", seconds=30)


def test_a_request_has_a_span_and_routing_and_the_node_below_it(
    gateway: GatewayProcess, receiver: Receiver
) -> None:
    client, name = client_of(gateway), random_id()
    assert client.put(name, b"hello").status == 201
    answer = client.get(f"/object/{name}?token=hush-hush", X_Request_ID=random_id())
    assert answer.status == 200
    request_id = answer.headers["x-request-id"]
    spans = {span.kind: span for span in trace_of(receiver, request_id)}
    server, route, node = spans["SERVER"], spans["INTERNAL"], spans["CLIENT"]
    assert server.name == "GET /object/{id}"
    assert server.parent_id == ""
    expected = {
        "http.request.method": "GET",
        "http.route": "/object/{id}",
        "http.response.status_code": 200,
        "http.response.body.size": 5,
        "url.scheme": "http",
        "url.path": f"/object/{name}",
        "url.query": "token=***",
        "client.address": "127.0.0.1",
        "network.protocol.version": "1.1",
    }
    assert {key: server.attributes.get(key) for key in expected} == expected
    assert server.resource["service.name"] == "objgw"
    assert (route.name, route.parent_id) == ("route", server.span_id)
    assert (node.name, node.parent_id) == ("GET", server.span_id)
    assert node.attributes["http.response.status_code"] == 200
    assert node.attributes["objgw.node"] == server.attributes["objgw.node"]
    assert node.attributes["url.full"].endswith(f"/objects/{name}")
    assert 0 < node.seconds < server.seconds
    assert not any(span.failed for span in spans.values())


def test_each_worker_sends_its_own_and_loses_none_when_it_stops(
    nodes: list[NodeProcess], receiver: Receiver, tmp_path: Path
) -> None:
    settings = {
        "OBJGW_WORKERS": "2",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "600000",  # not before the end
    }
    known = len(receiver.spans)
    with make_gateway([node.node for node in nodes], tmp_path / "log", **settings) as gateway:
        gateway.start()
        client = client_of(gateway)
        ids = {client.get("/livez").headers["x-request-id"] for _ in range(40)}
        os.kill(gateway.pid, signal.SIGTERM)
        eventually(lambda: not gateway.running, "it has ended", seconds=30)
    sent = {span.attributes.get("objgw.request.id") for span in receiver.spans[known:]}
    assert ids <= sent


def test_the_client_s_trace_goes_on_and_the_node_is_told(
    gateway: GatewayProcess, receiver: Receiver
) -> None:
    answer = client_of(gateway).get(f"/object/{random_id()}", traceparent=TRACEPARENT)
    assert answer.status == 404
    spans = {span.kind: span for span in trace_of(receiver, answer.headers["x-request-id"])}
    assert {span.trace_id for span in spans.values()} == {TRACE}
    assert spans["SERVER"].parent_id == PARENT
    # What a client does wrong is no failure of the gateway's.
    assert not spans["SERVER"].failed
    assert spans["SERVER"].attributes["objgw.problem"] == "object_not_found"


def test_what_is_malformed_begins_a_trace_of_its_own(
    gateway: GatewayProcess, receiver: Receiver
) -> None:
    answer = client_of(gateway).get("/livez", traceparent="00-nonsense-01")
    [span] = trace_of(receiver, answer.headers["x-request-id"])
    assert span.parent_id == ""
    assert span.name == "GET /livez"


def test_all_nodes_of_a_listing_are_below_its_span(
    gateway: GatewayProcess, receiver: Receiver, nodes: list[NodeProcess]
) -> None:
    answer = client_of(gateway).get("/objects")
    spans = trace_of(receiver, answer.headers["x-request-id"])
    [server] = [span for span in spans if span.kind == "SERVER"]
    asked = [span for span in spans if span.kind == "CLIENT"]
    assert {span.attributes["objgw.node"] for span in asked} == {node.name for node in nodes}
    assert {span.parent_id for span in asked} == {server.span_id}


def test_log_metric_and_trace_of_a_failed_request_belong_together(
    gateway: GatewayProcess, receiver: Receiver, nodes: list[NodeProcess]
) -> None:
    """The walk of docs/operations.md: from the metric to the line, and from there to the span."""
    client = client_of(gateway)
    [broken, _] = nodes
    object_id = id_owned_by(broken, nodes)
    broken.kill()
    try:
        answer = client.get_object(object_id)
        assert answer.status == 503
    finally:
        broken.start()
    request_id = answer.headers["x-request-id"]
    assert answer.json["request_id"] == request_id
    counted = (
        'objgw_http_requests_total{method="GET",problem="node_unavailable",route="object",'
        'status="503"} 1.0'
    )
    # It is counted and logged once the answer is sent.
    metrics = eventually(
        lambda: (text := client.get("/metrics").body.decode()) * (counted in text), "it is counted"
    )
    assert (
        f'objgw_node_request_failures_total{{node="{broken.name}",reason="unavailable"}} 0.0'
        not in metrics
    )

    def told() -> dict[str, Any]:
        log = [json.loads(line) for line in gateway.log.read_text().splitlines()]
        return {line["logger"]: line for line in log if line.get("request_id") == request_id}

    eventually(lambda: len(told()) == 2, "both logs tell of it")
    lines = told()
    assert set(lines) == {"objgw.access", "objgw.failures"}
    access = lines["objgw.access"]
    assert (access["status"], access["problem"]) == (503, "node_unavailable")
    assert access["owner"] == broken.name
    assert lines["objgw.failures"]["source"] == f"node {broken.name}"
    spans = trace_of(receiver, request_id)
    [server] = [span for span in spans if span.kind == "SERVER"]
    assert access["trace_id"] == server.trace_id
    assert access["span_id"] == server.span_id
    assert server.failed
    assert server.attributes["error.type"] == "node_unavailable"
    failed = [span for span in spans if span.kind == "CLIENT" and span.failed]
    assert failed
    assert {span.attributes["objgw.node"] for span in failed} == {broken.name}


def test_without_an_endpoint_nothing_of_it_is_even_imported() -> None:
    program = (
        "import sys, django; django.setup(); import objgw_site.wsgi, objgw_site.server.worker;"
        "from telemetry import tracing; tracing.start('1', {});"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "objgw_site.settings",
        "OBJGW_DISCOVERY": "static",
        "OBJGW_NODES": "http://key:secret@127.0.0.1:9",
    }
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
