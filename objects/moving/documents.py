"""Layouts and plans as JSON for scripts."""

from typing import Any

from objects.layout import Layout
from objects.layout.placement import Placement
from objects.moving.progress import Progress
from objects.moving.survey import Oddities, Survey
from objects.moving.whereabouts import Amount
from objects.moving.words import shares_of


def layout_document(layout: Layout | None) -> dict[str, Any] | None:
    """A layout, None for none."""
    if layout is None:
        return None
    shares = shares_of(Placement(layout))
    previous = layout.previous
    return {
        "version": layout.version,
        "state": str(layout.state),
        "router": layout.router,
        "members": [
            {"name": member.name, "weight": member.weight, "share": shares[member.name]}
            for member in layout.members
        ],
        "previous": previous
        and {
            "router": previous.router,
            "members": [{"name": m.name, "weight": m.weight} for m in previous.members],
        },
        "lost": sorted(layout.lost),
        "lease": layout.lease,
    }


def survey_document(found: Survey) -> dict[str, Any]:
    """What lies where."""
    return {
        "flows": [
            {"from": source, "to": target, **_amount(amount)}
            for (source, target), amount in sorted(found.flows.items())
        ],
        "to_move": _amount(found.moving),
        "objects": _amount(found.objects),
        "misplaced": _oddities(found.misplaced),
        "foreign": _oddities(found.foreign),
        "tombstones": found.tombstones,
        "not_counted": found.unlisted,
    }


def progress_document(progress: Progress) -> dict[str, Any]:
    """What was moved."""
    outcomes = {str(outcome): number for outcome, number in sorted(progress.outcomes.items())}
    seconds = round(progress.last_at - progress.began, 3)
    return {"moved": _amount(progress.done), "outcomes": outcomes, "seconds": seconds}


def _amount(amount: Amount) -> dict[str, int]:
    return {"objects": amount.objects, "bytes": amount.size}


def _oddities(odd: Oddities) -> dict[str, Any]:
    examples = [{"node": node, "key": key} for node, key in odd.examples]
    return {**_amount(odd.amount), "examples": examples}
