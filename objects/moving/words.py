"""Layouts, plans and amounts in words, for terminals of 80 columns."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from objects.layout import Layout, Previous
from objects.layout.placement import Placement
from objects.moving.survey import Oddities, Survey
from objects.moving.whereabouts import Amount
from objects.routing import router_class

_SIZE = re.compile(r"([0-9]{1,18})\s*([KMGT](?:i?B)?)?", re.IGNORECASE | re.ASCII)
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
#: Bytes a second by which a plan says how long it takes, when no limit is given.
DEFAULT_RATE = 100 * 2**20


def size_of(number: float) -> str:
    """Bytes: "3 bytes", "1.5 MiB"."""
    if number < 1023.5:
        return f"{number:.0f} byte{'' if round(number) == 1 else 's'}"
    unit = 0
    while number >= 1023.5 and unit < len(_UNITS) - 1:
        number /= 1024
        unit += 1
    return f"{number:.1f} {_UNITS[unit]}"


def bytes_of(text: str) -> int:
    """What "1048576", "64KiB" or "5G" says, in bytes; powers of 1024.

    :raises ValueError: when it says nothing of the kind.
    """
    found = _SIZE.fullmatch(text)
    if not found or not int(found[1]):
        raise ValueError(f"{text!r} is no number of bytes such as 1048576, 64KiB or 5G")
    return int(found[1]) * int(1024 ** " KMGT".index((found[2] or " ")[:1].upper()))


def time_of(seconds: float) -> str:
    """A duration: "0:07", "2:03:04"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def objects_of(number: int) -> str:
    """A number of objects: "1 object", "12,345 objects"."""
    return f"{number:,} object{'' if number == 1 else 's'}"


def amount_of(amount: Amount) -> str:
    """Objects and bytes."""
    return f"{objects_of(amount.objects)}, {size_of(amount.size)}"


def table(rows: Sequence[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Columns, two blanks apart.

    :param right: the columns whose cells stand at the right.
    """
    right = frozenset(right)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def title_of(layout: Layout) -> str:
    """One line about a layout."""
    return f"layout {layout.version}: {layout.state}, router {layout.router}"


def shares_of(placement: Placement) -> Mapping[str, float]:
    """By the names of the members, the part of the ids that each owns."""
    layout = placement.layout
    shares = router_class(layout.router)().shares(layout.members)
    return {member.name: share for member, share in zip(layout.members, shares, strict=True)}


def members_of(layout: Layout, where: Mapping[str, str]) -> str:
    """The members now and before, as a table.

    :param where: by their names, address and state of the nodes that there are.
    """
    shares = shares_of(Placement(layout))
    weights = {member.name: f"{member.weight:g}" for member in layout.members}
    before = {member.name for member in layout.previous.members} if layout.previous else set(shares)
    rows = [
        (
            name,
            weights.get(name, "-"),
            f"{shares[name]:.1%}" if name in shares else "-",
            _note(layout, name, name in shares, name in before),
            where.get(name, "not found"),
        )
        for name in sorted({*shares, *before})
    ]
    return table([("NAME", "WEIGHT", "SHARE", "", "ADDRESS"), *rows], right=(1, 2))


def _note(layout: Layout, name: str, now: bool, before: bool) -> str:
    if name in layout.lost:
        return "lost"
    if now and before:
        return ""
    return "joins" if now else "leaves"


def plan_of(found: Survey, placement: Placement, rate: float | None) -> Iterator[str]:
    """The lines of a plan.

    :param found: by this placement.
    :param rate: bytes a second, None for an assumption.
    """
    layout = placement.layout
    before = layout.previous
    if before is not None:
        yield (
            f"router  {before.router} -> {layout.router}"
            if before.router != layout.router
            else (f"router  {layout.router}")
        )
        yield f"nodes   {len(before.members)} -> {len(layout.members)}"
    moving, total = found.moving, found.objects
    if before is not None and layout.lost:
        yield from _lost(layout.lost, before, total)
    share = f" ({moving.objects / total.objects:.1%} of {total.objects:,})" if total else ""
    yield f"to move {amount_of(moving)}{share}"
    if moving:
        rows = [("FROM", "TO", "OBJECTS", "BYTES")]
        for (source, target), amount in sorted(found.flows.items()):
            rows.append((source, target, f"{amount.objects:,}", size_of(amount.size)))
        yield table(rows, right=(2, 3))
        given = rate or DEFAULT_RATE
        yield f"at {size_of(given)}/s, the bytes take {time_of(moving.size / given)}"
    yield from oddities_of(found)


def _lost(names: frozenset[str], before: Previous, others: Amount) -> Iterator[str]:
    """Nobody can count what they had, but the others have their share."""
    shares = router_class(before.router)().shares(before.members)
    share = sum(
        part for member, part in zip(before.members, shares, strict=True) if member.name in names
    )
    had = f", about {objects_of(round(others.objects * share / (1 - share)))}" if share < 1 else ""
    yield f"lost    {', '.join(sorted(names))}: {share:.1%} of the ids{had}"


def oddities_of(found: Survey) -> Iterator[str]:
    """The lines about what is not as it should be; none when there is nothing of that."""
    yield from _odd(found.misplaced, "where no layout puts them (they are left there)")
    yield from _odd(found.foreign, "under keys that are no ids (they are left there)")
    for name, said in sorted(found.unlisted.items()):
        yield f"not counted: {name} {said}"


def _odd(odd: Oddities, what: str) -> Iterator[str]:
    if odd.amount:
        yield f"{amount_of(odd.amount)} {what}:"
        yield from (f"  {key} on {node}" for node, key in odd.examples)
        if odd.amount.objects > len(odd.examples):
            yield f"  and {odd.amount.objects - len(odd.examples):,} more"


def too_late(layout: Layout) -> str:
    """Why a change cannot be given up any more, and how to go back instead."""
    assert layout.previous is not None  # noqa: S101  (it is not stable)
    before = {member.name for member in layout.previous.members}
    now = {member.name for member in layout.members}
    back = [f"--add {name}" for name in sorted(before - now - layout.lost)]
    back += [f"--remove {name}" for name in sorted(now - before)]
    if layout.previous.router != layout.router:
        back.append(f"--router {layout.previous.router}")
    back += [
        f"--weight {member.name}={member.weight:g}"
        for member in layout.previous.members
        if member.name in now and member not in layout.members
    ]
    return (
        f"Objects have begun to move ({layout.state}). Finish it by `layout apply`, and then move "
        f"them back: `layout apply {' '.join(back)}`."
    )
