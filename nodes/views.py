"""Liveness, readiness, and the list of nodes."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from nodes.exceptions import MembershipError
from nodes.membership import get_membership


class LivezView(APIView):
    """The process answers requests."""

    def get(self, request: Request) -> Response:
        return Response({"status": "alive"})


class ReadyzView(APIView):
    """The gateway knows the nodes, all of them, so it can route any id.

    One node that is down does not make the gateway unready: only its own ids are concerned.
    """

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
