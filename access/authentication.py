"""Who asks: DRF's authentication classes for tokens and signed links.

A request's ``user`` is its `Grant`, and its ``auth`` the token, or the link's query.
"""

import binascii
from base64 import b64decode

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from access.grant import Grant
from access.links import is_signed
from access.problems import REALM, InvalidToken, wants_page
from access.verifier import get_verifier
from telemetry.exchange import note_subject

#: The name of the one path that links are for.
OBJECT_PATH = "object"


class LinkAuthentication(BaseAuthentication):
    """Signed links (`access.links`)."""

    def authenticate(self, request: Request) -> tuple[Grant, str] | None:
        query = request.META.get("QUERY_STRING", "")
        if not query or not is_signed(query):
            return None
        match = request.resolver_match
        if match is None or match.url_name != OBJECT_PATH:
            return None
        grant = get_verifier().link_grant(query, request.method or "", match.kwargs["object_id"])
        note_subject(grant.subject, grant.token_id)
        return grant, query


class BearerAuthentication(BaseAuthentication):
    """Bearer tokens (RFC 6750 section 2.1), also as the password of Basic authentication
    (RFC 7617), for browsers send nothing else by themselves.
    """

    def authenticate(self, request: Request) -> tuple[Grant, str] | None:
        meta = request.META
        field = meta.get("HTTP_AUTHORIZATION")
        if not field:
            return None
        try:
            token = _token_in(field)
            grant = get_verifier().token_grant(token)
        except InvalidToken as problem:
            raise InvalidToken(problem.detail, browser=wants_page(meta)) from problem
        note_subject(grant.subject, grant.token_id)
        return grant, token

    def authenticate_header(self, request: Request) -> str:
        return f'Bearer realm="{REALM}"'


def _token_in(field: str) -> str:
    """The token in an Authorization field.

    :raises InvalidToken: when there is none.
    """
    # RFC 9110 section 11.1: the case of a scheme's name does not matter.
    scheme, _, credentials = field.partition(" ")
    credentials = credentials.strip(" ")
    match scheme.lower():
        case "bearer" if credentials:
            return credentials
        case "basic":
            try:
                pair = b64decode(credentials, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError, ValueError) as error:
                raise InvalidToken("The credentials are no base64 (RFC 7617).") from error
            return pair.partition(":")[2]
        case _:
            raise InvalidToken("Authorization must be: Bearer TOKEN.")
