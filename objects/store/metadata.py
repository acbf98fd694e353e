"""A client's own metadata, as S3 has it: ``x-amz-meta-*`` fields."""

from collections.abc import Mapping

from objects.exceptions import InvalidMetadata

_PREFIX = "x-amz-meta-"
#: Bytes of all names and values together, as S3 has it; nodes count the prefix as well.
LIMIT = 2048


def amz_fields(metadata: Mapping[str, str]) -> dict[str, str]:
    """The header fields that store it.

    :param metadata: names in lower case to values.
    :raises InvalidMetadata: when it is too long.
    """
    fields = {_PREFIX + name: value for name, value in metadata.items()}
    size = sum(len(name) + len(value) for name, value in fields.items())
    if size > LIMIT:
        raise InvalidMetadata(
            f"All names and values of the metadata together, and {len(_PREFIX)} bytes for each, "
            f"are {size} bytes; at most {LIMIT} are stored."
        )
    return fields


def metadata_in(fields: Mapping[str, str]) -> dict[str, str]:
    """The metadata that comes with an object.

    :param fields: the header fields of a node's answer, names in lower case.
    """
    return {
        name.removeprefix(_PREFIX): value
        for name, value in fields.items()
        if name.startswith(_PREFIX)
    }
