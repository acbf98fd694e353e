"""Listings while objects go from one node to another."""

import itertools
from dataclasses import dataclass

import pytest

from objects.layout import LAYOUT_KEY
from objects.listing import merge
from objects.store import Entry, NodeListing


@dataclass
class Moving:
    """All ids go from one node to the other."""

    def owner(self, object_id: str) -> str:
        return "target"

    def source(self, object_id: str) -> str:
        return "source"

    def hides(self, entry: Entry) -> bool:
        return entry.etag == "tombstone"


def listed(*entries: tuple[str, str], truncated: bool = False) -> NodeListing:
    made = tuple(Entry(key, 1, etag, "2026-01-01T00:00:00Z") for key, etag in entries)
    return NodeListing(made, truncated)


def found(*rounds: tuple[NodeListing, NodeListing], limit: int = 10) -> list[tuple[str, str]]:
    pairs = [pair for source, target in rounds for pair in (("source", source), ("target", target))]
    return [(entry.key, entry.etag) for entry in merge(pairs, Moving(), limit).entries]


NOTHING = listed()


def test_what_the_owner_has_counts() -> None:
    both = (listed(("a", "old")), listed(("a", "new")))
    assert found(both, both) == [("a", "new")]


def test_what_is_still_at_its_source_is_listed() -> None:
    assert found((listed(("a", "old")), NOTHING), (listed(("a", "old")), NOTHING)) == [("a", "old")]


@pytest.mark.parametrize("hop", range(5))
@pytest.mark.parametrize("orders", list(itertools.product(["st", "ts"], repeat=2)))
def test_an_object_that_hops_is_listed_whenever_it_does(hop: int, orders: tuple[str, str]) -> None:
    here, rounds = iter(range(4)), []
    for order in orders:
        seen = {}
        for node in order:
            moved = next(here) >= hop
            seen[node] = listed(("a", "e")) if moved == (node == "t") else NOTHING
        rounds.append((seen["s"], seen["t"]))
    assert found(*rounds) == [("a", "e")]


def test_a_tombstone_hides_what_lies_at_the_source() -> None:
    both = (listed(("a", "old"), ("b", "old")), listed(("a", "tombstone")))
    assert found(both, both) == [("b", "old")]


def test_the_later_round_counts() -> None:
    assert found((NOTHING, listed(("a", "new"))), (NOTHING, listed(("a", "tombstone")))) == []
    assert found((NOTHING, listed(("a", "tombstone"))), (NOTHING, listed(("a", "new")))) == [
        ("a", "new")
    ]


def test_a_page_ends_where_one_of_all_listings_does() -> None:
    first = (listed(("a", "e"), ("b", "e"), truncated=True), listed(("c", "e"), ("d", "e")))
    second = (listed(("a", "e"), ("x", "e"), truncated=True), listed(("b", "e"), truncated=True))
    assert [key for key, _ in found(first, second)] == ["a", "b"]


def test_only_what_lies_nowhere_that_it_belongs_is_passed_over() -> None:
    class Elsewhere(Moving):
        def source(self, object_id: str) -> str:
            return "another"

    rounds = [("source", listed(("a", "e"), (LAYOUT_KEY, "e"))), ("target", NOTHING)] * 2
    assert merge(rounds, Elsewhere(), 10).passed_over == 1
    assert merge(rounds, Moving(), 10).passed_over == 0
