"""Looking into the nodes themselves, past the gateway, with MinIO's own client."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import urllib3
from minio import Minio
from minio.error import MinioException

from objects.layout import LAYOUT_KEY
from tests.support.waiting import eventually

BUCKET = "objects"


def owner_of(object_id: str, nodes: int) -> int:
    """The documented rule, worked out apart from the gateway's code."""
    return int(hashlib.md5(object_id.encode(), usedforsecurity=False).hexdigest(), 16) % nodes


@dataclass(frozen=True)
class S3Node:
    name: str
    address: str
    user: str
    password: str

    @contextlib.contextmanager
    def client(self) -> Iterator[Minio]:
        pool = urllib3.PoolManager(retries=False, timeout=5)
        try:
            yield Minio(
                f"{self.address}:9000",
                access_key=self.user,
                secret_key=self.password,
                secure=False,
                http_client=pool,
            )
        finally:
            pool.clear()

    def wait(self) -> None:
        """Until the node serves its bucket listing; a stopped one fails in time."""
        eventually(self._serves, f"{self.name} serves", 60)

    def _serves(self) -> bool:
        try:
            with self.client() as client:
                client.list_buckets()
        except (urllib3.exceptions.HTTPError, MinioException):
            return False
        return True

    def stored_ids(self) -> set[str]:
        """All keys but that of the layout."""
        with self.client() as client:
            return {
                str(found.object_name)
                for bucket in client.list_buckets()
                for found in client.list_objects(bucket.name, recursive=True)
                if found.object_name != LAYOUT_KEY
            }

    def has_unfinished_upload(self, object_id: str) -> bool:
        """Whether a multipart upload of it was begun and neither completed nor aborted."""
        with self.client() as client:
            if not client.bucket_exists(BUCKET):
                return False
            # Not public in the client. MinIO answers for an exact key only, given as the prefix.
            listed = client._list_multipart_uploads(BUCKET, prefix=object_id, extra_headers={})
            return bool(listed.uploads)


def placement(nodes: Sequence[S3Node]) -> dict[str, list[str]]:
    """Each key found in any node, with the names of the nodes that hold it."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        for key in node.stored_ids():
            found.setdefault(key, []).append(node.name)
    return found


def expected_placement(ids: Sequence[str], nodes: Sequence[S3Node]) -> Mapping[str, list[str]]:
    ordered = sorted(node.name for node in nodes)
    return {object_id: [ordered[owner_of(object_id, len(ordered))]] for object_id in ids}
