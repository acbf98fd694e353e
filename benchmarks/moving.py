"""How fast objects move from one node to another, against writing the same directly.

    python -m benchmarks.moving [--small 10000] [--large 4] [--jobs 8] [--fill-memory]

One node is filled, by as many threads and with the same client as the mover has: that is what the
nodes take directly. Then `manage.py layout apply` puts another node in its place, so every object
moves: it is read, written, looked at and removed.

A virtual machine is slow to write to memory that it has not used yet: here the page cache took 0.5
GB/s at first, and 2.1 GB/s the second time. What comes second, which is the move, would have more
of that, so with --fill-memory a file in the temporary folder takes all free memory before each.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.harness.gateway import gateway_environment
from demo.harness.s3nodes import LocalNode, MinioServer, NodeProcess, running_nodes

KIB, MIB = 2**10, 2**20
SMALL, LARGE = KIB, 256 * MIB
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Load:
    """So many objects of a size."""

    name: str
    count: int
    size: int


@dataclass(frozen=True)
class Measured:
    """What it took.

    :ivar peak: bytes of memory that the process had at most.
    """

    seconds: float
    peak: int


def settings_of(nodes: Sequence[LocalNode]) -> dict[str, str]:
    """The environment of commands on these nodes."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("OBJGW_")}
    return gateway_environment(nodes, environ=kept) | {"OBJGW_LAYOUT_LEASE": "1"}


def fill(load: Load, jobs: int) -> float:
    """Store the load on the one node that the settings name; seconds that it takes."""
    import django

    django.setup()
    from nodes.membership import get_membership
    from objects.store import Upload, get_spool, get_stores, payload_of

    class Zeros:
        """A body of so many bytes, made as it is read."""

        def __init__(self, size: int) -> None:
            self.length: int | None = size
            self.received = 0

        def read(self, size: int) -> bytes:
            size = min(size, load.size - self.received)
            self.received += size
            return _BLOCK[:size]

    (node,) = get_membership().refresh().nodes
    store = get_stores().of(node)
    store.create_bucket()

    def put(number: int) -> None:
        store.put(f"{load.name}{number}", payload_of(Zeros(load.size), get_spool()), Upload())

    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for done in [pool.submit(put, number) for number in range(load.count)]:
            done.result()
    return time.monotonic() - began


_BLOCK = bytes(256 * KIB)
_LEFT_FREE = 512 * MIB


def run(command: Sequence[str], environment: dict[str, str]) -> tuple[str, int]:
    """Run it to its end: what it wrote, and its peak memory in bytes."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment, stdout=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        written = output.read().decode()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}: {written}")
    return written, usage.ru_maxrss * KIB


@contextmanager
def two_nodes() -> Iterator[list[NodeProcess]]:
    """Two nodes without data."""
    server = MinioServer.find()
    if server is None:
        raise SystemExit("there is no minio binary here")
    with (
        tempfile.TemporaryDirectory(prefix="objgw-moving-") as folder,
        running_nodes(Path(folder), 2, server) as nodes,
    ):
        yield nodes


@contextmanager
def no_unused_memory(wanted: bool) -> Iterator[None]:
    """All memory but `_LEFT_FREE` was used by the page cache, if that is wanted."""
    with tempfile.TemporaryFile() as file:
        if wanted:
            lines = Path("/proc/meminfo").read_text().splitlines()
            free = next(int(line.split()[1]) for line in lines if line.startswith("MemFree:"))
            for _ in range((free * KIB - _LEFT_FREE) // len(_BLOCK)):
                file.write(_BLOCK)
            file.flush()
            # What is not on the disk yet cannot make room for anything.
            os.fsync(file.fileno())
        yield


def measured(load: Load, jobs: int, *, fill_memory: bool) -> tuple[Measured, Measured]:
    """Writing the load directly, and moving it."""
    with ExitStack() as stack:
        one, other = stack.enter_context(two_nodes())
        stack.enter_context(no_unused_memory(fill_memory))
        alone, both = settings_of([one.node]), settings_of([one.node, other.node])
        sizes = ["--count", str(load.count), "--size", str(load.size), "--name", load.name]
        written, peak = run(
            ["-m", "benchmarks.moving", "--fill", *sizes, "--jobs", str(jobs)], alone
        )
        direct = Measured(float(written), peak)
        run(["manage.py", "layout", "apply"], alone)
        stack.enter_context(no_unused_memory(fill_memory))
        names = ["--add", other.node.name, "--remove", one.node.name]
        written, peak = run(
            ["manage.py", "layout", "apply", *names, "--jobs", str(jobs), "--json"], both
        )
        document = json.loads(written)
        if document["moved"]["objects"] != load.count:
            raise SystemExit(f"not all were moved: {document}")
        return direct, Measured(document["seconds"], peak)


def line(what: str, load: Load, found: Measured) -> str:
    """A row of the table."""
    rate = load.count / found.seconds
    return (
        f"| {load.count:,} of {load.size // KIB:,} KiB | {what} | {rate:,.0f} | "
        f"{rate * load.size / MIB:,.0f} | {found.peak / MIB:,.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.moving", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--small", type=int, default=10_000, help="objects of 1 KiB")
    parser.add_argument("--large", type=int, default=4, help="objects of 256 MiB")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--fill-memory", action="store_true", help="see above")
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    for name, kind in (("--count", int), ("--size", int), ("--name", str)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        print(fill(Load(options.name, options.count, options.size), options.jobs))
        return
    print("| objects | what | objects/s | MiB/s | peak MiB |\n|---|---|---|---|---|")
    for load in (Load("small", options.small, SMALL), Load("large", options.large, LARGE)):
        if load.count:
            direct, moved = measured(load, options.jobs, fill_memory=options.fill_memory)
            print(line("written directly", load, direct))
            print(
                line(f"moved, {direct.seconds / moved.seconds:.0%} of that", load, moved),
                flush=True,
            )


if __name__ == "__main__":
    main()
