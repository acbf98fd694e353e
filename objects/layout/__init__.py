"""The layout: which nodes own ids, and how it is changed while clients read and write.

docs/layout.md has the protocol and why it holds.
"""

from objects.layout.document import (
    LAYOUT_KEY,
    Layout,
    Member,
    Previous,
    State,
)
from objects.layout.fields import InvalidLayout
from objects.layout.tombstone import Tombstone, is_tombstone

__all__ = [
    "LAYOUT_KEY",
    "InvalidLayout",
    "Layout",
    "Member",
    "Previous",
    "State",
    "Tombstone",
    "is_tombstone",
]
