"""What S3 servers do differently, by the name that they give themselves in their answers.

docs/nodes.md has the whole list; here is what has to be asked of them in another way. A server that
is not known, or stands behind a proxy with a name of its own, is asked in the way that all
understand, which may take a request more.
"""

from collections.abc import Mapping

from objects.exceptions import PreconditionFailed

_MINIO = "MinIO"
_ANY = "*"
#: Bytes; the most that S3 takes in one request.
MOST_AT_ONCE = 5 * 2**30


def keeps_tags(server: str) -> bool:
    """Whether an upload in parts may say which entity tag it is to have, as when MinIO replicates.

    :param server: the Server field of its answers.
    """
    return server == _MINIO


def judges(server: str, conditions: Mapping[str, str]) -> bool:
    """Whether a server judges the conditions of a PUT as RFC 9110 section 13.1 has them.

    All judge ``If-Match`` with a tag and ``If-None-Match: *``, in one step with storing. versitygw
    (1.8.0) takes ``If-Match: *`` for a tag and answers 501 to ``If-None-Match`` with one.

    :param server: as above.
    """
    if server == _MINIO:
        return True
    return conditions.get("If-Match") != _ANY and conditions.get("If-None-Match", _ANY) == _ANY


def in_terms_of(etag: str, conditions: Mapping[str, str]) -> Mapping[str, str]:
    """Conditions that all servers judge, in place of one that not all do. When something else is
    there by then they fail, and one has to look again.

    :param etag: of the version that was seen, "" for none.
    :raises PreconditionFailed: when the condition does not hold for that.
    """
    if etag == conditions.get("If-None-Match", ""):
        raise PreconditionFailed
    return {"If-Match": etag} if etag else {"If-None-Match": _ANY}
