"""Whether objects may still be moved, and how fast."""

import threading
import time
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from objects.exceptions import LayoutUnknown
from objects.layout import Layout
from objects.layout.keeper import Keeper, Lease
from objects.layout.placement import Placement
from objects.moving.permit import Overtaken, Pace, Permit, Stopped

LAYOUT = Layout.adopted("modulo", ["node-1", "node-2"])
NEXT = LAYOUT.changed("ring", LAYOUT.members)


@dataclass
class Known:
    """A keeper that knows these layouts, one after the other; the last stays."""

    layouts: list[Layout | None]
    failure: LayoutUnknown | None = None
    asked: int = field(default=0)

    def lease(self) -> Lease:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        known = self.layouts.pop(0) if len(self.layouts) > 1 else self.layouts[0]
        return Lease(Placement(known) if known else None, time.monotonic() + 1)


def permit(known: Known, stop: threading.Event | None = None) -> Permit:
    stop = stop or threading.Event()
    return Permit(cast("Keeper", known), NEXT, Pace(None), stop)


def test_it_is_given_while_the_layout_is_the_same() -> None:
    permit(Known([NEXT]))(10)


def test_it_is_not_given_when_the_layout_is_another() -> None:
    for later in (
        replace(NEXT, version=3),
        replace(NEXT, nonce="0" * 32),
    ):
        with pytest.raises(Overtaken):
            permit(Known([later]))(0)


def test_what_was_written_a_moment_ago_is_waited_for() -> None:
    known = Known([None, LAYOUT, NEXT])
    permit(known)(0)
    assert known.asked == 3


def test_it_is_not_given_when_nobody_knows() -> None:
    with pytest.raises(LayoutUnknown):
        permit(Known([NEXT], LayoutUnknown("no node answers")))(0)


def test_it_is_not_given_when_it_is_to_end() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        permit(Known([NEXT]), stop)(0)


def test_the_pace_is_kept_by_all_threads_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    pace = Pace(1000.0)
    assert [pace.spend(500) for _ in range(4)] == [0.5, 1.0, 1.5, 2.0]
    assert pace.spend(0) == 0
    assert Pace(None).spend(10**9) == 0


def test_who_waits_for_the_pace_sees_that_the_layout_is_another() -> None:
    known = Known([NEXT, NEXT, replace(NEXT, version=3)])
    stop = threading.Event()
    began = time.monotonic()
    with pytest.raises(Overtaken):
        Permit(cast("Keeper", known), NEXT, Pace(1.0), stop)(60)
    assert time.monotonic() - began < 30
