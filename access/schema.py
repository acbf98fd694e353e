"""Tokens and links in the OpenAPI document."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from problems.handler import MEDIA_TYPE

_BEARER, _LINK = "token", "link"
_REFUSALS = {
    "401": "No token, or one that is not accepted.",
    "403": "The token, or the link, does not allow this.",
}


# Its base registers each subclass by a function without types.
class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How a token is sent."""

    target_class = "access.authentication.BearerAuthentication"
    match_subclasses = True
    name = _BEARER

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "manage.py token issues one; so may an identity provider.",
        }

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[Any]]:
        scopes = getattr(auto_schema.view, "required_scopes", {})
        scope = scopes.get(auto_schema.method)
        return {self.name: [scope] if scope else []}


# As above.
class LinkScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A signed link is its own permission."""

    target_class = "access.authentication.LinkAuthentication"
    name = _LINK

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "query",
            "name": "signature",
            "description": "A signed link has it, with the other parameters that were signed.",
        }

    def get_security_requirement(self, auto_schema: Any) -> Any:
        return {self.name: []} if auto_schema.path.startswith("/object/") else None


def add_refusals(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular: who is asked for a token may be refused."""
    problem = {"$ref": "#/components/schemas/Problem"}
    for operations in result["paths"].values():
        for operation in operations.values():
            # An empty requirement: it may be asked for without any.
            if {} in operation.get("security", [{}]):
                continue
            for status, description in _REFUSALS.items():
                operation["responses"].setdefault(
                    status,
                    {"content": {MEDIA_TYPE: {"schema": problem}}, "description": description},
                )
    return result
