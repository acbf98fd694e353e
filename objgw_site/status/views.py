"""Liveness, readiness, and the list of nodes."""

from collections import Counter
from collections.abc import Sequence

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import scopes
from access.permissions import may
from nodes.exceptions import MembershipError, MembershipIncomplete, MembershipUnknown, NoNodes
from nodes.membership import get_membership
from objects.exceptions import LayoutUnknown
from objects.layout.keeper import get_keeper
from objects.store import probe
from objgw_site.status.backlog import get_remembered_backlog
from objgw_site.status.health import Health, get_remembered_health, health
from objgw_site.status.report import described
from objgw_site.status.roles import in_use, shown
from objgw_site.status.serializers import LivenessSerializer, NodeSerializer, ReadinessSerializer
from problems.problem import InternalError, NotAcceptable, Problem
from problems.schema import problem_responses

#: The code of a readiness report where every node is down. Requests get the code of their own node.
NO_NODE_SERVES = "no_node_serves"
#: What strangers get to know of the readiness.
_PUBLIC = frozenset({"status", "code"})


class LivezView(APIView):
    """The process answers requests."""

    authentication_classes: Sequence[type[BaseAuthentication]] = ()
    permission_classes: Sequence[type[BasePermission]] = (AllowAny,)

    @extend_schema(
        operation_id="livez",
        summary="Is the process alive?",
        tags=["health"],
        responses={200: LivenessSerializer, **problem_responses(NotAcceptable, InternalError)},
    )
    def get(self, request: Request) -> Response:
        return Response({"status": "alive"})


class ReadyzView(APIView):
    """The gateway knows the nodes, all of them, so it can route any id, and one of them can serve.

    One node that is down does not make the gateway unready: only its own ids are concerned. Where
    tokens are asked for, names and reasons are for those who have the scope nodes:read.
    """

    permission_classes: Sequence[type[BasePermission]] = (AllowAny,)

    def get_authenticators(self) -> list[BaseAuthentication]:
        if not settings.OBJGW_AUTH:
            return []
        from access.authentication import HastyAuthentication

        return [HastyAuthentication()]

    def perform_authentication(self, request: Request) -> None:
        """Later, if at all: with a token that is not accepted, this is answered as without one."""

    @extend_schema(
        operation_id="readyz",
        summary="Can the gateway serve requests?",
        description=(
            "Asks each node, for 1 s at most in all, and remembers the answers for 2 s. Not ready "
            "when no id can be routed, or when no node can serve."
        ),
        tags=["health"],
        responses={
            200: ReadinessSerializer,
            503: OpenApiResponse(ReadinessSerializer, description="Not ready: see `missing`."),
            **problem_responses(NotAcceptable, InternalError),
        },
    )
    def get(self, request: Request) -> Response:
        response = _readiness()
        if not _may_see_nodes(request):
            response.data = {name: response.data[name] for name in _PUBLIC & set(response.data)}
        return response


def _may_see_nodes(request: Request) -> bool:
    try:
        return may(request, scopes.NODES)
    except Problem:
        return False


def _readiness() -> Response:
    membership = get_membership()
    status = membership.status()
    known = get_keeper().status()
    nodes = in_use(known.layout, () if status.snapshot is None else status.snapshot.nodes)
    checked = get_remembered_health().of(nodes)
    down = [item for item in checked if not item.healthy]
    report: dict[str, object] = {
        "status": "ready",
        "missing": None,
        "nodes": len(nodes),
        "serving": len(nodes) - len(down),
        "not_serving": [{"name": item.node.name, "reason": item.reason} for item in down],
    }
    backlog = get_remembered_backlog().of(known.layout, checked)
    report["layout"] = described(known.layout, backlog)
    if status.snapshot is not None:
        report["snapshot_age"] = round(status.snapshot.age, 1)
        if status.failure is not None:
            report["status"] = "stale"
            report["failure"] = status.failure
    try:
        if known.layout is None:
            membership.current()
    except MembershipError as error:
        return _not_ready(report, error.detail, error.code)
    if len(down) == len(nodes):
        return _not_ready(report, _none_serves(down), NO_NODE_SERVES)
    if known.failure is not None:
        return _not_ready(report, known.failure, LayoutUnknown.code)
    return Response(report)


def _not_ready(report: dict[str, object], missing: str, code: str) -> Response:
    report |= {"status": "not ready", "missing": missing, "code": code}
    return Response(report, status=503, headers={"Retry-After": "1"})


def _none_serves(down: Sequence[Health]) -> str:
    reasons = Counter(str(item.reason) for item in down)
    return f"None of the {len(down)} nodes can serve: " + "; ".join(
        f"{reason} ({count} of them)" if len(reasons) > 1 else reason
        for reason, count in reasons.most_common()
    )


class NodesView(APIView):
    """The nodes in order of their names, and whether each can serve."""

    required_scopes = scopes.reading(scopes.NODES)

    @extend_schema(
        operation_id="listNodes",
        summary="List the nodes",
        description="Asks each node, so it takes as long as the slowest one, 3 s at most.",
        tags=["nodes"],
        responses={
            200: NodeSerializer(many=True),
            **problem_responses(
                NotAcceptable, MembershipUnknown, MembershipIncomplete, NoNodes, InternalError
            ),
        },
    )
    def get(self, request: Request) -> Response:
        snapshot = get_membership().latest()
        nodes = shown(get_keeper().status().layout, snapshot.nodes)
        checked = health([each.node for each in nodes], probe)
        return Response(
            [
                {
                    "index": each.index,
                    "name": item.node.name,
                    "address": item.node.address,
                    "state": item.node.state,
                    "healthy": item.healthy,
                    "reason": item.reason,
                    "role": each.role,
                }
                for each, item in zip(nodes, checked, strict=True)
            ]
        )
