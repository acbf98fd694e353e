"""Objects that are put through the gateway."""

from functools import partial

from tests.support.client import Client
from tests.support.waiting import eventually


def put_in_the_end(client: Client, ids: list[str]) -> None:
    """On nodes that have just come: that one could not be reached is remembered for a moment."""
    for object_id in ids:
        eventually(partial(_stores, client, object_id), "the node is known to serve", 60)


def _stores(client: Client, object_id: str) -> bool:
    return client.put(object_id, object_id.encode()).status == 201
