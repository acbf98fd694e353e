"""What the layout says of itself, as metrics."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from telemetry.metrics import Reading, get_metrics, is_enabled


@dataclass(frozen=True, slots=True)
class LayoutFigures:
    """What is known of the layout now.

    :ivar version: of the layout that ids are routed by.
    :ivar objects_left: how many have yet to be moved to where it puts them; None for unknown.
    """

    version: int
    objects_left: int | None = None


def watch_layout(read: Callable[[], LayoutFigures | None]) -> None:
    """Show the layout among the metrics.

    :param read: asked at each scrape, in whichever worker answers it; without I/O. None for no
        layout.
    """

    def readings() -> Iterator[Reading]:
        figures = read()
        if figures is None:
            return
        version = float(figures.version)
        yield Reading("objgw_layout_version", "Version of the layout.", {(): version})
        if figures.objects_left is not None:
            left = float(figures.objects_left)
            yield Reading("objgw_layout_objects_left", "Objects yet to be moved.", {(): left})

    if is_enabled():
        get_metrics().read_with(readings)
