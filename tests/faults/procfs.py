"""What processes hold, read from /proc: nothing that the gateway says of itself."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from demo.harness.s3nodes import LocalNode

_LISTEN, _TIME_WAIT = "0A", "06"


@dataclass(frozen=True)
class Holdings:
    """Counted over some processes, and the connections of some ports."""

    descriptors: int
    threads: int
    connections: int

    def exceeds(self, other: "Holdings") -> bool:
        return (
            self.descriptors > other.descriptors
            or self.threads > other.threads
            or self.connections > other.connections
        )


def holdings(pids: Iterable[int], ports: Iterable[int]) -> Holdings:
    """File descriptors and threads of the processes, connections to and from the ports."""
    pids = list(pids)
    return Holdings(
        sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids),
        sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids),
        sum(connections(port) for port in ports),
    )


def connections(port: int) -> int:
    """Ends of connections to this port on this machine, both counted, however half-closed."""
    return _by_port()[port]


def _by_port() -> Counter[int]:
    found: Counter[int] = Counter()
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        # proc(5): sl, local_address, rem_address, st, ..., inode; without an inode no process
        # holds it any more.
        for line in Path(path).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] not in {_LISTEN, _TIME_WAIT} and fields[9] != "0":
                ports = {int(address.rsplit(":", 1)[1], 16) for address in fields[1:3]}
                found.update(ports)
    return found


def unfinished_uploads(node: LocalNode) -> list[str]:
    """Multipart uploads on a node's disk that were neither completed nor aborted."""
    root = node.folder / "data" / ".minio.sys" / "multipart"
    return [str(path.relative_to(root)) for path in root.glob("*/*")]
