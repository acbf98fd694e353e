"""`/metrics`: the workers' counts, and the current state of the nodes."""

import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import scopes
from nodes.membership import get_membership
from objects.layout import State
from objects.layout.keeper import get_keeper
from objgw_site.status.backlog import get_remembered_backlog
from objgw_site.status.health import get_remembered_health
from problems.problem import InternalError, NotFound
from problems.rendering import JSONRenderer
from problems.schema import problem_responses
from telemetry.history import Recorder
from telemetry.metrics import CONTENT_TYPE, Metrics, get_metrics, is_enabled
from telemetry.readings import Reading

_started_at = time.time()


class _TextRenderer(BaseRenderer):
    """For the schema; an exposition is made without it."""

    media_type = "text/plain"
    format = "txt"


class _OneForm(BaseContentNegotiation):
    """Whatever is asked for: of what they may accept, scrapers can read this."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class MetricsView(APIView):
    """Metrics of the gateway, of all its workers together."""

    renderer_classes = [_TextRenderer]
    required_scopes = scopes.reading(scopes.METRICS)
    content_negotiation_class = _OneForm

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        # What describes the view is JSON, as everywhere.
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type
        return super().options(request, *args, **kwargs)

    @extend_schema(
        operation_id="metrics",
        summary="Metrics for Prometheus",
        description=(
            "In Prometheus' text format. Asks each node whether it can serve, as `/readyz` does. "
            "404 where `OBJGW_METRICS` is false."
        ),
        tags=["health"],
        responses={
            (200, _TextRenderer.media_type): str,
            **problem_responses(NotFound, InternalError),
        },
    )
    def get(self, request: Request, *args: Any) -> HttpResponse:
        if not is_enabled():
            raise NotFound("The metrics are turned off (OBJGW_METRICS).")
        return HttpResponse(get_exposed_metrics().exposition(), content_type=CONTENT_TYPE)


@lru_cache(maxsize=1)
def get_exposed_metrics() -> Metrics:
    """The metrics of this process, with all that is to be asked for."""
    metrics = get_metrics()
    metrics.sample_with(_sample_snapshot)
    metrics.sample_with(Recorder(metrics).sample)
    metrics.read_with(_nodes)
    metrics.read_with(_layout)
    return metrics


def _sample_snapshot(metrics: Metrics) -> None:
    # A worker without a snapshot has none since it was started.
    snapshot = get_membership().snapshot
    metrics.snapshot_timestamp.set(_started_at if snapshot is None else snapshot.discovered_at)


def _nodes() -> Iterator[Reading]:
    snapshot = get_membership().snapshot
    if settings.OBJGW_EXPECTED_NODES is not None:
        expected = float(settings.OBJGW_EXPECTED_NODES)
        yield Reading("objgw_nodes_expected", "Nodes that there have to be.", {(): expected})
    if snapshot is None:
        return
    yield Reading("objgw_nodes", "Nodes, running or not.", {(): float(len(snapshot.nodes))})
    yield Reading(
        "objgw_node_up",
        "Whether a node can serve: it was asked, in the last two seconds.",
        {(it.node.name,): float(it.healthy) for it in get_remembered_health().of(snapshot.nodes)},
        ("node",),
    )


def _layout() -> Iterator[Reading]:
    layout = get_keeper().layout
    snapshot = get_membership().snapshot
    if layout is None:
        return
    version = float(layout.version)
    yield Reading("objgw_layout_version", "Version of the layout.", {(): version})
    changing = float(layout.state is not State.STABLE)
    yield Reading(
        "objgw_layout_changing", "Whether objects move to where it puts them.", {(): changing}
    )
    checked = get_remembered_health().of(snapshot.nodes) if snapshot is not None else ()
    backlog = get_remembered_backlog().of(layout, checked)
    if backlog is not None:
        objects, size = float(backlog.objects), float(backlog.size)
        yield Reading("objgw_layout_backlog_objects", "Objects left to move.", {(): objects})
        yield Reading("objgw_layout_backlog_bytes", "Bytes left to move.", {(): size})
