"""Looking into the nodes themselves, past the gateway, with MinIO's own client."""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Sequence

import urllib3
from minio import Minio

from demo.harness.s3nodes import LocalNode, NodeProcess
from objects.layout import LAYOUT_KEY
from tests.support.client import random_id

BUCKET = "objects"


def owner_of(object_id: str, nodes: Sequence[NodeProcess]) -> NodeProcess:
    """The documented rule, worked out apart from the gateway's code."""
    digest = int(hashlib.md5(object_id.encode("ascii"), usedforsecurity=False).hexdigest(), 16)
    return sorted(nodes, key=lambda process: process.node.name)[digest % len(nodes)]


def id_owned_by(process: NodeProcess, nodes: Sequence[NodeProcess]) -> str:
    """A new id whose owner is this node."""
    while owner_of(object_id := random_id(), nodes) is not process:
        pass
    return object_id


@contextlib.contextmanager
def s3_client(node: LocalNode) -> Iterator[Minio]:
    pool = urllib3.PoolManager(retries=False, timeout=10)
    try:
        yield Minio(node.endpoint, node.access_key, node.secret_key, secure=False, http_client=pool)
    finally:
        pool.clear()


def keys_in(process: NodeProcess) -> set[tuple[str, str]]:
    """Every object on a node, as (bucket, key); the copy of the layout is none."""
    with s3_client(process.node) as client:
        return {
            (bucket.name, str(found.object_name))
            for bucket in client.list_buckets()
            for found in client.list_objects(bucket.name, recursive=True)
            if found.object_name != LAYOUT_KEY
        }


def keys_in_all(nodes: Iterable[NodeProcess]) -> dict[str, set[tuple[str, str]]]:
    """Every object on every node, by the node's name."""
    return {process.node.name: keys_in(process) for process in nodes}
