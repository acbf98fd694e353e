"""Signed links: one request with one object, until a moment, for whoever has the link.

``/object/abc?expires=1795000000&signature=…``. What is signed are seven lines, joined by line feeds
and without one at the end; a line whose parameter the link does not have is empty::

    objgw link 1
    GET                     the method
    abc                     the id
    1795000000              expires: POSIX seconds
    10485760                max_size: the most bytes of a PUT
    image/png               content_type: what a PUT has to say of its body
    photo.png               file_name: under which a browser saves what it GETs

The signature is their HMAC-SHA256 (RFC 2104) with a symmetric key of the set, in base64url without
padding (RFC 4648 section 5). What a token's signature is made of has no line feed, so neither can
be taken for the other.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlencode

from access.grant import Grant, LinkTerms
from access.keyset import Key
from access.problems import InvalidLink, LinkExpired
from access.scopes import READ, WRITE
from access.tokens import moment

METHODS = ("GET", "PUT")
SIGNATURE = "signature"
_VERSION = "objgw link 1"
_PARAMETERS = ("expires", "max_size", "content_type", "file_name", SIGNATURE)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_CONTENT_TYPE = re.compile(r"[!-~][ -~]{0,254}", re.ASCII)
_LONGEST_NAME = 255
_SCOPES = {"GET": frozenset({READ}), "PUT": frozenset({WRITE})}


def signature_of(terms: LinkTerms, secret: bytes) -> str:
    """The signature of a link."""
    lines = (
        _VERSION,
        terms.method,
        terms.object_id,
        str(terms.expires),
        "" if terms.max_size is None else str(terms.max_size),
        terms.content_type,
        terms.file_name,
    )
    digest = hmac.digest(secret, "\n".join(lines).encode(), hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def link_to(terms: LinkTerms, key: Key) -> str:
    """The path and the query of a link.

    :param key: a symmetric one.
    """
    query = {
        "expires": str(terms.expires),
        "max_size": "" if terms.max_size is None else str(terms.max_size),
        "content_type": terms.content_type,
        "file_name": terms.file_name,
        SIGNATURE: signature_of(terms, key.secret),
    }
    return f"/object/{terms.object_id}?" + urlencode(
        {name: value for name, value in query.items() if value}
    )


def is_content_type(text: str) -> bool:
    """Whether a link can ask for it."""
    return _CONTENT_TYPE.fullmatch(text) is not None


def is_file_name(text: str) -> bool:
    """Whether a link can have an object saved under it: no path, and nothing that is not seen."""
    return (
        0 < len(text) <= _LONGEST_NAME
        and text.isprintable()
        and text not in (".", "..")
        and not {"/", "\\"} & set(text)
    )


def is_signed(query: str) -> bool:
    """Whether the query of a request is that of a signed link."""
    return f"&{SIGNATURE}=" in f"&{query}"


def link_grant(query: str, method: str, object_id: str, keys: Iterable[Key], now: float) -> Grant:
    """What the link allows that a request was made by.

    :param query: of the request, percent-encoded.
    :param method: of the request. A link for GET is good for HEAD, too.
    :param keys: the symmetric ones.
    :param now: POSIX seconds.
    :raises InvalidLink: when it is not as it was signed.
    :raises LinkExpired: when it is.
    """
    found = _parameters(query)
    terms = _terms(found, "GET" if method == "HEAD" else method, object_id)
    given = found.get(SIGNATURE, "").encode()
    matching = None
    for key in keys:
        if hmac.compare_digest(signature_of(terms, key.secret).encode(), given):
            matching = key
    if matching is None:
        raise InvalidLink
    if terms.expires < now:
        raise LinkExpired(f"The link expired at {moment(terms.expires)}.")
    return Grant(
        subject="link",
        token_id=matching.key_id,
        scopes=_SCOPES.get(terms.method, frozenset()),
        prefixes=None,
        expires=terms.expires,
        link=terms,
    )


def _parameters(query: str) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        raise InvalidLink("The link's query cannot be read.") from error
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidLink("The link's query has a parameter twice.")
    for name in found:
        if name not in _PARAMETERS:
            raise InvalidLink(f"{name!r} is no parameter of a signed link.")
    return found


def _terms(found: Mapping[str, str], method: str, object_id: str) -> LinkTerms:
    expires, max_size = found.get("expires", ""), found.get("max_size")
    content_type, file_name = found.get("content_type", ""), found.get("file_name", "")
    if not _NUMBER.fullmatch(expires):
        raise InvalidLink("The link has no expires: a whole number of POSIX seconds.")
    if max_size is not None and not _NUMBER.fullmatch(max_size):
        raise InvalidLink("The link's max_size is no whole number of bytes.")
    if content_type and not is_content_type(content_type):
        raise InvalidLink("The link's content_type is none.")
    if file_name and not is_file_name(file_name):
        raise InvalidLink("The link's file_name is none.")
    return LinkTerms(
        method,
        object_id,
        int(expires),
        None if max_size is None else int(max_size),
        content_type,
        file_name,
    )
