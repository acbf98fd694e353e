"""The JSON documents about objects, as the OpenAPI document has them."""

from typing import Any

from rest_framework import serializers

from objects.identifiers import PATTERN

_ETAG = "The entity tag, with its quotes (RFC 9110 section 8.8.3)."


class StoredSerializer(serializers.Serializer[Any]):
    """What a PUT stored."""

    id = serializers.RegexField(PATTERN)
    size = serializers.IntegerField(min_value=0, help_text="Bytes.")
    etag = serializers.CharField(help_text=_ETAG)


class EntrySerializer(StoredSerializer):
    """One object of a listing."""

    last_modified = serializers.DateTimeField()


class ListingSerializer(serializers.Serializer[Any]):
    """One page of objects."""

    objects = EntrySerializer(many=True)
    next = serializers.CharField(
        allow_null=True,
        help_text="The next page, relative to the URL of this one; null on the last one.",
    )
    missing_nodes = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField()),
        help_text="With partial=true: name and reason of each node that could not be listed.",
    )
    passed_over = serializers.IntegerField(
        min_value=0,
        help_text=(
            "How many keys in the range of this page are not listed, because the node they lie on "
            "does not own them, or because they are no object ids. More than 0 means that nodes "
            "were added or removed, or that somebody else writes to the bucket."
        ),
    )
