"""All objects, in id order, across all nodes.

A page costs one bounded request to each node. Every node gives its next keys; ids up to the
smallest of the last keys of those nodes that have more are complete, so they can be merged. What
lies beyond is for the next page. Keys that are no ids, or that lie on a node that does not own
them (left from when the membership was another), are passed over, for GET would not find them;
so a page can be shorter than asked for, and still have a next one. They are counted, each on the
page in whose range it lies.

While objects go from one node to another, all nodes are listed twice, one round after the other. An
object that was there throughout is in one of the two: if the second round does not find it with its
owner, it had not gone there yet, so the first one found it where it was. What its owner has is what
counts; if that is a tombstone, there is nothing.
"""

from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Protocol

from nodes.fanout import threads_for
from nodes.node import Node
from objects.exceptions import NodeUnavailable, OwnerProblem
from objects.http.parameters import ListingQuery
from objects.identifiers import is_id
from objects.layout.document import OWN_KEYS
from objects.store import Entry, NodeListing, Stores
from problems.problem import Problem


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


class Whose(Protocol):
    """Says which node's word counts for an id, by name."""

    def owner(self, object_id: str) -> str:
        """The node that owns it."""

    def source(self, object_id: str) -> str | None:
        """The one that it may be on its way from, None for none."""

    def hides(self, entry: Entry) -> bool:
        """Whether what a node lists is there instead of an object."""


def merge(rounds: Sequence[tuple[str, NodeListing]], whose: Whose, limit: int) -> Listing:
    """Merge the listings of all nodes.

    :param rounds: the name of a node, and what it listed; of one that was listed twice, the later
        one behind the other.
    """
    horizon = min((each.entries[-1].key for _, each in rounds if each.truncated), default=None)
    owned: dict[str, Entry] = {}
    left: dict[str, Entry] = {}
    others: set[tuple[str, str]] = set()
    for name, listing in rounds:
        for entry in listing.entries:
            key = entry.key
            if horizon is not None and key > horizon:
                break
            if not is_id(key):
                others.add((key, name))
            elif whose.owner(key) == name:
                owned[key] = entry
            elif whose.source(key) == name:
                left[key] = entry
            else:
                others.add((key, name))
    found = {**left, **owned} if left else owned
    complete = [found[key] for key in sorted(found) if not whose.hides(found[key])]
    end = horizon
    if len(complete) > limit:
        complete = complete[:limit]
        end = complete[-1].key
    passed_over = sum(key not in OWN_KEYS and (end is None or key <= end) for key, _ in others)
    return Listing(tuple(complete), end, passed_over=passed_over)


def list_objects(
    nodes: Sequence[Node], whose: Whose, stores: Stores, query: ListingQuery, rounds: int = 1
) -> Listing:
    """One page over all nodes. With ``query.partial``, nodes that cannot be listed are left out,
    and named.

    :param rounds: how often each node is listed.
    :raises NodeUnavailable: naming the nodes that cannot be listed, unless ``query.partial``.
    """

    def listing_of(node: Node) -> NodeListing | Missing:
        try:
            return stores.of(node).list(prefix=query.prefix, after=query.after, limit=query.limit)
        except Problem as problem:
            if isinstance(problem, OwnerProblem):
                return Missing(node.name, problem.predicate)
            return Missing(node.name, f"answered {problem.code}")

    listed: list[tuple[str, NodeListing]] = []
    missing: dict[str, Missing] = {}
    with threads_for(len(nodes)) as pool:
        for _ in range(rounds):
            # Each in a context of its own that knows the request, for the log and the trace.
            asked = [pool.submit(copy_context().run, listing_of, node) for node in nodes]
            for node, each in zip(nodes, asked, strict=True):
                result = each.result()
                if isinstance(result, Missing):
                    missing[node.name] = result
                else:
                    listed.append((node.name, result))
            if missing and not query.partial:
                raise _incomplete(list(missing.values()))
    return replace(merge(listed, whose, query.limit), missing=tuple(missing.values()))


def list_within(
    list_page: Callable[[ListingQuery], Listing], query: ListingQuery, prefixes: Sequence[str]
) -> Listing:
    """One page of those objects whose ids begin with one of some prefixes.

    :param list_page: gives a page.
    :param query: what is asked for; its prefix is not looked at.
    :param prefixes: in order, and none of them begins with another: so the ids of each come
        behind all of the one before it.
    """
    entries: list[Entry] = []
    missing: dict[str, Missing] = {}
    passed_over = 0
    for place, prefix in enumerate(prefixes):
        if query.after > prefix and not query.after.startswith(prefix):
            continue
        page = list_page(replace(query, prefix=prefix, limit=query.limit - len(entries)))
        entries += page.entries
        missing |= {each.name: each for each in page.missing}
        passed_over += page.passed_over
        following = page.following
        if following is None and len(entries) == query.limit and place + 1 < len(prefixes):
            following = entries[-1].key
        if following is not None:
            return Listing(tuple(entries), following, tuple(missing.values()), passed_over)
    return Listing(tuple(entries), None, tuple(missing.values()), passed_over)


def _incomplete(missing: Sequence[Missing]) -> NodeUnavailable:
    problem = NodeUnavailable(
        detail="Not all nodes can be listed: "
        + "; ".join(f"{node.name} {node.reason}" for node in missing)
        + ". With partial=true they are left out.",
        nodes=[node.name for node in missing],
    )
    problem.source = ", ".join(f"node {node.name}" for node in missing)
    return problem
