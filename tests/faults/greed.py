"""Clients that do their worst, each kind in a process of its own.

    python -m tests.faults.greed "chunks of one byte" 127.0.0.1:3000 TARGET

Prints a line once it is at it, goes on until its standard input ends, and then prints how often the
gateway ended a connection, or answered, and how many connections it had open at most.
"""

import contextlib
import itertools
import json
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

#: Not trusted as a proxy, unlike 127.0.0.1: the bounds for one client are for this one, too.
MALLORY = "127.0.0.66"
#: Bytes a second of all connections together: what a link of 100 Mbit/s carries.
LINK = 12_500_000
#: New connections a second.
ARRIVALS = 500
KIB = 1024


class Link:
    """Lets through so many bytes, or connections, a second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free_at = time.monotonic()
        self._lock = threading.Lock()

    def wait(self, amount: int) -> None:
        with self._lock:
            now = time.monotonic()
            # What was not used up to 50 ms ago is lost.
            self._free_at = max(self._free_at, now - 0.05) + amount / self._rate
            pause = self._free_at - now
        if pause > 0:
            time.sleep(pause)


@dataclass
class Attack:
    """What an attacker has.

    :ivar target: id of an object, or whatever else the kind needs.
    :ivar ended: connections that the gateway ended, and requests that it answered.
    :ivar most: connections open at once.
    """

    address: tuple[str, int]
    target: str
    link: Link = field(default_factory=lambda: Link(LINK))
    arrivals: Link = field(default_factory=lambda: Link(ARRIVALS))
    stopped: threading.Event = field(default_factory=threading.Event)
    ended: int = 0
    most: int = 0
    _open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def connection(self, receive_buffer: int = 0) -> Iterator[socket.socket]:
        """A connection; that the gateway ends it is no error."""
        self.arrivals.wait(1)
        with contextlib.suppress(OSError), socket.socket() as sock:
            sock.settimeout(30)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.bind((MALLORY, 0))
            sock.connect(self.address)
            with self._lock:
                self._open += 1
                self.most = max(self.most, self._open)
            try:
                yield sock
            finally:
                with self._lock:
                    self._open -= 1
                    self.ended += 1

    def send(self, sock: socket.socket, data: bytes) -> None:
        for start in range(0, len(data), 64 * KIB):
            piece = data[start : start + 64 * KIB]
            self.link.wait(len(piece))
            sock.sendall(piece)

    def head(self, request_line: str, *fields: str) -> bytes:
        return "\r\n".join([f"{request_line} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


Step = Callable[[Attack, int], None]


def flood(piece: bytes) -> Step:
    """A chunked upload of such pieces, without end."""

    def step(attack: Attack, number: int) -> None:
        with attack.connection() as sock:
            line = f"PUT /object/greedy{number}"
            attack.send(sock, attack.head(line, "Transfer-Encoding: chunked"))
            data = piece * (16 * KIB // len(piece))
            while not attack.stopped.is_set():
                attack.send(sock, data)

    return step


def large_heads(attack: Attack, number: int) -> None:
    """As many tags and fields as are taken, one request behind the other."""
    tags = ", ".join(f'"{tag:0100}"' for tag in range(64))
    fillers = [f"X-Filler-{n}: {'a' * 600}" for n in range(90)]
    request = attack.head(f"GET /object/{attack.target}", f"If-None-Match: {tags}", *fillers)
    with attack.connection() as sock:
        while not attack.stopped.is_set():
            attack.send(sock, request)
            _one_answer(sock)
            attack.ended += 1


def heads_byte_by_byte(attack: Attack, number: int) -> None:
    """60 KB of a head at once, the rest as it drips."""
    fillers = [f"X-Filler-{n}: {'a' * 600}" for n in range(90)]
    head = attack.head(f"GET /object/{attack.target}", *fillers)[:-4]
    with attack.connection() as sock:
        attack.send(sock, head)
        for _ in range(4000):
            attack.send(sock, b"a")
            if attack.stopped.wait(0.002):
                break


def idle(attack: Attack, number: int) -> None:
    _hold(attack, b"")


def uploads_of_7_bytes(attack: Attack, number: int) -> None:
    line = f"PUT /object/greedy{number}"
    _hold(attack, attack.head(line, "Content-Length: 1000000") + b"7 bytes")


def downloads_that_take_nothing(attack: Attack, number: int) -> None:
    _hold(attack, attack.head(f"GET /object/{attack.target}"), receive_buffer=4 * KIB, reads=False)


def downloads_past_the_gateway(attack: Attack, number: int) -> None:
    """``attack.target`` is a path of the node's, with its signature."""
    fields = attack.head(f"GET {attack.target}").replace(
        b"Host: x", b"Host: %s:%d" % (attack.address[0].encode(), attack.address[1])
    )
    _hold(attack, fields, receive_buffer=4 * KIB, reads=False)


def spool(attack: Attack, number: int) -> None:
    """A chunked upload that has got a whole part of the spool, and stops."""
    head = attack.head(f"PUT /object/greedy{number}", "Transfer-Encoding: chunked")
    _hold(attack, head + b"600000\r\n" + bytes(1100 * KIB))


def schema(attack: Attack, number: int) -> None:
    _ask(attack, attack.head("GET /schema", "Accept: application/json"))


def any_request(attack: Attack, number: int) -> None:
    """``attack.target`` is a path, whose node is an attacker, too."""
    _ask(attack, attack.head(f"GET {attack.target}"))


def pipelined(attack: Attack, number: int) -> None:
    """Requests that are there before the answer to those before them was taken."""
    requests = attack.head("HEAD /object/" + attack.target) * 200
    with attack.connection() as sock:
        reader = threading.Thread(target=_take_all, args=(sock,))
        reader.start()
        try:
            while not attack.stopped.is_set():
                attack.send(sock, requests)
        finally:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            reader.join()


def refused_bodies(attack: Attack, number: int) -> None:
    """A body of a request that is refused, so that it is only thrown away."""
    with attack.connection() as sock:
        attack.send(sock, attack.head("PUT /object/-", "Content-Length: 1000000000"))
        while not attack.stopped.is_set():
            attack.send(sock, bytes(64 * KIB))


def _ask(attack: Attack, request: bytes) -> None:
    with attack.connection() as sock:
        while not attack.stopped.is_set():
            attack.send(sock, request)
            if not _one_answer(sock):
                return
            attack.ended += 1


def _hold(attack: Attack, data: bytes, *, receive_buffer: int = 0, reads: bool = True) -> None:
    """Send this, keep the connection for as long as the gateway lets one, and come again."""
    attack.stopped.wait(1)
    with attack.connection(receive_buffer) as sock:
        attack.send(sock, data)
        while not attack.stopped.wait(0.5):
            sock.setblocking(False)
            try:
                if reads and not sock.recv(64 * KIB):
                    return
                # What was not taken stays, but an end by a reset is seen.
                sock.send(b"")
                if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    return
            except BlockingIOError:
                pass


def _one_answer(sock: socket.socket) -> bool:
    """Take an answer; False when the connection ends."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = sock.recv(64 * KIB)
        if not data:
            return False
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((line[16:] for line in lines if line.startswith(b"content-length: ")), b"0")
    left = (0 if b" 304 " in lines[0] else int(length)) - len(body)
    while left > 0:
        data = sock.recv(min(left, 64 * KIB))
        if not data:
            return False
        left -= len(data)
    return b"connection: close" not in lines


def _take_all(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while sock.recv(256 * KIB):
            pass


#: What each does over and over, and over how many connections at once.
KINDS: dict[str, tuple[Step, int]] = {
    "chunks of one byte": (flood(b"1\r\nx\r\n"), 4),
    "chunks with 200 extensions each": (flood(b"1" + b";a" * 200 + b"\r\nx\r\n"), 4),
    "heads of 64 KiB with 64 entity tags": (large_heads, 4),
    "heads that come byte by byte behind 60 KB": (heads_byte_by_byte, 20),
    "idle connections": (idle, 500),
    "uploads that stop after 7 bytes": (uploads_of_7_bytes, 300),
    "downloads that take nothing": (downloads_that_take_nothing, 300),
    "downloads from the node itself": (downloads_past_the_gateway, 300),
    "chunked uploads until the spool is full": (spool, 200),
    "the API's schema, over and over": (schema, 8),
    "pipelined requests": (pipelined, 4),
    "bodies of refused requests": (refused_bodies, 8),
    "requests to a hostile node": (any_request, 8),
}


def main(kind: str, address: str, target: str) -> None:
    """Be at it until standard input ends."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    threading.stack_size(256 * KIB)
    host, _, port = address.rpartition(":")
    attack = Attack((host, int(port)), target)
    step, count = KINDS[kind]
    numbers = itertools.count()

    def again_and_again() -> None:
        while not attack.stopped.is_set():
            with contextlib.suppress(OSError):
                step(attack, next(numbers))

    threads = [threading.Thread(target=again_and_again, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    print("begun", flush=True)
    sys.stdin.read()
    attack.stopped.set()
    for thread in threads:
        thread.join(30)
    print(json.dumps({"ended": attack.ended, "most": attack.most}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
