"""What a token can allow."""

from collections.abc import Mapping

READ = "objects:read"
WRITE = "objects:write"
DELETE = "objects:delete"
LIST = "objects:list"
NODES = "nodes:read"
METRICS = "metrics:read"
SCOPES = (READ, WRITE, DELETE, LIST, NODES, METRICS)

#: The scope that each method of a view needs. A method that is not among them needs some token.
ByMethod = Mapping[str, str]


def reading(scope: str) -> ByMethod:
    """For a view that is only read: GET and HEAD need this scope."""
    return {"GET": scope, "HEAD": scope}
