"""DRF's authentication classes for tokens and signed links.

A request's ``user`` is its `Grant`, and its ``auth`` the Authorization field, or the link's query.
"""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from access.grant import Grant
from access.links import is_signed
from access.problems import REALM, InvalidToken, TokenRequired, wants_page
from access.verifier import get_verifier
from telemetry.exchange import note_subject

#: The name of the one path that links are for.
OBJECT_PATH = "object"


class LinkAuthentication(BaseAuthentication):
    """Signed links (`access.links`)."""

    def authenticate(self, request: Request) -> tuple[Grant, str] | None:
        query = request.META.get("QUERY_STRING", "")
        if not query or not is_signed(query) or request.method == "OPTIONS":
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

    :cvar patient: whether to wait for an identity provider that may have a new key.
    """

    patient = True

    def authenticate(self, request: Request) -> tuple[Grant, str] | None:
        meta = request.META
        field = meta.get("HTTP_AUTHORIZATION")
        # What OPTIONS tells is open to everybody.
        if not field or request.method == "OPTIONS":
            return None
        try:
            grant = get_verifier().field_grant(field, patient=self.patient)
        except InvalidToken as problem:
            raise InvalidToken(problem.detail, browser=wants_page(meta)) from problem
        except TokenRequired as problem:
            raise TokenRequired(browser=wants_page(meta)) from problem
        note_subject(grant.subject, grant.token_id)
        return grant, field

    def authenticate_header(self, request: Request) -> str:
        return f'Bearer realm="{REALM}"'


class HastyAuthentication(BearerAuthentication):
    """For what is open, and tells more to those who are known."""

    patient = False
