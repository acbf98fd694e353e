"""A run as an SVG bar chart: each server's rate in each case, beside nginx's."""

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from benchmarks.cases import MIB
from benchmarks.rounds import Outcome, Spread

_COLOURS = ("#8c9aa8", "#4d8f5c", "#c4572e", "#6b5aa8", "#b08d2b", "#3f8fa8")
_LABEL, _BAR, _VALUES, _THICK, _GAP = 190, 460, 170, 13, 12
_TOP = 60
_WIDTH = _LABEL + _BAR + _VALUES


def svg(title: str, outcomes: Iterable[Outcome]) -> str:
    """The chart. In each group the longest bar fills the width; whiskers are least and most."""
    groups = list(outcomes)
    # In the order of the group with the most, whatever the others lack.
    servers = max((list(group.samples) for group in groups), key=len)
    height = _TOP + sum(len(group.samples) * _THICK + _GAP for group in groups)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"',
        f'width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        text_at(10, 20, title, size=15),
        *_legend(servers),
    ]
    y = _TOP
    for group in groups:
        parts += _group(group, y, servers)
        y += len(group.samples) * _THICK + _GAP
    return "\n".join((*parts, "</svg>", ""))


def text_at(x: float, y: float, text: str, *, size: int = 11) -> str:
    """A line of text that begins at a point."""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="#222222">{escape(text)}</text>'


def _legend(servers: list[str]) -> Iterator[str]:
    for number, server in enumerate(servers):
        x = _LABEL + number * 110
        yield f'<rect x="{x}" y="34" width="11" height="11" fill="{colour_of(number)}"/>'
        yield text_at(x + 16, 44, server)


def colour_of(number: int) -> str:
    """The colour of the server, or whatever is compared, with that number."""
    return _COLOURS[number % len(_COLOURS)]


def _group(outcome: Outcome, y: float, servers: list[str]) -> Iterator[str]:
    case = outcome.case
    by_size = case.size >= MIB and not case.missing and case.method != "HEAD"
    spreads = {
        server: outcome.spread(
            server, (lambda sample: sample.throughput) if by_size else (lambda sample: sample.rate)
        )
        for server in outcome.samples
    }
    longest = max(spread.high for spread in spreads.values() if spread is not None)
    plural = "" if case.connections == 1 else "s"
    yield text_at(10, y + 11, f"{case.kind}, {case.connections} connection{plural}")
    for number, (server, spread) in enumerate(spreads.items()):
        if spread is not None:
            unit = "MiB/s" if by_size else "requests/s"
            colour = colour_of(servers.index(server))
            yield from _bar(spread, longest, y + number * _THICK, colour, unit)


def _bar(spread: Spread, longest: float, y: float, colour: str, unit: str) -> Iterator[str]:
    middle, low, high = (
        _BAR * value / longest for value in (spread.middle, spread.low, spread.high)
    )
    line = y + _THICK / 2
    yield (
        f'<rect x="{_LABEL}" y="{y:.1f}" width="{middle:.1f}" height="{_THICK - 2}" '
        f'fill="{colour}"/>'
    )
    yield (
        f'<line x1="{_LABEL + low:.1f}" y1="{line:.1f}" x2="{_LABEL + high:.1f}" y2="{line:.1f}" '
        'stroke="#222222" stroke-width="1"/>'
    )
    yield text_at(_LABEL + high + 6, y + 10, f"{spread.middle:,.0f} {unit}")
