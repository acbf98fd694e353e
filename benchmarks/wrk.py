"""Load by wrk."""

import re
import subprocess
from pathlib import Path

from benchmarks.cases import Case
from benchmarks.failure import CannotMeasure
from benchmarks.load import Load
from benchmarks.nginx import find_program
from benchmarks.servers import Server

_SCRIPT = Path(__file__).with_name("wrk.lua")
_COUNTER = re.compile(r"(\w+)=(\d+)")


#: The longest that a round may become, in seconds.
_LONGEST = 40


def load(server: Server, case: Case, paths: Path, seconds: int) -> Load:
    """Send the case's requests for some seconds, or for longer until each connection had answers.

    :param paths: a file of request targets, one a line.
    :raises CannotMeasure: when a request failed.
    """
    while (found := _load(server, case, paths, seconds)).requests < 2 * case.connections:
        seconds *= 2
        if seconds > _LONGEST:
            raise CannotMeasure(
                f"{server.name}, {case.key}: {found.requests} requests in {found.seconds:.0f} s"
            )
    return found


def _load(server: Server, case: Case, paths: Path, seconds: int) -> Load:
    command = [find_program("wrk"), "--threads", "1", "--connections", str(case.connections)]
    command += ["--duration", f"{seconds}s", "--timeout", "20s", "--script", str(_SCRIPT)]
    command += [f"http://{server.address}/", "--"]
    command += [case.method, str(paths), server.host_header, str(case.size), server.token]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + 60, check=False
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("measured ")), None)
    if done.returncode or line is None:
        raise CannotMeasure(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    seen = {name: int(number) for name, number in _COUNTER.findall(line)}
    expected = seen["requests"] if case.missing else 0
    failed = {name: seen[name] for name in ("connect", "read", "write", "timeout") if seen[name]}
    if failed or seen["status"] != expected:
        raise CannotMeasure(f"{server.name}, {case.key}: wrk saw failed requests: {line}")
    return Load(seen["requests"], seen["microseconds"] / 1e6, seen["p50"] / 1e6, seen["p99"] / 1e6)
