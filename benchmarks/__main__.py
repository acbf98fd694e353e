"""``python -m benchmarks``: measure, and write a page and a chart."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import chart, machine, memory, report
from benchmarks.cases import FULL, KIB, MIB, QUICK, Case
from benchmarks.failure import CannotMeasure
from benchmarks.membership_size import MembershipCost, measure_both
from benchmarks.memory import Bodies, Growth
from benchmarks.rounds import Outcome, Plan, measure
from benchmarks.stack import Stack, running_stack, store_objects
from benchmarks.targets import Findings, verdicts
from demo.harness.children import ChildError

_LARGE_BODIES = Bodies(large=1024 * MIB, count=64, size=64 * MIB)
_SMALL_BODIES = Bodies(large=128 * MIB, count=8, size=8 * MIB)

RESULTS = Path(__file__).parent / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except (CannotMeasure, ChildError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few cases, in under two minutes")
    parser.add_argument("--label", help="part of the files' names (default: run, or quick)")
    parser.add_argument("--rounds", type=int, help="default: 3, quick: 1")
    parser.add_argument("--seconds", type=int, help="of load in a round (default: 3, quick: 1)")
    parser.add_argument(
        "--scale", type=float, help="the part of 10,000 ids (default: 1, quick: 0.02)"
    )
    parser.add_argument(
        "--only",
        metavar="KEYS",
        help="these cases and nothing else, by key and separated by commas: get-1kib-16,…",
    )
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="compare with the gateway of another checkout, in the same rounds; repeatable",
    )
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="NAME=PROGRAM",
        help="compare with this gateway run by another Python, which has its requirements; "
        "repeatable",
    )
    parser.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="NAME=SETTING=VALUE,…",
        help="compare with this gateway with these settings; repeatable",
    )
    parser.add_argument(
        "--floors",
        action="store_true",
        help="compare with the gateway's server alone, and without Django's request path, too",
    )
    parser.add_argument(
        "--tokens", action="store_true", help="compare with this gateway asking for tokens"
    )
    parser.add_argument("--nodes", type=int, default=3, help="how many (default: 3)")
    parser.add_argument(
        "--output", type=Path, default=RESULTS, metavar="FOLDER", help="default: benchmarks/results"
    )
    return parser


def _run(options: argparse.Namespace) -> None:
    quick = options.quick
    plan = Plan(
        rounds=options.rounds or (1 if quick else 3),
        seconds=options.seconds or (1 if quick else 3),
        scale=options.scale or (0.02 if quick else 1.0),
        large=2 if quick else 8,
    )
    title = options.label or ("quick" if quick else "run")
    known = [*machine.description(), ("nodes", str(options.nodes))]
    cases, checkouts = _chosen(options), _checkouts(options.against)
    pythons = _pythons(options.python)
    with (
        tempfile.TemporaryDirectory(prefix="objgw-bench-") as folder,
        running_stack(
            Path(folder),
            checkouts,
            pythons=pythons,
            settings=_settings(options.setting),
            nodes=options.nodes,
            floors=options.floors,
            tokens=options.tokens,
        ) as stack,
    ):
        findings = _findings(stack, cases, plan, options)
    if not findings.outcomes:
        raise CannotMeasure("nothing could be measured")
    _write(options.output, title, known, plan, findings)
    if findings.failures:
        raise CannotMeasure("; ".join(findings.failures))


def _checkouts(against: Sequence[str]) -> dict[str, Path]:
    pairs = [text.partition("=")[::2] for text in against]
    for name, folder in pairs:
        if not Path(folder, "manage.py").is_file():
            raise CannotMeasure(f"--against {name}={folder}: there is no gateway")
    return {name: Path(folder).resolve() for name, folder in pairs}


def _pythons(named: Sequence[str]) -> dict[str, Path]:
    pairs = [text.partition("=")[::2] for text in named]
    for name, program in pairs:
        if not os.access(program, os.X_OK):
            raise CannotMeasure(f"--python {name}={program}: there is no such program")
    # Not resolved: a virtual environment's Python is a link, and is known by its own path.
    return {name: Path(program).absolute() for name, program in pairs}


def _settings(named: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for text in named:
        name, _, given = text.partition("=")
        pairs = [each.partition("=")[::2] for each in given.split(",")]
        if not name or not all(setting and value for setting, value in pairs):
            raise CannotMeasure(f"--setting {text}: it is to be NAME=SETTING=VALUE,SETTING=VALUE")
        found[name] = dict(pairs)
    return found


def _chosen(options: argparse.Namespace) -> list[Case]:
    if options.only is None:
        return QUICK if options.quick else FULL
    by_key = {case.key: case for case in FULL}
    wanted = options.only.split(",")
    if unknown := [key for key in wanted if key not in by_key]:
        raise CannotMeasure(f"--only {','.join(unknown)}: the cases are {', '.join(by_key)}")
    return [by_key[key] for key in wanted]


def _findings(stack: Stack, cases: list[Case], plan: Plan, options: argparse.Namespace) -> Findings:
    _say("storing objects")
    everything = options.only is None
    store_objects(stack, [*cases, Case("GET", KIB, 16)] if everything else cases, plan.scale)
    outcomes: dict[Case, Outcome] = {}
    failures: list[str] = []
    growths: list[Growth] = []
    membership: MembershipCost | None = None
    for case in cases:
        with _noting(failures):
            outcomes[case] = measure(stack.servers(case), case, plan, stack.folder)
            _say(_line(outcomes[case]))
    if everything:
        sizes = _SMALL_BODIES if options.quick else _LARGE_BODIES
        with _noting(failures):
            growths = memory.measure(stack.objgw, sizes)
        with _noting(failures):
            membership = measure_both(stack, plan)
    return Findings(outcomes, growths, membership, failures)


@contextmanager
def _noting(failures: list[str]) -> Iterator[None]:
    """One thing that cannot be measured does not keep the others from it."""
    try:
        yield
    except CannotMeasure as error:
        _say(f"not measured: {error}")
        failures.append(str(error))


def _line(outcome: Outcome) -> str:
    rates = ", ".join(
        f"{server} {spread.middle:,.0f}"
        for server in outcome.samples
        if (spread := outcome.spread(server, lambda sample: sample.rate)) is not None
    )
    return f"{outcome.case.key}: {rates} requests/s"


def _write(
    folder: Path, label: str, known: list[tuple[str, str]], plan: Plan, findings: Findings
) -> None:
    now = datetime.now(UTC)
    name = f"{now:%Y-%m-%d}-{label}"
    folder.mkdir(parents=True, exist_ok=True)
    picture = chart.svg(f"objgw, {name}", findings.outcomes.values())
    (folder / f"{name}.svg").write_text(picture)
    judged = verdicts(findings)
    page = report.markdown(
        f"Benchmark {name}",
        [("date", f"{now:%Y-%m-%d %H:%M} UTC"), *known],
        plan,
        findings,
        judged,
        f"{name}.svg",
    )
    (folder / f"{name}.md").write_text(page)
    for verdict in judged:
        met = "met" if verdict.met else "NOT met"
        _say(f"{verdict.what}: {verdict.measured}, target {verdict.target}: {met}")
    _say(f"written: {folder / name}.md and .svg")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
