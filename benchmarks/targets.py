"""What the gateway is meant to reach, and whether it does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.cases import KIB, MIB, Case
from benchmarks.membership_size import FEW, MANY, MembershipCost, server_name
from benchmarks.memory import Growth
from benchmarks.rounds import Outcome, Spread


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target. Nothing is said of those whose case was not measured."""

    what: str
    target: str
    measured: str
    met: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """All that one run found.

    :ivar failures: what could not be measured, and why.
    """

    outcomes: Mapping[Case, Outcome]
    growths: Iterable[Growth]
    membership: MembershipCost | None
    failures: Sequence[str] = ()


_RATIOS = (
    ("GET", KIB, (16,), 0.5),
    ("PUT", KIB, (16,), 0.85),
    ("GET", 64 * MIB, (1, 16), 1.0),
    ("PUT", 64 * MIB, (1, 16), 0.95),
)
_GROWTH_OF_ONE = 8 * MIB
_GROWTH_OF_MANY = 150 * MIB
_TAIL = 4.0
_MEMBERSHIP = 1.1
_ROUTING = 5e-6


def verdicts(findings: Findings) -> list[Verdict]:
    """The targets that this run can judge."""
    return [
        *_ratios(findings.outcomes),
        *_tail(findings.outcomes),
        *(_memory(growth) for growth in findings.growths),
        *_membership(findings.membership),
    ]


def _spread(spread: Spread) -> str:
    return f"{spread.middle:.2f} ({spread.low:.2f} to {spread.high:.2f})"


def _ratios(outcomes: Mapping[Case, Outcome]) -> Iterable[Verdict]:
    for method, size, connections, target in _RATIOS:
        for number in connections:
            case = Case(method, size, number)
            if case in outcomes:
                ratio = outcomes[case].ratio("objgw", "nginx")
                yield Verdict(
                    f"{case.kind}, {number} connections: rate, of nginx's",
                    f"at least {target:g}",
                    _spread(ratio),
                    ratio.middle >= target,
                )


def _tail(outcomes: Mapping[Case, Outcome]) -> Iterable[Verdict]:
    case = Case("GET", KIB, 16)
    if case in outcomes:
        spread = outcomes[case].spread("objgw", lambda sample: sample.load.p99 / sample.load.p50)
        if spread is not None:
            yield Verdict(
                f"{case.kind}, 16 connections: p99, of p50",
                f"at most {_TAIL:g}",
                _spread(spread),
                spread.middle <= _TAIL,
            )


def _memory(growth: Growth) -> Verdict:
    one = growth.what.startswith("1 of")
    grown, limit = (growth.worker, _GROWTH_OF_ONE) if one else (growth.total, _GROWTH_OF_MANY)
    return Verdict(
        f"{growth.what}: growth of {'the worker' if one else 'all workers'}",
        f"less than {limit // MIB} MiB",
        f"{grown / MIB:.1f} MiB",
        grown < limit,
    )


def _membership(cost: MembershipCost | None) -> Iterable[Verdict]:
    if cost is None:
        return
    ratio = _cpu_ratio(cost.outcome)
    yield Verdict(
        f"CPU of a request with {MANY} nodes, of that with {FEW}",
        f"at most {_MEMBERSHIP:g}",
        _spread(ratio),
        ratio.middle <= _MEMBERSHIP,
    )
    yield Verdict(
        f"finding the owner among {MANY} nodes",
        f"under {_ROUTING * 1e6:g} µs",
        f"{cost.routing * 1e6:.2f} µs",
        cost.routing < _ROUTING,
    )


def _cpu_ratio(outcome: Outcome) -> Spread:
    few, many = outcome.samples[server_name(FEW)], outcome.samples[server_name(MANY)]
    return Spread.of(
        [
            (two.cpu_per_request or 0.0) / (one.cpu_per_request or 1.0)
            for one, two in zip(few, many, strict=True)
        ]
    )
