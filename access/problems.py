"""Refusals of requests without the necessary permission (RFC 6750 section 3.1)."""

from collections.abc import Mapping
from typing import Any

from problems.problem import Problem

REALM = "objgw"
#: For a browser, which asks its user for a name and a password then (RFC 7617). Chromium does so
#: only where no other scheme stands before it in the field.
BASIC_CHALLENGE = 'Basic realm="objgw: any name, and a token as the password", charset="UTF-8"'


def wants_page(meta: Mapping[str, Any]) -> bool:
    """Whether a browser asks for a page, and so can ask its user for a token.

    :param meta: the WSGI environment.
    """
    return "text/html" in meta.get("HTTP_ACCEPT", "")


def _bearer(**parameters: str) -> str:
    told = "".join(f', {name}="{value}"' for name, value in parameters.items())
    return f'Bearer realm="{REALM}"{told}'


class TokenRequired(Problem):
    """The request has no token."""

    status = 401
    code = "token_required"
    title = "Token required"
    example = (
        "This needs a token: send it as Authorization: Bearer TOKEN. manage.py token issues one."
    )

    def __init__(self, *, browser: bool = False) -> None:
        challenge = BASIC_CHALLENGE if browser else _bearer()
        super().__init__(headers={"WWW-Authenticate": challenge})


class InvalidToken(Problem):
    """There is a token, and it is not accepted.

    :param detail: in ASCII, without quotation marks and backslashes, because it is also sent in a
        header field.
    """

    status = 401
    code = "invalid_token"
    title = "Invalid token"
    example = "The token expired at 2026-11-26T12:00:00Z."

    def __init__(self, detail: str = "", *, browser: bool = False) -> None:
        told = {"error": self.code, "error_description": detail or self.example}
        challenge = BASIC_CHALLENGE if browser else _bearer(**told)
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class InsufficientScope(Problem):
    """The token is accepted, and does not allow this."""

    status = 403
    code = "insufficient_scope"
    title = "Insufficient scope"
    example = "The token does not allow this: it lacks the scope objects:write."

    @classmethod
    def lacking(cls, scope: str) -> "InsufficientScope":
        """The token lacks this scope."""
        challenge = _bearer(error=cls.code, scope=scope)
        return cls(
            f"The token does not allow this: it lacks the scope {scope}.",
            headers={"WWW-Authenticate": challenge},
            scope=scope,
        )


class IdNotAllowed(Problem):
    """The token has the scope, for other ids."""

    status = 403
    code = "id_not_allowed"
    title = "Id not allowed"
    example = "The token does not allow this id: its ids begin with logs or 2026."

    def __init__(self, detail: str = "") -> None:
        challenge = _bearer(error=InsufficientScope.code)
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class InvalidLink(Problem):
    """A signed link that was changed, or is for something else."""

    status = 403
    code = "invalid_link"
    title = "Invalid link"
    example = "The link's signature is not right for this method, id and query."


class LinkExpired(Problem):
    """A signed link that was right, once."""

    status = 403
    code = "link_expired"
    title = "Link expired"
    example = "The link expired at 2026-11-26T12:00:00Z."


class KeysUnknown(Problem):
    """Nobody can say whether a token is right."""

    status = 503
    code = "keys_unknown"
    title = "Keys unknown"
    retry_after = 1
    example = (
        "The token cannot be verified now, because its key is not known here and the identity "
        "provider does not answer."
    )
