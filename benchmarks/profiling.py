"""``python -m benchmarks.profiling``: where a request's CPU time goes, by stage."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine, wrk
from benchmarks.__main__ import RESULTS
from benchmarks.cases import KIB, Case
from benchmarks.failure import CannotMeasure
from benchmarks.report import table
from benchmarks.servers import Server
from benchmarks.stack import running_stack, store_objects
from benchmarks.stages import Samples, collect
from demo.children import ChildError

_CASES = (Case("GET", KIB, 16), Case("PUT", KIB, 16))
_SCALE = 0.1
_SAMPLES_A_SECOND = 200
_FUNCTIONS = 30


@dataclass(frozen=True, slots=True)
class Profile:
    """What one case costs.

    :ivar cpu: seconds of the gateway for one request, measured without the profiler.
    """

    case: Case
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
        profiles = [_profile(stack.objgw, case, seconds, Path(name)) for case in _CASES]
    parts = [
        f"# Profile {datetime.now(UTC):%Y-%m-%d}-{label}",
        "\n".join(f"- {name}: {value}" for name, value in known),
    ]
    for profile in profiles:
        parts += _section(profile)
    return "\n\n".join(parts) + "\n"


def _profile(server: Server, case: Case, seconds: int, folder: Path) -> Profile:
    if server.processes is None:
        raise CannotMeasure(f"{server.name} has no processes to look at")
    ids = case.ids(_SCALE)
    paths = folder / "targets.txt"
    paths.write_text("\n".join(server.target(case.method, object_id) for object_id in ids))
    server.check(case, ids[0], b"x" * case.size)
    before = server.processes.cpu_seconds()
    plain = wrk.load(server, case, paths, seconds)
    cpu = (server.processes.cpu_seconds() - before) / plain.requests
    outputs = [folder / f"{pid}.txt" for pid in server.processes.workers()]
    with ExitStack() as stack:
        spies = [
            stack.enter_context(_spy(pid, seconds, output))
            for pid, output in zip(server.processes.workers(), outputs, strict=True)
        ]
        # Longer than the profilers, which need a moment to begin.
        wrk.load(server, case, paths, seconds + 3)
        for spy in spies:
            _, errors = spy.communicate(timeout=60)
            if spy.returncode:
                raise CannotMeasure(f"py-spy failed (it may need root): {errors.strip()}")
    lines = [line for output in outputs for line in output.read_text().splitlines()]
    return Profile(case, cpu, collect(lines))


def _spy(pid: int, seconds: int, output: Path) -> subprocess.Popen[str]:
    program = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or "py-spy"
    command = [program, "record", "--pid", str(pid), "--duration", str(seconds)]
    command += ["--rate", str(_SAMPLES_A_SECOND), "--format", "raw", "--output", str(output)]
    # Running threads only: what waits costs nothing.
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


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
            f"{profile.cpu * 1e6:.0f} µs of CPU a request, measured without the profiler, and "
            f"{samples.total} samples."
        ),
        table(("stage", "µs/request", "share"), rows(samples.stages)),
        "Functions, themselves only:",
        table(("function", "µs/request", "share"), rows(samples.functions, _FUNCTIONS)),
        "Functions, with what they call:",
        table(("function", "µs/request", "share"), rows(samples.inclusive, 2 * _FUNCTIONS)),
    ]


if __name__ == "__main__":
    sys.exit(main())
