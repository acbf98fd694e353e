"""A node that does its worst, in a process of its own: it keeps whoever measures from nothing.

    python -m tests.faults.hostile "8 MB of XML"

Prints its port, and goes on until its standard input ends.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from objects.tests.node_server import NodeServer, Peer, Script, ok
from objects.tests.scripted_s3 import ScriptedS3
from tests.faults.beside import running_beside


def endless_interim(peer: Peer) -> None:
    # Many at once: what is measured should not be how long it takes to send them.
    answers = b"HTTP/1.1 102 Processing\r\n\r\n" * 10_000
    while True:
        peer.send(answers)


def dripped_head(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(30_000):
        peer.send(b"a")
        time.sleep(0.001)  # nothing is waited for: it drips


#: What each does: the operation, and its answer.
KINDS: dict[str, tuple[str, bytes | Script]] = {
    "8 MB of XML": ("list", ok(b"<a>" + b"<b/>" * 2**21 + b"</a>")),
    "interim answers without end": ("get", endless_interim),
    "a head that drips": ("get", dripped_head),
}


@contextmanager
def hostile_node(kind: str) -> Iterator[int]:
    """The port of one that runs inside of the block."""
    with running_beside("tests.faults.hostile", kind) as program:
        yield int(program.ready)


def main(kind: str) -> None:
    """Be at it until standard input ends."""
    operation, answer = KINDS[kind]
    node = ScriptedS3({operation: answer})

    def play(peer: Peer) -> None:
        with contextlib.suppress(TimeoutError):  # a connection that nobody used
            node._play(peer)

    with NodeServer(play) as server:
        print(server.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
