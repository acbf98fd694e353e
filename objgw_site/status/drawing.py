"""Small charts as inline SVG: no scripts, and no styles except the page's own classes."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_WIDTH, _HEIGHT = 240.0, 36.0


def sparkline(values: Sequence[float | None], label: str, kind: str) -> SafeString:
    """Values over time as bars, the oldest on the left; the highest fills the height.

    :param values: None for what is not known, which leaves a gap.
    :param label: says in words what there is to see.
    :param kind: a class, which has a colour.
    """
    most = max((value for value in values if value is not None), default=0.0) or 1.0
    step = _WIDTH / len(values)
    bars = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"/>',
        (
            (
                f"{place * step:.1f}",
                f"{_HEIGHT - height:.1f}",
                f"{step * 0.8:.1f}",
                f"{height:.1f}",
            )
            for place, value in enumerate(values)
            # What is something can be seen, however little it is.
            if value and (height := max(1.5, _HEIGHT * value / most))
        ),
    )
    return format_html(
        '<svg class="spark {}" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
        'aria-label="{}"><rect class="floor" x="0" y="{}" width="{}" height="0.5"/>{}</svg>',
        kind,
        f"{_WIDTH:g}",
        f"{_HEIGHT:g}",
        label,
        f"{_HEIGHT - 0.5:g}",
        f"{_WIDTH:g}",
        bars,
    )


def bar(part: float, most: float, kind: str) -> SafeString:
    """A part of ``most`` as a bar. What it shows stands beside it in words."""
    return format_html(
        '<svg class="bar {}" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="floor" width="100" height="6"/><rect width="{}" height="6"/></svg>',
        kind,
        f"{100 * part / most if most else 0:.2f}",
    )
