"""`layout plan` and `layout apply`: from what is asked for to a layout that is stable again."""

from collections.abc import Mapping
from dataclasses import dataclass

from objects.layout import Layout, State
from objects.layout.copies import LayoutConflict
from objects.layout.placement import Placement
from objects.moving.change import Change
from objects.moving.judging import doubts
from objects.moving.survey import Survey, survey
from objects.moving.wanted import NotPossible, Wanted
from objects.moving.whereabouts import Whereabouts


class Unsafe(Exception):
    """The change cannot be begun as things are; the text says why, and what to do."""


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    :ivar present: the layout that there is, None for none.
    :ivar base: the same, or what is adopted where there is none.
    :ivar change: the beginning of the change, or the one under way; None for no change.
    :ivar found: what it would move.
    :ivar placement: by which that was counted.
    """

    present: Layout | None
    base: Layout
    change: Layout | None
    found: Survey
    placement: Placement


def adopted(wanted: Wanted, where: Whereabouts, router: str, lease: float) -> Layout:
    """The first layout: the nodes as they are, and the router that the settings name.

    :raises NotPossible: when there are none, or one is to be added which counts already.
    """
    names = [node.name for node in where.nodes()]
    if not names:
        raise NotPossible("There are no nodes to adopt.")
    if wanted.add:
        raise NotPossible(
            "There is no layout yet, so all nodes that are found own ids already, the new one too: "
            "its start has changed the owners. Stop it, adopt the others by `layout apply`, start "
            "it again and add it then."
        )
    return Layout.adopted(router, names, lease)


def planned(
    wanted: Wanted, present: Layout | None, base: Layout, where: Whereabouts, lease: float
) -> Plan:
    """What a change would do, counted by listings.

    :param present: the layout that there is, None for none.
    :param base: the same, or what is adopted where there is none.
    :raises NotPossible: see `Wanted.applied_to`.
    """
    discovered = [node.name for node in where.nodes()]
    change: Layout | None
    if base.state is State.STABLE:
        change = wanted.applied_to(base, discovered, lease)
    else:
        change = same_change(wanted, base)
    placement = Placement(change or base)
    names = (placement.layout.holders | set(discovered)) - placement.layout.lost
    return Plan(present, base, change, survey(placement, names, where), placement)


def same_change(wanted: Wanted, under_way: Layout) -> Layout:
    """The change that is under way, if nothing else is asked for.

    :raises NotPossible: when something else is.
    """
    previous = under_way.previous
    before = {member.name for member in previous.members} if previous else set()
    now = {member.name: member.weight for member in under_way.members}
    same = (
        wanted.add <= now.keys()
        and not (wanted.remove | wanted.lost) & now.keys()
        and wanted.remove | wanted.lost <= before
        and wanted.router in (None, under_way.router)
        and all(now.get(name) == weight for name, weight in wanted.weights.items())
    )
    if not same:
        raise NotPossible(
            f"Another change is under way (version {under_way.version}, {under_way.state}). "
            "`layout apply` without options finishes it; then ask for this one."
        )
    return under_way


def apply(change: Change, plan: Plan, where: Whereabouts, lost: frozenset[str]) -> Layout:
    """Bring a plan about, and return the layout when it is stable.

    :param where: the nodes.
    :param lost: names of nodes that nobody waits for.
    :raises Unsafe: when it cannot be begun.
    :raises LayoutConflict: when somebody else changes the layout, too, in another way.
    """
    layout, target = plan.base, plan.change
    if plan.present is None:
        layout = change.begin(None, layout)
    if target is None:
        return layout
    if layout.state is State.STABLE:
        refuse_if_unsafe(plan)
        refuse_if_in_doubt(doubts(target.holders - target.lost, where))
        layout = change.begin(layout, target)
    elif lost - layout.lost:
        layout = change.begin(layout, layout.with_lost(lost))
    else:
        change.resume(layout)
    layout = change.finish(layout, plan.found.moving)
    if (layout.router, layout.members) != (target.router, target.members):
        raise LayoutConflict("Somebody else has given this change up.")
    return layout


def refuse_if_unsafe(plan: Plan) -> None:
    """
    :raises Unsafe: when a change must not be begun with what lies where now.
    """
    found, layout = plan.found, plan.placement.layout
    if missing := sorted(found.unlisted.keys() & layout.holders):
        raise Unsafe(
            "Not all nodes can be listed: "
            + "; ".join(f"{name} {found.unlisted[name]}" for name in missing)
        )
    if found.ahead.amount:
        named = ", ".join(f"{key} on {node}" for node, key in found.ahead.examples)
        raise Unsafe(
            f"{found.ahead.amount.objects} objects lie at their future owner already, left from "
            "something else. They would be taken for newer than those of the present owner, or "
            f"come back though deleted: {named}. Look at them with `manage.py locate ID`, and "
            "remove those at the wrong node with any S3 client."
        )


def refuse_if_in_doubt(found: Mapping[str, str]) -> None:
    """
    :param found: see `doubts`.
    :raises Unsafe: when there are any.
    """
    if found:
        raise Unsafe(
            "The layout cannot be changed safely on these nodes, which must refuse to store what "
            "If-Match or If-None-Match forbids: "
            + "; ".join(f"{name} {found[name]}" for name in sorted(found))
        )
