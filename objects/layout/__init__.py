"""The layout: which nodes own ids, and how it is changed while clients read and write.

docs/layout.md has the protocol and why it holds.
"""

from objects.layout.document import (
    BACKLOG_KEY,
    LAYOUT_KEY,
    OWN_KEYS,
    Layout,
    Member,
    Previous,
    State,
)
from objects.layout.fields import InvalidLayout
from objects.layout.tombstone import Tombstone, is_tombstone

__all__ = [
    "BACKLOG_KEY",
    "LAYOUT_KEY",
    "OWN_KEYS",
    "InvalidLayout",
    "Layout",
    "Member",
    "Previous",
    "State",
    "Tombstone",
    "is_tombstone",
]
