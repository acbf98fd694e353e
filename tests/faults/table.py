"""The table of faults that a run prints: what the client saw, and how long recovery took."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from _pytest.mark import ParameterSet

#: For CI: smaller loads, and of each kind of fault only a few cases.
SHORT = os.environ.get("OBJGW_FAULTS") == "short"

T = TypeVar("T")


def cases(found: Mapping[str, T], *short: str) -> list[ParameterSet]:
    """Parameters, their names for ids; what is not in ``short`` is left out of the short form."""
    assert found.keys() >= set(short)
    return [
        pytest.param(value, id=name, marks=() if name in short else pytest.mark.long)
        for name, value in found.items()
    ]


@dataclass
class Outcome:
    """One row. A test fills it in as it learns; its verdict is how the test ends."""

    fault: str
    seen: list[str] = field(default_factory=list)
    recovery: float | None = None
    verdict: str = "BROKEN"

    def saw(self, text: str) -> None:
        """Note what a client saw."""
        self.seen.append(text)


def _cells(outcome: Outcome) -> tuple[str, str, str, str]:
    recovery = "" if outcome.recovery is None else f"{outcome.recovery:.2f} s"
    return outcome.fault, "; ".join(outcome.seen), recovery, outcome.verdict


def rendered(outcomes: list[Outcome]) -> list[str]:
    """The lines of the table, which is Markdown too."""
    rows = [("fault", "what the client saw", "recovery", "verdict")]
    rows += sorted(_cells(outcome) for outcome in outcomes)
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines
