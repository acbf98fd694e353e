"""NodeListings of several nodes become one, and what is passed over is counted once."""

import random

import pytest

from objects.listing import merge
from objects.store import Entry, NodeListing


class EvenAndOdd:
    """Node 0 owns ids with an even number, node 1 the others."""

    def owner(self, object_id: str) -> str:
        return str(int(object_id[1:]) % 2)

    def source(self, object_id: str) -> None:
        return None

    def hides(self, entry: Entry) -> bool:
        return False


def page(keys: list[str], after: str, limit: int) -> NodeListing:
    behind = [key for key in sorted(keys) if key > after]
    entries = tuple(Entry(key, 1, '"e"', "2026-01-01T00:00:00Z") for key in behind[:limit])
    return NodeListing(entries, truncated=len(behind) > limit)


def walk(stored: list[list[str]], limit: int) -> tuple[list[str], list[int]]:
    """All that is listed, and what each page passed over."""
    found, passed_over, after = [], [], ""
    while True:
        rounds = [(str(index), page(keys, after, limit)) for index, keys in enumerate(stored)]
        listing = merge(rounds, EvenAndOdd(), limit)
        found += [entry.key for entry in listing.entries]
        passed_over.append(listing.passed_over)
        if listing.following is None:
            return found, passed_over
        after = listing.following


def test_nothing_is_passed_over_where_all_is_in_its_place() -> None:
    assert walk([["a0", "a2"], ["a1"]], 10) == (["a0", "a1", "a2"], [0])


def test_what_another_node_owns_and_what_is_no_id() -> None:
    stored = [["a0", "a1", "a3", "no-id"], ["a1", "a2"]]
    assert walk(stored, 10) == (["a0", "a1"], [4])


def test_only_what_lies_in_the_range_of_the_page() -> None:
    # The first page ends at a0, so a1 and a3 on the wrong node are for the next one.
    assert walk([["a0", "a1", "a2", "a3"], []], 1) == (["a0", "a2"], [0, 1, 0, 1])


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_each_is_counted_once_however_long_the_pages(limit: int) -> None:
    generator = random.Random(limit)
    for _ in range(50):
        names = [f"a{number}" for number in range(30)] + [f"a-{number}" for number in range(5)]
        stored = [generator.sample(names, generator.randrange(35)) for _ in range(2)]
        listed = sorted(
            key
            for index, keys in enumerate(stored)
            for key in keys
            if "-" not in key and int(key[1:]) % 2 == index
        )
        found, passed_over = walk(stored, limit)
        assert found == listed
        assert sum(passed_over) == sum(map(len, stored)) - len(listed)
