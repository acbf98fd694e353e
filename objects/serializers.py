"""The JSON documents about objects, as the OpenAPI document has them."""

from typing import Any

from rest_framework import serializers

from objects.identifiers import PATTERN
from objects.store import Entry, Stored

_ETAG = "The entity tag, with its quotes (RFC 9110 section 8.8.3)."


class StoredSerializer(serializers.Serializer[Any]):
    """What a PUT stored."""

    id = serializers.RegexField(PATTERN, source="key")
    size = serializers.IntegerField(min_value=0, help_text="Bytes.")
    etag = serializers.CharField(help_text=_ETAG)

    # Not DRF's own way, here and below: it takes 40 us, and a page may have 1,000 entries.
    @staticmethod
    def document(instance: Stored | Entry) -> dict[str, Any]:
        """What this serializer makes of an instance, without the making of a serializer."""
        return {"id": instance.key, "size": instance.size, "etag": instance.etag}

    def to_representation(self, instance: Stored | Entry) -> dict[str, Any]:
        return self.document(instance)


class EntrySerializer(StoredSerializer):
    """One object of a listing."""

    last_modified = serializers.DateTimeField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {**super().to_representation(instance), "last_modified": instance.last_modified}


class MissingNodeSerializer(serializers.Serializer[Any]):
    """A node that could not be listed."""

    name = serializers.CharField()
    reason = serializers.CharField(help_text="What it did, to go on after its name.")


class ListingSerializer(serializers.Serializer[Any]):
    """One page of objects."""

    objects = EntrySerializer(many=True)
    next = serializers.CharField(
        allow_null=True,
        help_text="The next page, relative to the URL of this one; null on the last one.",
    )
    missing_nodes = MissingNodeSerializer(
        many=True, help_text="With partial=true: the nodes that could not be listed."
    )
    passed_over = serializers.IntegerField(
        min_value=0,
        help_text=(
            "How many keys in the range of this page are not listed, because the node they lie on "
            "does not own them, or because they are no object ids. More than 0 means that nodes "
            "were added or removed, or that somebody else writes to the bucket."
        ),
    )
