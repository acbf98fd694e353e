"""Tombstones: what a delete leaves at an id's owner while another node may still have the object.

Its bytes follow from the layout's nonce, so that size and ETag tell it from objects in a listing
that says no more. In the answer to a GET or HEAD its metadata does.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

#: Clients cannot store metadata of that name: theirs are letters, digits and hyphens.
_MARK = "objgw.tombstone"


class Listed(Protocol):
    """A line of a listing."""

    @property
    def size(self) -> int: ...

    @property
    def etag(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The tombstones of one change of the layout.

    :ivar body: what is stored in place of an object.
    :ivar metadata: stored with it.
    :ivar etag: the ETag that it has on a node: quoted, the MD5 of the body.
    """

    body: bytes
    metadata: Mapping[str, str]
    etag: str

    @classmethod
    def of(cls, nonce: str) -> "Tombstone":
        """:param nonce: of the layout, see `Layout.nonce`."""
        body = f"objgw tombstone {nonce}\n".encode()
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        return cls(body, {_MARK: nonce}, f'"{digest}"')

    def is_listed_as(self, entry: Listed) -> bool:
        """Whether a line of a node's listing is one."""
        return entry.size == len(self.body) and entry.etag == self.etag


def is_tombstone(metadata: Mapping[str, str]) -> bool:
    """Whether the metadata that comes with an answer is that of a tombstone, of any change."""
    return _MARK in metadata
