"""What a span says, and what a node is told of it."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from telemetry.spans import Tracer

TRACE = "0af7651916cd43dd8448eb211c80319c"
ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "192.0.2.7",
    "HTTP_HOST": "store.example:3000",
    "wsgi.url_scheme": "http",
}


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> Iterator[Tracer]:
    tracer = Tracer(SimpleSpanProcessor(exporter), "1.2.3")
    yield tracer
    tracer.shut_down()


def test_the_node_is_told_of_the_client_s_trace(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    environ = {
        **ENVIRON,
        "HTTP_TRACEPARENT": f"00-{TRACE}-b7ad6b7169203331-01",
        "HTTP_TRACESTATE": "vendor=1",
    }
    server = tracer.serve(environ, "/object/abc")
    assert tracer.current_ids()["trace_id"] == TRACE
    node = tracer.ask_node("one", "http://[::1]:9000", "GET", "/objects/abc")
    fields = node.headers()
    node.answered(200)
    server.fail()
    asked, served = exporter.get_finished_spans()
    assert asked.context is not None
    assert fields == {
        "traceparent": f"00-{TRACE}-{asked.context.span_id:016x}-01",
        "tracestate": "vendor=1",
    }
    assert asked.parent == served.context
    assert asked.attributes is not None
    assert asked.attributes["server.address"] == "::1"
    assert asked.attributes["server.port"] == 9000
    assert tracer.current_ids() == {}


@pytest.mark.parametrize(
    ("method", "target", "name", "route"),
    [
        ("GET", "/object/abc?x=1", "GET /object/{id}", "/object/{id}"),
        ("PUT", "/object/a-b", "PUT /object/{id}", "/object/{id}"),
        ("GET", "/objects?limit=1", "GET /objects", "/objects"),
        ("GET", "/", "GET /", "/"),
        ("GET", "/static/a.css", "GET /static/{path}", "/static/{path}"),
        ("GET", "/some/where", "GET", None),
        ("BREW", "/object/abc", "HTTP /object/{id}", "/object/{id}"),
    ],
)
def test_names_are_few(
    tracer: Tracer,
    exporter: InMemorySpanExporter,
    method: str,
    target: str,
    name: str,
    route: str | None,
) -> None:
    tracer.serve({**ENVIRON, "REQUEST_METHOD": method}, target).fail()
    [span] = exporter.get_finished_spans()
    assert span.name == name
    assert span.attributes is not None
    assert span.attributes.get("http.route") == route
    assert span.attributes["server.address"] == "store.example"


@pytest.mark.parametrize(
    ("status", "problem", "error"),
    [
        ("200", "", None),
        ("404", "object_not_found", None),
        ("503", "node_unavailable", "node_unavailable"),
        ("500", "", "500"),
        ("200", "download_cut_short", "download_cut_short"),
    ],
)
def test_only_what_the_server_fails_at_is_an_error(
    tracer: Tracer, exporter: InMemorySpanExporter, status: str, problem: str, error: str | None
) -> None:
    tracer.serve(ENVIRON, "/object/abc").end(
        request_id="the-id",
        client="192.0.2.7",
        status=status,
        problem=problem,
        owner="one",
        received=0,
        sent=5,
    )
    [span] = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes.get("error.type") == error
    assert span.status.is_ok == (error is None)
    assert span.attributes["objgw.request.id"] == "the-id"
