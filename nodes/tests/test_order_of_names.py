"""The order of nodes under the names that Compose makes, as docs/deployment.md tells it."""

import pytest

from nodes.tests.scripted import ScriptedDiscovery, node
from nodes.tests.test_membership import unkept


@pytest.mark.parametrize(
    ("pattern", "order"),
    [
        ("amazin-object-storage-node-{}", [1, 10, 2, 3]),
        ("p_amazin-object-storage-node-{}_1", [10, 1, 2, 3]),
        ("p-amazin-object-storage-node-{}-1", [1, 10, 2, 3]),
        ("p_amazin-object-storage-node_{}", [1, 10, 2, 3]),
        ("p-amazin-object-storage-node-{}", [1, 10, 2, 3]),
    ],
    ids=["container_name", "Compose 1", "Compose 2", "Compose 1, scaled", "Compose 2, scaled"],
)
def test_names_are_ordered_character_by_character(pattern: str, order: list[int]) -> None:
    discovery = ScriptedDiscovery(*(node(pattern.format(number)) for number in (1, 2, 3, 10)))
    found = unkept(discovery).refresh().nodes
    assert [each.name for each in found] == [pattern.format(number) for number in order]


def test_old_and_new_names_beside_each_other_change_the_order() -> None:
    discovery = ScriptedDiscovery(node("p_node-1_1"), node("p-node-2-1"), node("p_node-3_1"))
    found = unkept(discovery).refresh().nodes
    assert [each.name for each in found] == ["p-node-2-1", "p_node-1_1", "p_node-3_1"]
