"""The routers compared, as an SVG bar chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from benchmarks.chart import colour_of, text_at

if TYPE_CHECKING:
    from benchmarks.routing import Cost, Figures

_Value = Callable[["Figures", "Cost"], float]

_LABEL, _BAR, _VALUES, _THICK, _GAP = 80, 420, 100, 13, 9
_WIDTH = _LABEL + _BAR + _VALUES
_TOP, _HEAD = 56, 30


def svg(found: Sequence[tuple[Figures, Cost]]) -> str:
    """Three panels, each with a group of bars for each number of nodes. Bars are to scale within a
    panel.
    """
    routers = list(dict.fromkeys(each.router for each, _ in found))
    panels: list[tuple[str, _Value, Callable[[float], str]]] = [
        ("ids that move when a node is added", lambda each, _: each.added, "{:.1%}".format),
        (
            "what the fullest node owns above an even share",
            lambda each, _: each.most - 1,
            "{:.1%}".format,
        ),
        ("microseconds a lookup", lambda _, cost: cost.lookup * 1e6, "{:.1f} µs".format),
    ]
    parts = []
    y = float(_TOP)
    for title, value, shown in panels:
        parts.append(text_at(10, y + 14, title, size=13))
        y += _HEAD
        longest = max(value(*each) for each in found)
        for count in dict.fromkeys(each.nodes for each, _ in found):
            parts.append(text_at(10, y + 11, f"{count} nodes"))
            for each, cost in (pair for pair in found if pair[0].nodes == count):
                length = _BAR * value(each, cost) / longest
                colour = colour_of(routers.index(each.router))
                parts.append(
                    f'<rect x="{_LABEL}" y="{y:.1f}" width="{max(length, 1):.1f}" '
                    f'height="{_THICK - 2}" fill="{colour}"/>'
                )
                parts.append(text_at(_LABEL + length + 6, y + 10, shown(value(each, cost))))
                y += _THICK
            y += _GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y:.0f}"',
        f'width="{_WIDTH}" height="{y:.0f}" font-family="sans-serif" font-size="11" role="img">',
        "<title>The routers compared for 3, 10 and 100 nodes</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        text_at(10, 20, "Routers, nodes of equal weight", size=15),
    )
    return "\n".join((*head, *_legend(routers), *parts, "</svg>", ""))


def _legend(routers: Sequence[str]) -> Iterator[str]:
    for number, router in enumerate(routers):
        x = 10 + number * 110
        yield f'<rect x="{x}" y="32" width="11" height="11" fill="{colour_of(number)}"/>'
        yield text_at(x + 16, 42, router)
