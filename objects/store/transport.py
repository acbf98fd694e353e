"""HTTP/1.1 to one node: connections that are kept, and answers that are complete or an error.

Written for just what the store asks: a request with a body of known length, an answer whose end is
marked (RFC 9112 section 6.3: by Content-Length or chunked coding). An answer that ends with the
connection is refused, because nobody could tell whether it was cut short.
"""

import errno
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from objects.store.errors import BadAnswer, ConnectFailed, ConnectionLost, TimedOut
from objects.store.request import Request
from objects.store.response import CHUNK, MAX_HEAD, PIECE, NodeResponse
from objects.store.trust import Trust, hang_up, receive_by, secured

#: Answers to one request: interim ones, and the final one. Nodes send two at most.
MAX_INTERIM = 16
#: Connections that wait for their next request, for each node.
MAX_IDLE = 64
#: Seconds after which a waiting connection is not used any more. MinIO closes its own after 30.
IDLE_LIFETIME = 20.0

#: socket(2): this process, or this machine, has too many files open. The node has no part in it.
_NO_DESCRIPTOR = frozenset({errno.EMFILE, errno.ENFILE})

#: Waits until a socket can be read from; raises TimeoutError as the socket's `recv` would.
Wait = Callable[[socket.socket], object]


@dataclass(frozen=True, slots=True)
class Tls:
    """That a node is reached with TLS.

    :ivar name: the host name or IP address that its certificate must have.
    """

    name: str
    trust: Trust


class Connection:
    """One exchange over a TCP connection to a node.

    :ivar patience: seconds for which the node may be silent, and that it has for a head.
    """

    def __init__(self, pool: "Pool", sock: socket.socket) -> None:
        self.patience = pool.read_timeout
        self._pool = pool
        self._socket: socket.socket | None = sock
        pool.begun()
        self._buffer = b""
        self._answered = False
        self._heads = 0
        # By when the node has to have answered.
        self._deadline = 0.0

    def exchange(self, request: Request, body: Iterable[bytes] = ()) -> NodeResponse:
        """Send a request and receive the header section of its answer.

        :param body: ``request.length`` bytes. With ``request.await_continue`` it is asked for its
            first chunk only after the node is ready for it; what it raises passes through.
        :raises TransportError: the connection is ended then, as with any other exception.
        """
        try:
            if request.await_continue:
                self._send(request.head())
                return self._send_when_wanted(body)
            self._send(b"".join((request.head(), *body)))
            size = PIECE if request.parsed else CHUNK
            return self._receive_answer(bodiless=request.method == "HEAD", size=size)
        except BaseException:
            self.release(reusable=False)
            raise

    def _send_when_wanted(self, body: Iterable[bytes]) -> NodeResponse:
        # A refusal leaves it open whether the node waits for the body all the same.
        answer = self._receive_answer(until=100, reusable=False)
        if answer.status >= 200:
            return answer
        for chunk in body:
            try:
                self._send(chunk)
            except ConnectionLost:
                # A node that refuses a body half-way says why before it hangs up.
                return self._receive_answer(reusable=False)
        return self._receive_answer()

    def receive(self, size: int, deadline: float | None = None) -> bytes:
        """At most ``size`` bytes, b"" at the end of the connection.

        :param deadline: on the monotonic clock. It shortens the socket's timeout, and the caller
            has to restore that.
        :raises ConnectionLost: when the connection breaks.
        :raises TimedOut: when nothing comes in time.
        """
        if self._buffer:
            data, self._buffer = self._buffer[:size], self._buffer[size:]
            return data
        sock = self._socket
        if sock is None:
            raise ConnectionLost("the connection was given back already", answered=True)
        wait = self._pool.wait
        try:
            if deadline is not None and wait is not None and self._pool.tls is not None:
                return receive_by(sock, size, deadline, self.patience, wait)
            if deadline is not None:
                # A timeout of 0 would mean not to wait at all.
                left = max(deadline - time.monotonic(), 0.001)
                sock.settimeout(min(left, self.patience))
            if wait is not None:
                wait(sock)
            return sock.recv(size)
        except TimeoutError as error:
            raise TimedOut("the node did not go on in time") from error
        except OSError as error:
            raise ConnectionLost(f"reading from the node: {error}", answered=True) from error

    def release(self, *, reusable: bool) -> None:
        """Give the connection back to its pool, or end it; the second call does nothing."""
        sock, self._socket = self._socket, None
        if sock is None:
            return
        self._pool.ended()
        if reusable and not self._buffer:
            self._pool.put(sock)
        else:
            hang_up(sock)

    def _send(self, data: bytes) -> None:
        assert self._socket is not None, "it is given back at the end of the exchange"  # noqa: S101
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise TimedOut("the node did not take the request in time") from error
        except OSError as error:
            raise ConnectionLost(
                f"sending to the node: {error}", answered=self._answered
            ) from error

    def _receive_answer(
        self,
        *,
        bodiless: bool = False,
        reusable: bool = True,
        until: int = 200,
        size: int = CHUNK,
    ) -> NodeResponse:
        """The final answer, or the interim one that is waited for.

        The node has the read timeout for all heads up to that.

        :param until: the status of the interim answer that will do as well.
        :param size: the most bytes to receive at once.
        """
        self._deadline = time.monotonic() + self.patience
        while True:
            head = self._receive_head(size)
            answer = NodeResponse(self, head, bodiless=bodiless, reusable=reusable)
            if answer.status >= 200 or answer.status == until:
                return answer

    def _receive_head(self, size: int) -> bytes:
        self._heads += 1
        if self._heads > MAX_INTERIM:
            raise BadAnswer(f"the node sent {MAX_INTERIM} interim answers and no final one")
        data, self._buffer = self._buffer, b""
        searched = 0
        limited = False
        while (end := data.find(b"\r\n\r\n", searched)) < 0 and len(data) <= MAX_HEAD:
            searched = max(0, len(data) - 3)
            # Its first bytes have the socket's own timeout, which is as long; with TLS, they may
            # come in pieces, too.
            limited = self._answered or self._pool.tls is not None
            try:
                more = self.receive(size, self._deadline if limited else None)
            except ConnectionLost as error:
                raise ConnectionLost(str(error), answered=self._answered) from error
            if not more:
                raise ConnectionLost("the node hung up without an answer", answered=self._answered)
            self._answered = True
            data += more
        if limited and self._socket is not None:
            self._socket.settimeout(self.patience)
        if not 0 <= end <= MAX_HEAD:
            raise BadAnswer(f"the node's answer has a head of more than {MAX_HEAD} bytes")
        self._buffer = data[end + 4 :]
        return data[: end + 4]


class Pool:
    """The connections to one node.

    :param host: IP address or host name.
    :param connect_timeout: seconds until an unanswered connection attempt is given up, its TLS
        handshake included.
    :param tls: None for a node without.
    :ivar read_timeout: seconds for which a node may be silent within an exchange, and that it has
        for a head.
    :ivar tls: as given.
    :ivar wait: called before each `recv`. A server with an event loop gives one that waits there
        even when something has arrived already, so that requests take turns; None for no wait.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        connect_timeout: float,
        read_timeout: float,
        wait: Wait | None = None,
        tls: Tls | None = None,
    ) -> None:
        self._address = (host, port)
        self._family = _family_of(host)
        self.tls = tls
        self._connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.wait = wait if wait is None or tls is None else _unless_decrypted(wait)
        # Only by operations that are atomic: requests run beside each other.
        self._idle: deque[tuple[socket.socket, float]] = deque()
        self._busy: deque[None] = deque()

    @property
    def busy(self) -> int:
        """Exchanges whose answer is not complete."""
        return len(self._busy)

    def exchange(self, request: Request, body: Iterable[bytes] = ()) -> NodeResponse:
        """`Connection.exchange` on a kept connection or a new one.

        A node may close a kept connection at the very moment it is used again; a repeatable
        request is then sent once more, on a new connection (RFC 9112 section 9.3.1).

        :raises TransportError: see `Connection.exchange`.
        :raises OSError: with EMFILE or ENFILE, when there is no descriptor for a new connection.
        """
        sock = self._take()
        if sock is not None:
            try:
                return Connection(self, sock).exchange(request, body)
            except ConnectionLost as error:
                if error.answered or not request.repeatable:
                    raise
                self.clear()
        return Connection(self, self._connect()).exchange(request, body)

    def begun(self) -> None:
        """An exchange has begun."""
        self._busy.append(None)

    def ended(self) -> None:
        """An exchange is over."""
        self._busy.pop()

    def put(self, sock: socket.socket) -> None:
        """Keep a connection for the next request."""
        self._idle.append((sock, time.monotonic()))
        if len(self._idle) > MAX_IDLE:
            with suppress(IndexError):
                hang_up(self._idle.popleft()[0])

    def clear(self) -> None:
        """End the connections that wait for a request."""
        with suppress(IndexError):
            while True:
                hang_up(self._idle.popleft()[0])

    def _take(self) -> socket.socket | None:
        """A kept connection, None when there is none."""
        try:
            sock, since = self._idle.pop()
        except IndexError:
            return None
        if time.monotonic() - since > IDLE_LIFETIME:
            # The youngest is too old, so all are.
            hang_up(sock)
            self.clear()
            return None
        # What a node sent behind its last answer must not be taken for the next one.
        if _is_quiet(sock):
            sock.settimeout(self.read_timeout)
            return sock
        sock.close()
        return self._take()

    def _opened(self) -> socket.socket:
        if self._family is None:
            return socket.create_connection(self._address, timeout=self._connect_timeout)
        # With gevent, that would ask a thread what an IP address stands for: half of what it costs.
        sock = socket.socket(self._family)
        try:
            sock.settimeout(self._connect_timeout)
            sock.connect(self._address)
        except BaseException:  # whatever ends the attempt: nobody else would close it
            sock.close()
            raise
        return sock

    def _connect(self) -> socket.socket:
        began = time.monotonic()
        try:
            sock = self._opened()
        except TimeoutError as error:
            raise ConnectFailed(f"no connection within {self._connect_timeout:g} s") from error
        except OSError as error:
            if error.errno in _NO_DESCRIPTOR:
                raise
            raise ConnectFailed(error.strerror or str(error)) from error
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls is not None:
            left = self._connect_timeout - (time.monotonic() - began)
            sock = secured(sock, self.tls.trust, self.tls.name, left)
        sock.settimeout(self.read_timeout)
        return sock


def _is_quiet(sock: Any) -> bool:
    """Whether a connection is open, and nothing has come. Its timeout is 0 then.

    What comes out of it is lost: it must not be used any more.
    """
    sock.settimeout(0)
    try:
        # Not MSG_PEEK, which TLS does not have.
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        pass
    return False


def _family_of(host: str) -> socket.AddressFamily | None:
    """That of an IP address, None for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


def _unless_decrypted(wait: Wait) -> Wait:
    """Wait only where TLS has not decrypted something already: it would be for what comes next."""

    def wait_unless_decrypted(sock: Any) -> None:
        if not sock.pending():
            wait(sock)

    return wait_unless_decrypted
