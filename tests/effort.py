"""How much the long tests do: enough to notice most faults by default, all of it in CI."""

import os

THOROUGH = os.environ.get("OBJGW_TESTS") == "thorough"


def effort(usual: int, thorough: int) -> int:
    """How many cases a test tries: ``thorough`` with ``OBJGW_TESTS=thorough``, as CI has it."""
    return thorough if THOROUGH else usual
