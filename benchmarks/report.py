"""A run as a Markdown page."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from benchmarks.cases import KIB, object_ids
from benchmarks.rounds import Outcome, Plan, Sample, Spread
from benchmarks.targets import Findings, Verdict

_COLUMNS = (
    "case",
    "connections",
    "server",
    "requests/s",
    "MiB/s",
    "p50 ms",
    "p99 ms",
    "CPU µs/request",
    "CPU of nodes µs/request",
    "CPU s/GiB",
    "peak MiB",
    "rate, of nginx's",
)


def markdown(
    title: str,
    machine: Iterable[tuple[str, str]],
    plan: Plan,
    findings: Findings,
    verdicts: Sequence[Verdict],
    chart: str,
) -> str:
    """The whole page.

    :param chart: the file name of the chart beside it.
    """
    intro = (
        f"Medians of {plan.rounds} interleaved rounds of {plan.seconds} s, with the least and the "
        f"most in parentheses. 64 MiB: a fixed number of bodies, at least {plan.large} in each "
        f"round. {len(object_ids(KIB, plan.scale)):,} ids for sizes up to 64 KiB. CPU is of all "
        "of a server's processes, peak of its largest worker."
    )
    parts = [
        f"# {title}",
        intro,
        "\n".join(f"- {name}: {value}" for name, value in machine),
        f"![requests a second and throughput]({chart})",
        "## Targets",
        table(
            ("what", "target", "measured", "met"),
            [(v.what, v.target, v.measured, "yes" if v.met else "**no**") for v in verdicts],
        ),
        "## Servers compared",
        table(_COLUMNS, [row for outcome in findings.outcomes.values() for row in _rows(outcome)]),
    ]
    if findings.failures:
        parts += ["## Not measured", "\n".join(f"- {failure}" for failure in findings.failures)]
    if findings.membership is not None:
        parts += [
            "## Number of nodes",
            table(_COLUMNS[:-1], [row[:-1] for row in _rows(findings.membership.outcome)]),
        ]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rows(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    values: tuple[tuple[Callable[[Sample], float | None], float, int], ...] = (
        (lambda sample: sample.rate, 1, 0),
        (lambda sample: sample.throughput or None, 1, 1),
        (lambda sample: sample.load.p50, 1e3, 2),
        (lambda sample: sample.load.p99, 1e3, 2),
        (lambda sample: sample.cpu_per_request, 1e6, 0),
        (lambda sample: sample.nodes_cpu_per_request, 1e6, 0),
        (lambda sample: sample.cpu_per_gib, 1, 2),
        (lambda sample: sample.peak, 2**-20, 1),
    )
    for server in outcome.samples:
        cells = [
            _cell(outcome.spread(server, value), factor, digits) for value, factor, digits in values
        ]
        compared = ""
        if "nginx" in outcome.samples and server != "nginx":
            compared = _cell(outcome.ratio(server, "nginx"), 1, 2)
        case = outcome.case
        yield (case.kind, str(case.connections), server, *cells, compared)


def _cell(spread: Spread | None, factor: float, digits: int) -> str:
    if spread is None:
        return ""
    middle, low, high = (
        f"{value * factor:,.{digits}f}" for value in (spread.middle, spread.low, spread.high)
    )
    return f"{middle} ({low}–{high})"  # noqa: RUF001  (a range takes an en dash)
