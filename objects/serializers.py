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
        allow_null=True, help_text="The URL of the next page; null on the last one."
    )
    missing_nodes = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField()),
        help_text="With partial=true: name and reason of each node that could not be listed.",
    )


class UploadSerializer(serializers.Serializer[Any]):
    """The upload form of the browsable API."""

    id = serializers.RegexField(PATTERN, help_text="1 to 32 ASCII letters and digits.")
    file = serializers.FileField(allow_empty_file=True)
