"""Liveness, readiness, and the list of nodes."""

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from nodes.exceptions import MembershipError, MembershipIncomplete, MembershipUnknown, NoNodes
from nodes.health import get_probe, health
from nodes.membership import get_membership
from nodes.serializers import LivenessSerializer, NodeSerializer, ReadinessSerializer
from problems.problem import InternalError, NotAcceptable
from problems.schema import problem_responses


class LivezView(APIView):
    """The process answers requests."""

    @extend_schema(
        operation_id="livez",
        summary="Is the process alive?",
        tags=["health"],
        responses={200: LivenessSerializer, **problem_responses(NotAcceptable, InternalError)},
    )
    def get(self, request: Request) -> Response:
        return Response({"status": "alive"})


class ReadyzView(APIView):
    """The gateway knows the nodes, all of them, so it can route any id.

    One node that is down does not make the gateway unready: only its own ids are concerned.
    """

    @extend_schema(
        operation_id="readyz",
        summary="Can the gateway route requests?",
        tags=["health"],
        responses={
            200: ReadinessSerializer,
            503: OpenApiResponse(ReadinessSerializer, description="Not ready: see `missing`."),
            **problem_responses(NotAcceptable, InternalError),
        },
    )
    def get(self, request: Request) -> Response:
        membership = get_membership()
        status = membership.status()
        report: dict[str, object] = {"status": "ready", "missing": None, "nodes": 0}
        if status.snapshot is not None:
            report["nodes"] = len(status.snapshot.nodes)
            report["snapshot_age"] = round(status.snapshot.age, 1)
            if status.failure is not None:
                report["status"] = "stale"
                report["failure"] = status.failure
        try:
            membership.current()
        except MembershipError as error:
            report |= {"status": "not ready", "missing": error.detail, "code": error.code}
            return Response(report, status=503, headers=error.headers)
        return Response(report)


class NodesView(APIView):
    """The nodes in routing order, and whether each can serve."""

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
        return Response(
            [
                {
                    "index": index,
                    "name": item.node.name,
                    "address": item.node.address,
                    "state": item.node.state,
                    "healthy": item.healthy,
                    "reason": item.reason,
                }
                for index, item in enumerate(health(snapshot.nodes, get_probe()))
            ]
        )
