"""All objects, in id order, across all nodes.

A page costs one bounded request to each node. Every node gives its next keys; ids up to the
smallest of the last keys of those nodes that have more are complete, so they can be merged. What
lies beyond is for the next page. Keys that are no ids, or that lie on a node that does not own
them (left from when the membership was another), are passed over, for GET would not find them;
so a page can be shorter than asked for, and still have a next one. They are counted, each on the
page in whose range it lies.
"""

import heapq
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace

from nodes.node import Node
from objects.exceptions import NodeUnavailable, OwnerProblem
from objects.http.parameters import ListingQuery
from objects.identifiers import is_id
from objects.routing import BaseRouter
from objects.store import Entry, NodeListing, Stores
from problems.problem import Problem

_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Missing:
    """A node that could not be listed, and what it did, to go on after its name."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of objects.

    :ivar entries: in the order of their ids.
    :ivar following: the id to continue behind, None when this is the last page.
    :ivar missing: the nodes whose objects are left out.
    :ivar passed_over: how many keys in the page's range are not listed, because the node they lie
        on does not own them, or because they are no ids.
    """

    entries: tuple[Entry, ...]
    following: str | None
    missing: tuple[Missing, ...] = ()
    passed_over: int = 0


def merge(
    listings: Sequence[NodeListing], owned: Sequence[Callable[[str], bool]], limit: int
) -> Listing:
    """Merge the listings of all nodes.

    :param owned: for each node, whether an id is its own.
    """
    horizon = min((each.entries[-1].key for each in listings if each.truncated), default=None)
    own: list[list[Entry]] = []
    others: list[str] = []
    for listing, owns in zip(listings, owned, strict=True):
        own.append([])
        for entry in listing.entries:
            if is_id(entry.key) and owns(entry.key):
                own[-1].append(entry)
            else:
                others.append(entry.key)
    complete = [
        entry
        for entry in heapq.merge(*own, key=lambda entry: entry.key)
        if horizon is None or entry.key <= horizon
    ]
    end = horizon
    if len(complete) > limit:
        complete = complete[:limit]
        end = complete[-1].key
    passed_over = len(others) if end is None else sum(key <= end for key in others)
    return Listing(tuple(complete), end, passed_over=passed_over)


def list_objects(
    nodes: Sequence[Node], router: BaseRouter, stores: Stores, query: ListingQuery
) -> Listing:
    """One page over all nodes. With ``query.partial``, nodes that cannot be listed are left out,
    and named.

    :raises NodeUnavailable: naming the nodes that cannot be listed, unless ``query.partial``.
    """

    def listing_of(node: Node) -> NodeListing | Missing:
        try:
            return stores.of(node).list(prefix=query.prefix, after=query.after, limit=query.limit)
        except Problem as problem:
            if isinstance(problem, OwnerProblem):
                return Missing(node.name, problem.predicate)
            return Missing(node.name, f"answered {problem.code}")

    with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(nodes))) as pool:
        # Each in a context of its own that knows the request, for the log and the trace.
        asked = [pool.submit(copy_context().run, listing_of, node) for node in nodes]
        results = [each.result() for each in asked]
    missing = tuple(result for result in results if isinstance(result, Missing))
    if missing and not query.partial:
        problem = NodeUnavailable(
            detail="Not all nodes can be listed: "
            + "; ".join(f"{node.name} {node.reason}" for node in missing)
            + ". With partial=true they are left out.",
            nodes=[node.name for node in missing],
        )
        problem.source = ", ".join(f"node {node.name}" for node in missing)
        raise problem

    def owns(node: Node) -> Callable[[str], bool]:
        return lambda object_id: router.owner(object_id, nodes).name == node.name

    listed = [
        (result, owns(node))
        for node, result in zip(nodes, results, strict=True)
        if isinstance(result, NodeListing)
    ]
    merged = merge([result for result, _ in listed], [own for _, own in listed], query.limit)
    return replace(merged, missing=missing)
