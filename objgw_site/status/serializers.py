"""The JSON documents about nodes, as the OpenAPI document has them."""

from typing import Any

from rest_framework import serializers

from nodes.node import NodeState
from objects.layout import State
from objgw_site.status.roles import Role


class BacklogSerializer(serializers.Serializer[Any]):
    """What is left to move."""

    objects = serializers.IntegerField(min_value=0)
    bytes = serializers.IntegerField(min_value=0)


class LayoutSerializer(serializers.Serializer[Any]):
    """The layout: which nodes own ids."""

    version = serializers.IntegerField(min_value=1)
    state = serializers.ChoiceField(
        [(str(state), str(state)) for state in State],
        help_text="How far a change of it has come; stable when there is none.",
    )
    router = serializers.CharField(help_text="How ids are spread over the members.")
    backlog = BacklogSerializer(
        allow_null=True,
        help_text="What is left to move, as the command that moves it says every few seconds; null "
        "while nothing moves, and when nothing is known of it.",
    )


class NodeSerializer(serializers.Serializer[Any]):
    """One node."""

    index = serializers.IntegerField(
        min_value=0,
        allow_null=True,
        help_text="Its place in routing order, null when it is no member of the layout.",
    )
    name = serializers.CharField()
    address = serializers.CharField(
        allow_null=True, help_text="host:port, null while it has no address."
    )
    state = serializers.ChoiceField(
        [(str(state), str(state)) for state in NodeState],
        help_text="What discovery says of its container.",
    )
    healthy = serializers.BooleanField(help_text="Whether it would serve a request now.")
    reason = serializers.CharField(allow_null=True, help_text="Why not.")
    role = serializers.ChoiceField(
        [(str(role), str(role)) for role in Role],
        help_text=(
            "member: it owns ids; leaving: its objects go to the members; unassigned: the layout "
            "does not name it, and it gets nothing."
        ),
    )


class LivenessSerializer(serializers.Serializer[Any]):
    """The process is alive."""

    status = serializers.CharField()


class NotServingSerializer(serializers.Serializer[Any]):
    """A node that cannot serve."""

    name = serializers.CharField()
    reason = serializers.CharField()


class ReadinessSerializer(serializers.Serializer[Any]):
    """What the gateway knows of the nodes."""

    status = serializers.ChoiceField(
        [("ready", "ready"), ("stale", "stale"), ("not ready", "not ready")],
        help_text="stale: it serves from its last snapshot, since discovery does not answer.",
    )
    missing = serializers.CharField(allow_null=True, help_text="What keeps it from being ready.")
    nodes = serializers.IntegerField(min_value=0, help_text="How many nodes it knows.")
    serving = serializers.IntegerField(min_value=0, help_text="How many of them can serve.")
    not_serving = NotServingSerializer(many=True, help_text="The others, and why they cannot.")
    layout = LayoutSerializer(allow_null=True, help_text="null where there is none.")
    snapshot_age = serializers.FloatField(
        required=False, help_text="Seconds since the nodes were discovered."
    )
    failure = serializers.CharField(required=False, help_text="Why discovery does not answer.")
    code = serializers.CharField(
        required=False, help_text="As in problem documents, or no_node_serves."
    )
