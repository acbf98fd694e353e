"""What a layout of many nodes costs: all of them names of one process.

    python -m benchmarks.layout_size [10 100 1000]

Written and read are as many copies as there are nodes; that they lie in one place makes no
difference to the command, which asks each name for its own.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.moving import MIB, run, settings_of
from demo.harness.s3nodes import MinioServer, running_nodes


@contextmanager
def names(count: int) -> Iterator[dict[str, str]]:
    """Settings with so many nodes, which are one."""
    server = MinioServer.find()
    if server is None:
        raise SystemExit("there is no minio binary here")
    with (
        tempfile.TemporaryDirectory(prefix="objgw-layout-") as folder,
        running_nodes(Path(folder), 1, server) as (process,),
    ):
        node = process.node
        yield settings_of([replace(node, name=f"{node.name}-{n:04}") for n in range(count)])


def timed(command: Sequence[str], environment: dict[str, str]) -> str:
    """Seconds and peak memory of a command."""
    began = time.monotonic()
    _, peak = run(["manage.py", *command], environment)
    return f"{time.monotonic() - began:.1f} s, {peak / MIB:.0f} MiB"


def main() -> None:
    print("| nodes | adopt them | show the layout | plan another router |\n|---|---|---|---|")
    for count in [int(text) for text in sys.argv[1:]] or [10, 100, 1000]:
        with names(count) as environment:
            cells = [
                timed(["layout", "apply"], environment),
                timed(["layout", "show"], environment),
                timed(["layout", "plan", "--router", "rendezvous"], environment),
            ]
        print(f"| {count:,} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
