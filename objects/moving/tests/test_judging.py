"""Nodes that store in spite of a condition: the layout is not changed there."""

from collections.abc import Mapping
from typing import cast

import pytest

from nodes.membership import Membership
from nodes.node import Node
from objects.moving.apply import Unsafe, refuse_if_in_doubt
from objects.moving.judging import doubts
from objects.moving.whereabouts import Whereabouts
from objects.store import Payload, Stored, Upload
from objects.tests.memory import MemoryNode, MemoryStores

ONE, TWO = "node-1", "node-2"


class Careless(MemoryNode):
    """A node that knows nothing of one field."""

    ignored = ""

    def put(self, key: str, payload: Payload, upload: Upload) -> Stored:
        kept: Mapping[str, str] = {
            name: value for name, value in upload.conditions.items() if name != self.ignored
        }
        return super().put(key, payload, upload.under(kept))


class Where(Whereabouts):
    """Those nodes, as discovered once."""

    def __init__(self, memory: MemoryStores) -> None:
        super().__init__(cast("Membership", None), memory.stores)
        self._found = memory.discovered

    def nodes(self) -> tuple[Node, ...]:
        return self._found


@pytest.fixture
def memory() -> MemoryStores:
    return MemoryStores(ONE, TWO)


def test_those_that_judge_are_trusted_and_left_as_they_were(memory: MemoryStores) -> None:
    assert doubts([ONE, TWO], Where(memory)) == {}
    assert all(node.kept == {} and node.asked for node in memory.nodes.values())


@pytest.mark.parametrize("ignored", ["If-Match", "If-None-Match"])
def test_one_that_does_not_is_named_and_left_as_it_was(memory: MemoryStores, ignored: str) -> None:
    memory.nodes[TWO] = careless = Careless(TWO)
    careless.ignored = ignored
    found = doubts([ONE, TWO], Where(memory))
    assert found == {TWO: f"stores an object in spite of {ignored}, which it must not"}
    assert careless.kept == {}
    with pytest.raises(Unsafe, match=f"must refuse to store .*: {TWO} stores an object in spite"):
        refuse_if_in_doubt(found)


def test_one_that_is_down_is_not_trusted(memory: MemoryStores) -> None:
    memory.nodes[ONE].down = True
    found = doubts([ONE, TWO], Where(memory))
    assert found == {ONE: "cannot be tried: it cannot be reached: Connection refused"}


def test_one_that_was_not_discovered_is_not_trusted(memory: MemoryStores) -> None:
    assert "node-9" in doubts(["node-9"], Where(memory))
