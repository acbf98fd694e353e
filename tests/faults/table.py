"""The table of faults that a run prints: what the client saw, and how long recovery took."""

import os
from dataclasses import dataclass, field

#: Half-length loads, for CI.
SHORT = os.environ.get("OBJGW_FAULTS") == "short"


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
