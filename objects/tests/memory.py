"""Nodes that are dictionaries, behind the interface of `Store`; conditions are judged as by MinIO.

For tests of what is done with several nodes. How a node is spoken to is tested elsewhere.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from nodes.node import Node
from objects.exceptions import (
    NodeUnavailable,
    ObjectNotFound,
    PreconditionFailed,
    RangeNotSatisfiable,
)
from objects.store import Entry, NodeListing, Payload, Store, Stored, Stores, Upload
from objects.tests.membership_of import node

MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT"


@dataclass
class Kept:
    """An object."""

    data: bytes
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'


@dataclass
class Answer:
    """What `NodeResponse` is for those who get one."""

    status: int
    headers: dict[str, str]
    metadata: Mapping[str, str]
    data: bytes
    closed: bool = False
    node: str = ""

    @property
    def length(self) -> int:
        return int(self.headers["content-length"])

    def __iter__(self) -> Iterator[bytes]:
        return iter([self.data])

    def read(self, limit: int = 0) -> bytes:
        self.close()
        return self.data

    def close(self) -> None:
        self.closed = True


@dataclass
class MemoryNode:
    """A node.

    :ivar kept: by key.
    :ivar down: whether it refuses connections.
    :ivar asked: what it was asked for: a method and a key.
    :ivar before: called before each request with the same, and may change what is there.
    """

    name: str
    kept: dict[str, Kept] = field(default_factory=dict)
    down: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[str, str], None] = lambda method, key: None

    @property
    def node(self) -> Node:
        return node(self.name)

    def has(self, key: str) -> bytes | None:
        found = self.kept.get(key)
        return None if found is None else found.data

    def get(self, key: str, headers: Mapping[str, str], *, head: bool = False) -> Answer:
        self._asked("HEAD" if head else "GET", key)
        kept = self.kept.get(key)
        if kept is None:
            raise ObjectNotFound(f"There is no object '{key}'.")
        fields = {"etag": kept.etag, "last-modified": MODIFIED}
        unchanged = headers.get("If-None-Match") == kept.etag
        if unchanged or headers.get("If-Modified-Since") == MODIFIED:
            return Answer(304, fields, {}, b"")
        data, status = kept.data, 200
        if "Range" in headers:
            first, last = (int(each) for each in headers["Range"].removeprefix("bytes=").split("-"))
            if first >= len(data):
                raise RangeNotSatisfiable.of(len(data))
            fields["content-range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[first : last + 1], 206
        fields["content-length"] = str(len(data))
        return Answer(status, fields, kept.metadata, b"" if head else data)

    def put(self, key: str, payload: Payload, upload: Upload) -> Stored:
        self._asked("PUT", key)
        data = b"".join(payload)
        kept = self.kept.get(key)
        if upload.conditions.get("If-None-Match") == "*" and kept is not None:
            raise PreconditionFailed
        wanted = upload.conditions.get("If-Match", "*")
        if "If-Match" in upload.conditions and (kept is None or wanted not in ("*", kept.etag)):
            raise PreconditionFailed
        metadata = {
            name.removeprefix("x-amz-meta-"): value for name, value in upload.amz_headers.items()
        }
        self.kept[key] = Kept(data, metadata)
        return Stored(key, len(data), self.kept[key].etag)

    def delete(self, key: str) -> None:
        self._asked("DELETE", key)
        self.kept.pop(key, None)

    def delete_several(self, keys: Sequence[str]) -> None:
        self._asked("DELETE", " ".join(keys))
        for key in keys:
            self.kept.pop(key, None)

    def list(self, *, prefix: str, after: str, limit: int) -> NodeListing:
        self._asked("LIST", after)
        keys = [key for key in sorted(self.kept) if key.startswith(prefix) and key > after]
        entries = tuple(
            Entry(key, len(self.kept[key].data), self.kept[key].etag, "2026-01-01T00:00:00Z")
            for key in keys[:limit]
        )
        return NodeListing(entries, truncated=len(keys) > limit)

    def check(self) -> None:
        self._asked("PROBE", "")

    def _asked(self, method: str, key: str) -> None:
        self.before(method, key)
        self.asked.append((method, key))
        if self.down:
            raise NodeUnavailable("cannot be reached: Connection refused", repeatable=True)


class MemoryStores:
    """Their stores.

    :ivar nodes: by name.
    """

    def __init__(self, *names: str) -> None:
        self.nodes = {name: MemoryNode(name) for name in names}

    def of(self, wanted: Node) -> Store:
        if wanted.down_reason:
            raise NodeUnavailable(f"is down: {wanted.down_reason}", repeatable=True)
        return cast("Store", self.nodes[wanted.name])

    @property
    def stores(self) -> Stores:
        """As the type that others ask for."""
        return cast("Stores", self)

    @property
    def discovered(self) -> tuple[Node, ...]:
        """All of them, as discovery would have them."""
        return tuple(each.node for _, each in sorted(self.nodes.items()))
