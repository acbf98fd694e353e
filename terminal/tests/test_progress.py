"""A progress bar is shown on a terminal and nowhere else."""

import io
import sys

import pytest

from terminal.progress import progress
from terminal.tables import Look


@pytest.mark.parametrize("live", [True, False])
def test_it_counts(monkeypatch: pytest.MonkeyPatch, *, live: bool) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    with progress("nodes", "keys", 2, Look(live=live, colour=False, width=80)) as advance:
        advance(1000, 0)
        advance(1500, 1)
        advance(0, 1)
    text = written.getvalue()
    assert ("2 of 2 nodes" in text) == live
    assert ("2,500 keys" in text) == live
    assert live or text == ""
