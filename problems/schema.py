"""Problem documents in the OpenAPI document."""

from collections import defaultdict
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers

from problems.handler import MEDIA_TYPE
from problems.problem import Problem

_EXAMPLE_ID = "5f1c0d2e9b7a4c3d8e6f1a2b3c4d5e6f"


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457 problem details."""

    type = serializers.CharField(help_text="A URI that names the kind of problem.")
    title = serializers.CharField(help_text="The kind of problem in a few words.")
    status = serializers.IntegerField(help_text="The HTTP status, again.")
    detail = serializers.CharField(help_text="What is wrong, and what would be right.")
    code = serializers.CharField(help_text="The kind of problem, for programs.")
    request_id = serializers.CharField(help_text="As in X-Request-ID and in the gateway's log.")


def problem_responses(*kinds: type[Problem]) -> dict[tuple[int, str], OpenApiResponse]:
    """The ``responses`` of an operation for these problems, each with an example."""
    by_status: dict[int, list[type[Problem]]] = defaultdict(list)
    for kind in kinds:
        if all(other.code != kind.code for other in by_status[kind.status]):
            by_status[kind.status].append(kind)
    return {
        (status, MEDIA_TYPE): OpenApiResponse(
            ProblemSerializer,
            description=" / ".join(dict.fromkeys(kind.title for kind in group)),
            examples=[
                OpenApiExample(
                    kind.code,
                    value=kind().document(_EXAMPLE_ID),
                    media_type=MEDIA_TYPE,
                    response_only=True,
                    status_codes=[str(status)],
                )
                for kind in group
            ],
        )
        for status, group in sorted(by_status.items())
    }
