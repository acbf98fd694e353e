"""Header fields that pass between a client and a node."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from objects.exceptions import InvalidDigest, InvalidMetadata, PartialPut
from problems.problem import UnsupportedMediaType

#: Stored with the object and given back, as they are.
STORED = (
    "Content-Type",
    "Content-Encoding",
    "Content-Language",
    "Content-Disposition",
    "Cache-Control",
)
#: What a node answers and a client gets. Everything else of a node's answer stays here.
_ANSWERED = (*STORED, "Content-Length", "ETag", "Last-Modified")
#: RFC 9110 section 15.4.5.
_NOT_MODIFIED = ("Cache-Control", "ETag", "Last-Modified")
_DEFAULT_TYPE = "application/octet-stream"
#: What a form in a browser, curl -F and requests' files= send: the file in an envelope (RFC 7578).
_ENVELOPE = "multipart/form-data"
#: Without it caches may guess for how long an object stays what it is (RFC 9111 section 4.2.2).
#: They may keep it, and ask each time; the entity tag makes the answer a 304.
_DEFAULT_CACHING = "no-cache"
#: An object is foreign content on our own origin. A browser may show a page, an image or a PDF and
#: play media, but nothing in it may run, ask, submit or lead anywhere by itself. The origin is
#: kept, else a video that is opened directly may not load itself; styles are those of pages and
#: SVG images, and of the browser's own page around an image.
_POLICY = (
    "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-same-origin"
)

#: The prefix of a client's own metadata.
METADATA_PREFIX = "X-Object-Meta-"
_META_KEY = "HTTP_X_OBJECT_META_"
_METADATA_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)
_METADATA_VALUE = re.compile(r"[\x20-\x7e]*", re.ASCII)


def stored_headers_of(meta: Mapping[str, Any]) -> dict[str, str]:
    """What a PUT asks to be stored with the object, and the checksum to be verified.

    :param meta: the WSGI environment.
    :raises InvalidDigest: when Content-MD5 is not the base64 of an MD5 (RFC 1864).
    :raises UnsupportedMediaType: when the body is an upload form, and not the object.
    :raises PartialPut: when the body is a part of an object only (RFC 9110 section 14.5).
    """
    if "HTTP_CONTENT_RANGE" in meta:
        raise PartialPut
    found: dict[str, str] = {}
    for name in STORED:
        key = name.upper().replace("-", "_")
        value = meta.get(key if key == "CONTENT_TYPE" else f"HTTP_{key}")
        if value:
            found[name] = value
    media_type = found.setdefault("Content-Type", _DEFAULT_TYPE)
    if media_type.partition(";")[0].strip().lower() == _ENVELOPE:
        raise UnsupportedMediaType(
            f"{_ENVELOPE} is an envelope around a file, and would be stored as it is. Send the "
            "bytes alone: curl -T FILE or --data-binary @FILE instead of -F, requests' data= "
            "instead of files=, fetch with the file as its body."
        )
    if (digest := meta.get("HTTP_CONTENT_MD5")) is not None:
        found["Content-MD5"] = _checked_digest(digest.strip())
    return found


def metadata_of(meta: Mapping[str, Any]) -> dict[str, str]:
    """A client's own metadata: names in lower case, without `METADATA_PREFIX`, to values.

    :param meta: the WSGI environment. A server that drops header fields lists their names in
        ``objgw.dropped_headers``.
    :raises InvalidMetadata: when a name or a value cannot be kept.
    """
    for name in meta.get("objgw.dropped_headers", ()):
        if name.upper().replace("_", "-").startswith(METADATA_PREFIX.upper()):
            raise InvalidMetadata(_BAD_NAME.format(name=name))
    found: dict[str, str] = {}
    for key, value in meta.items():
        if not key.startswith(_META_KEY):
            continue
        name = key.removeprefix(_META_KEY).replace("_", "-").lower()
        if not _METADATA_NAME.fullmatch(name):
            raise InvalidMetadata(_BAD_NAME.format(name=f"{METADATA_PREFIX}{name}"))
        if not _METADATA_VALUE.fullmatch(value) or "  " in value:
            raise InvalidMetadata(
                f"{METADATA_PREFIX}{name.title()} must be printable ASCII with single spaces; "
                "encode anything else, for example as percent-encoded UTF-8."
            )
        found[name] = value.strip()
    return found


_BAD_NAME = (
    "'{name}' cannot be stored: behind " + METADATA_PREFIX + " a name is letters, digits, and "
    "hyphens between them."
)


def response_headers(node: Mapping[str, str], metadata: Mapping[str, str]) -> dict[str, str]:
    """What a client gets of a node's answer to GET and HEAD.

    :param node: field names in lower case.
    :param metadata: as `metadata_of` gave it.
    """
    headers = {name: node[name.lower()] for name in _ANSWERED if name.lower() in node}
    headers.setdefault("Content-Type", _DEFAULT_TYPE)
    for name, value in metadata.items():
        headers[METADATA_PREFIX + name.title()] = value
    headers.setdefault("Cache-Control", _DEFAULT_CACHING)
    headers["Accept-Ranges"] = "bytes"
    headers["Content-Security-Policy"] = _POLICY
    return headers


def not_modified_headers(node: Mapping[str, str]) -> dict[str, str]:
    """What a client gets with a 304.

    :param node: field names in lower case.
    """
    headers = {name: node[name.lower()] for name in _NOT_MODIFIED if name.lower() in node}
    headers.setdefault("Cache-Control", _DEFAULT_CACHING)
    return headers


def _checked_digest(text: str) -> str:
    try:
        size = len(base64.b64decode(text, validate=True))
    except ValueError:  # also for what is not ASCII
        size = 0
    if size != 16:
        raise InvalidDigest("Content-MD5 must be the base64 form of the body's 16 byte MD5 digest.")
    return text
