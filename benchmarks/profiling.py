"""``python -m benchmarks.profiling``: where a request's CPU time goes, by stage."""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine, wrk
from benchmarks.__main__ import RESULTS
from benchmarks.cases import KIB, Case
from benchmarks.failure import CannotMeasure
from benchmarks.report import table
from benchmarks.stack import Stack, running_stack, store_objects
from benchmarks.stages import Samples, collect
from demo.harness.children import ChildError

_CASES = (Case("GET", KIB, 16), Case("PUT", KIB, 16))
_SCALE = 0.1
_FUNCTIONS = 30


@dataclass(frozen=True, slots=True)
class Profile:
    """Where one case's CPU time went.

    :ivar cpu: seconds of the gateway's processes for one request, samplers included.
    """

    case: Case
    requests: int
    cpu: float
    samples: Samples


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiling", description=__doc__)
    parser.add_argument("--label", default="profile", help="part of the file's name")
    parser.add_argument("--seconds", type=int, default=10, help="of load (default: 10)")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="FOLDER")
    options = parser.parse_args(arguments)
    try:
        page = _page(options.label, options.seconds)
    except (CannotMeasure, ChildError) as error:
        print(f"profile: {error}", file=sys.stderr)
        return 1
    path = options.output / f"{datetime.now(UTC):%Y-%m-%d}-{options.label}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page)
    print(f"{page}\nwritten: {path}")
    return 0


def _page(label: str, seconds: int) -> str:
    known = machine.description()
    with (
        tempfile.TemporaryDirectory(prefix="objgw-profile-") as name,
        running_stack(Path(name), {}) as stack,
    ):
        store_objects(stack, _CASES, _SCALE)
        profiles = [_profile(stack, case, seconds) for case in _CASES]
    parts = [
        f"# Profile {datetime.now(UTC):%Y-%m-%d}-{label}",
        "\n".join(f"- {name}: {value}" for name, value in known),
    ]
    for profile in profiles:
        parts += _section(profile)
    return "\n\n".join(parts) + "\n"


def _profile(stack: Stack, case: Case, seconds: int) -> Profile:
    folder = stack.folder / case.key
    folder.mkdir()
    ids = case.ids(_SCALE)
    paths = folder / "targets"
    with stack.sampled_gateway(folder) as server:
        processes = server.processes
        if processes is None:
            raise CannotMeasure(f"{server.name} has no processes to look at")
        paths.write_text("\n".join(server.target(case.method, object_id) for object_id in ids))
        server.check(case, ids[0], b"x" * case.size)
        before = processes.cpu_seconds()
        load = wrk.load(server, case, paths, seconds)
        cpu = (processes.cpu_seconds() - before) / load.requests
    lines = (line for path in folder.glob("*.txt") for line in path.read_text().splitlines())
    return Profile(case, load.requests, cpu, collect(lines))


def _section(profile: Profile) -> list[str]:
    samples = profile.samples
    if not samples.total:
        raise CannotMeasure(f"{profile.case.key}: the profiler saw nothing")
    micro = profile.cpu * 1e6 / samples.total

    def rows(counts: Counter[str], most: int | None = None) -> list[tuple[str, str, str]]:
        return [
            (name, f"{count * micro:.0f}", f"{100 * count / samples.total:.1f} %")
            for name, count in counts.most_common(most)
        ]

    return [
        f"## {profile.case.kind}, {profile.case.connections} connections",
        (
            f"{profile.requests} requests, {samples.total} samples: {profile.cpu * 1e6:.0f} µs "
            "of CPU for each request."
        ),
        table(("stage", "µs/request", "share"), rows(samples.stages)),
        "Functions, themselves only:",
        table(("function", "µs/request", "share"), rows(samples.functions, _FUNCTIONS)),
        "Functions, with what they call:",
        table(("function", "µs/request", "share"), rows(samples.inclusive, 2 * _FUNCTIONS)),
    ]


if __name__ == "__main__":
    sys.exit(main())
