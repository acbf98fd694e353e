"""What a load generator saw."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """Requests that were all answered as expected.

    :ivar p50: seconds, likewise ``p99``.
    """

    requests: int
    seconds: float
    p50: float
    p99: float
