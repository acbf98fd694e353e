"""Spans of requests, by OpenTelemetry's semantic conventions for HTTP (1.23 and later).

https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from telemetry.access import shown
from telemetry.routes import METHODS, route_of

#: By the part of the interface that a path belongs to; the others are fixed paths, and `static`.
_TEMPLATES = {"object": "/object/{id}", "root": "/", "static": "/static/{path}"}
_propagator = TraceContextTextMapPropagator()


class Tracer:
    """Makes the spans of one process.

    :param processor: what becomes of them.
    :param version: of the gateway.
    """

    def __init__(self, processor: SpanProcessor, version: str) -> None:
        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over these.
        given = Resource.create()
        named = given.attributes.get(SERVICE_NAME, "unknown_service")
        attributes: dict[str, Any] = {SERVICE_VERSION: version}
        if str(named).startswith("unknown_service"):
            attributes[SERVICE_NAME] = "objgw"
        self._provider = TracerProvider(
            resource=given.merge(Resource(attributes)), shutdown_on_exit=False
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("objgw", version)

    @classmethod
    def exporting(cls, version: str) -> "Tracer":
        """One that sends the spans by OTLP over HTTP, as the environment says."""
        return cls(BatchSpanProcessor(OTLPSpanExporter()), version)

    def shut_down(self) -> None:
        """Send what has not been sent yet."""
        self._provider.shutdown()

    def current_ids(self) -> Mapping[str, str]:
        """See `telemetry.tracing.current_ids`."""
        found = trace.get_current_span().get_span_context()
        if not found.is_valid:
            return {}
        return {
            "trace_id": trace.format_trace_id(found.trace_id),
            "span_id": trace.format_span_id(found.span_id),
        }

    def serve(self, environ: Mapping[str, Any], target: str) -> "ServerSpan":
        """The span of a request, which is the present one until it is ended.

        :param environ: of WSGI.
        :param target: of the request, as it came.
        """
        carrier = {
            name: environ[field]
            for name, field in (
                ("traceparent", "HTTP_TRACEPARENT"),
                ("tracestate", "HTTP_TRACESTATE"),
            )
            if field in environ
        }
        path, _, query = shown(target).partition("?")
        method = environ["REQUEST_METHOD"]
        attributes: dict[str, Any] = {
            "http.request.method": method if method in METHODS else "_OTHER",
            "url.scheme": environ.get("wsgi.url_scheme", "http"),
            "url.path": path,
            "network.protocol.version": environ.get("SERVER_PROTOCOL", "").removeprefix("HTTP/"),
            "network.peer.address": environ.get("REMOTE_ADDR", ""),
        }
        if query:
            attributes["url.query"] = query
        if host := environ.get("HTTP_HOST"):
            name, _, port = host.rpartition(":")
            if name and port.isdecimal() and len(port) < 6:
                attributes |= {"server.address": name, "server.port": int(port)}
            else:
                attributes["server.address"] = host
        if agent := environ.get("HTTP_USER_AGENT"):
            attributes["user_agent.original"] = agent
        name = method if method in METHODS else "HTTP"
        route = route_of(target.partition("?")[0])
        if route != "other":
            attributes["http.route"] = _TEMPLATES.get(route, f"/{route}")
            name = f"{name} {attributes['http.route']}"
        span = self._tracer.start_span(
            name, _propagator.extract(carrier, context.Context()), SpanKind.SERVER, attributes
        )
        return ServerSpan(span)

    @contextmanager
    def routing(self, object_id: str) -> Iterator[Span]:
        """Around finding the owner of an id."""
        with self._tracer.start_as_current_span(
            "route", attributes={"objgw.object.id": object_id}
        ) as span:
            yield span

    def ask_node(self, node: str, url: str, method: str, path: str) -> "NodeSpan":
        """The span of one request to a node, from its head to that of the answer.

        :param url: of the node: scheme, host and port.
        """
        host, _, port = url.partition("://")[2].rpartition(":")
        attributes: dict[str, Any] = {
            "http.request.method": method,
            "server.address": host.strip("[]"),
            "server.port": int(port),
            "url.full": f"{url}{path}",
            "objgw.node": node,
        }
        return NodeSpan(self._tracer.start_span(method, None, SpanKind.CLIENT, attributes))


class ServerSpan:
    """The span of a request."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token = context.attach(trace.set_span_in_context(span, context.Context()))

    def end(
        self,
        *,
        request_id: str,
        client: str,
        status: str,
        problem: str,
        owner: str,
        received: int,
        sent: int,
    ) -> None:
        """The request is over."""
        span = self._span
        span.set_attribute("http.response.status_code", int(status))
        span.set_attribute("http.request.body.size", received)
        span.set_attribute("http.response.body.size", sent)
        span.set_attribute("client.address", client)
        span.set_attribute("objgw.request.id", request_id)
        if owner:
            span.set_attribute("objgw.node", owner)
        if problem:
            span.set_attribute("objgw.problem", problem)
        # What a client does wrong is no error of the server's.
        if status >= "500" or problem == "download_cut_short":
            span.set_attribute("error.type", problem or status)
            span.set_status(StatusCode.ERROR)
        self._leave()

    def fail(self) -> None:
        """The request is over, by an error that the server answers with 500."""
        self._span.set_attribute("http.response.status_code", 500)
        self._span.set_attribute("error.type", "500")
        self._span.set_status(StatusCode.ERROR)
        self._leave()

    def _leave(self) -> None:
        context.detach(self._token)
        self._span.end()


class NodeSpan:
    """The span of one request to a node."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def headers(self) -> dict[str, str]:
        """Header fields that tell the node of the trace (W3C Trace Context)."""
        fields: dict[str, str] = {}
        _propagator.inject(fields, trace.set_span_in_context(self._span))
        return fields

    def answered(self, status: int) -> None:
        """The head of the answer is there."""
        self._span.set_attribute("http.response.status_code", status)
        # To a client, 4xx is an error, too; but a condition that fails is what was asked for.
        if status >= 400:
            self._span.set_attribute("error.type", str(status))
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)
        self._span.end()

    def failed(self, problem: str, detail: str) -> None:
        """There is no answer that can be used."""
        self._span.set_attribute("error.type", problem)
        self._span.set_status(StatusCode.ERROR, detail)
        self._span.end()
