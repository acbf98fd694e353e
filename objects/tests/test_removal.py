"""Removing what still is what was found: the look before, and how many requests it takes."""

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objects.exceptions import NodeUnavailable
from objects.store import Found, Removal, Store, Stretch, remove
from objects.store.removal import AT_ONCE
from objects.tests.memory import Kept, MemoryNode

OLD, NEW = Kept(b"old"), Kept(b"newer")
THREE = Stretch("", 3)
ALL_DONE = Removal(frozenset({"a", "b", "c"}), frozenset())


def node_with(*keys: str) -> MemoryNode:
    return MemoryNode("one", dict.fromkeys(keys, OLD))


def found(*keys: str) -> list[Found]:
    return [Found(key, len(OLD.data), OLD.etag) for key in keys]


def removed(node: MemoryNode, keys: str, stretch: Stretch | None = THREE) -> Removal:
    return remove(cast("Store", node), found(*keys), lambda: None, stretch)


def methods(node: MemoryNode) -> list[str]:
    return [method for method, _ in node.asked]


def test_several_take_one_listing_and_one_request() -> None:
    node = node_with("a", "b", "c", "d")
    assert removed(node, "abc") == ALL_DONE
    assert list(node.kept) == ["d"]
    assert node.asked == [("LIST", ""), ("DELETE", "a b c")]


def test_what_is_another_by_now_stays() -> None:
    node = node_with("a", "b", "c")
    node.kept["b"] = NEW
    assert removed(node, "abc") == Removal(frozenset("ac"), frozenset("b"))
    assert node.kept == {"b": NEW}


def test_what_is_gone_is_neither_removed_nor_changed() -> None:
    node = node_with("a", "c", "d")
    assert removed(node, "abc") == Removal(frozenset("ac"), frozenset())


def test_nothing_is_asked_for_when_nothing_is_left() -> None:
    node = node_with("d")
    assert removed(node, "abc") == Removal(frozenset(), frozenset())
    assert methods(node) == ["LIST"]


def test_one_that_other_keys_pushed_out_of_the_listing_is_looked_up() -> None:
    node = node_with("a", "aa", "b", "bb", "c")
    node.kept["c"] = NEW
    assert removed(node, "abc") == Removal(frozenset("ab"), frozenset("c"))
    assert node.asked == [("LIST", ""), ("HEAD", "c"), ("DELETE", "a b")]


@pytest.mark.parametrize("stretch", [Stretch("", 25), None])
def test_few_among_many_are_looked_up_one_by_one(stretch: Stretch | None) -> None:
    node = node_with("a", "b", "c")
    assert removed(node, "abc", stretch) == ALL_DONE
    assert methods(node) == ["HEAD"] * 3 + ["DELETE"]


def test_only_so_many_go_with_one_request_each_with_a_permit() -> None:
    keys = [f"k{number:04}" for number in range(2 * AT_ONCE + 1)]
    node = node_with(*keys)
    permits: list[int] = []
    removal = remove(
        cast("Store", node),
        found(*keys),
        lambda: permits.append(len(node.kept)),
        Stretch("", len(keys)),
    )
    assert removal.removed == frozenset(keys)
    assert methods(node) == ["LIST", "DELETE", "DELETE", "DELETE"]
    assert permits == [2 * AT_ONCE + 1, AT_ONCE + 1, 1]


def test_nothing_is_removed_without_a_permit() -> None:
    node = node_with("a", "b", "c")

    def refuse() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        remove(cast("Store", node), found(*"abc"), refuse, Stretch("", 3))
    assert list(node.kept) == ["a", "b", "c"]


@pytest.mark.parametrize("method", ["LIST", "HEAD", "DELETE"])
def test_the_node_that_fails_is_named(method: str) -> None:
    node = node_with("a", "b", "c")

    def fail(asked: str, key: str) -> None:
        node.down = asked == method

    node.before = fail
    with pytest.raises(NodeUnavailable) as failure:
        removed(node, "abc", None if method == "HEAD" else Stretch("", 3))
    assert failure.value.source == "node one"


KEYS = st.sampled_from("abcdefgh")


@given(
    there=st.dictionaries(KEYS, st.sampled_from([OLD, NEW])),
    wanted=st.sets(KEYS, min_size=1),
    after=st.sampled_from(["", "0", "a", "b"]),
    length=st.integers(1, 20),
)
def test_whatever_is_listed_only_what_was_found_goes(
    there: dict[str, Kept], wanted: set[str], after: str, length: int
) -> None:
    # A stretch begins before the keys that were found in it.
    wanted = {key for key in wanted if key > after} or {"h"}
    node = MemoryNode("one", dict(there))
    removal = remove(
        cast("Store", node), found(*sorted(wanted)), lambda: None, Stretch(after, length)
    )
    assert removal.removed == {key for key in wanted if there.get(key) == OLD}
    assert removal.changed == {key for key in wanted if there.get(key) == NEW}
    assert node.kept == {key: kept for key, kept in there.items() if key not in removal.removed}
