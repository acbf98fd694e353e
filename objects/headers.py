"""Header fields that pass between a client and a node."""

from collections.abc import Mapping

#: Stored with the object and given back, as they are.
STORED = (
    "Content-Type",
    "Content-Encoding",
    "Content-Language",
    "Content-Disposition",
    "Cache-Control",
)
#: What a node answers and a client gets. Everything else of a node's answer stays here.
_ANSWERED = (
    *STORED,
    "Content-Length",
    "ETag",
    "Last-Modified",
)
_DEFAULT_TYPE = "application/octet-stream"


def stored_headers_of(request: Mapping[str, str]) -> dict[str, str]:
    """What a PUT asks to be stored with the object, and the checksum to be verified."""
    found = {name: request[name] for name in (*STORED, "Content-MD5") if request.get(name)}
    found.setdefault("Content-Type", _DEFAULT_TYPE)
    return found


def conditions_of(request: Mapping[str, str]) -> dict[str, str]:
    """The conditions of a PUT."""
    return {name: request[name] for name in ("If-Match", "If-None-Match") if request.get(name)}


def response_headers(node: Mapping[str, str]) -> dict[str, str]:
    """What a client gets of a node's answer to GET and HEAD.

    :param node: field names in lower case.
    """
    headers = {name: node[name.lower()] for name in _ANSWERED if name.lower() in node}
    headers.setdefault("Content-Type", _DEFAULT_TYPE)
    headers["Accept-Ranges"] = "bytes"
    # An object is foreign content on our origin.
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Content-Security-Policy"] = "sandbox"
    return headers
