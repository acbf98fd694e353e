"""HTTP/1.1 to one node: connections that are kept, and answers that are complete or an error.

Written for just what the store asks: a request with a body of known length, an answer whose end is
marked (RFC 9112 section 6.3: by Content-Length or chunked coding). An answer that ends with the
connection is refused, because nobody could tell whether it was cut short.
"""

import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import httptools

#: Bytes asked of a socket at once, and sent at once.
CHUNK = 256 * 1024
#: The most that the header section of an answer may have, in bytes.
MAX_HEAD = 64 * 1024
#: Connections that wait for their next request, for each node.
MAX_IDLE = 64
#: Seconds after which a waiting connection is not used any more. MinIO closes its own after 30.
IDLE_LIFETIME = 20.0

_NO_BODY = frozenset({204, 304})

#: Waits until a socket can be read from; raises TimeoutError as its `recv` would. A server with an
#: event loop sets its own here, so that requests take turns: without it, one whose answer is there
#: already goes on at once, and those that wait for longer go on waiting.
await_readable: Callable[[socket.socket], object] | None = None


class TransportError(Exception):
    """The exchange with a node failed; the text says how."""


class ConnectFailed(TransportError):
    """No connection to the node: nothing was sent."""


class ConnectionLost(TransportError):
    """The connection broke.

    :ivar answered: whether the node had begun to answer, be it with an interim answer.
    """

    def __init__(self, text: str, *, answered: bool) -> None:
        super().__init__(text)
        self.answered = answered


class TimedOut(TransportError):
    """The node took a connection or a request and then said nothing in time."""


class BadAnswer(TransportError):
    """What the node answered is not HTTP as we speak it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes over the wire.

    :ivar target: path and query (RFC 9112 section 3.2.1).
    :ivar headers: without those that describe the body.
    :ivar length: bytes of the body, None for no body at all.
    :ivar await_continue: send the body only once the node asks for it (RFC 9110 section 10.1.1),
        so that a refusal costs nobody a byte of it.
    """

    method: str
    target: str
    headers: dict[str, str]
    length: int | None = None
    await_continue: bool = False

    def head(self) -> bytes:
        """The request line and the header section, as bytes."""
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.length is not None:
            lines.append(f"Content-Length: {self.length}")
        if self.await_continue:
            lines.append("Expect: 100-continue")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@lru_cache(maxsize=256)
def _field_name(name: bytes) -> str:
    return name.decode("latin-1").lower()


class _Collector:
    """Collects what httptools reports of one answer."""

    __slots__ = ("body", "complete", "excess", "headers")

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body: list[bytes] = []
        self.complete = False
        self.excess = False

    def on_message_begin(self) -> None:
        # Behind the end of the answer another one begins, that nobody asked for.
        self.excess = self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = _field_name(name), value.decode("latin-1")
        headers = self.headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_body(self, data: bytes) -> None:
        if not self.complete:
            self.body.append(data)

    def on_message_complete(self) -> None:
        self.complete = True


class Response:
    """An answer whose header section has arrived.

    Iterating gives the body as it comes; it ends only when the whole body was received, and raises
    when it was cut short. `close` gives the connection back if the body was read to its end, else
    ends it.

    :ivar status: the status code.
    :ivar headers: field names in lower case.
    """

    def __init__(
        self,
        connection: "Connection",
        parser: httptools.HttpResponseParser,
        collected: _Collector,
        *,
        bodiless: bool,
        reusable: bool,
    ) -> None:
        self.status: int = parser.get_status_code()
        self.headers = collected.headers
        self._connection = connection
        self._parser = parser
        self._collected = collected
        # Not parser.should_keep_alive(), which has forgotten it all once an answer is complete.
        self._reusable = reusable and _persistent(parser.get_http_version(), self.headers)
        bodiless = bodiless or self.status in _NO_BODY or self.status < 200
        self._chunked = not bodiless and "transfer-encoding" in self.headers
        self._remaining = 0
        if not bodiless and not self._chunked:
            if "content-length" not in self.headers:
                raise BadAnswer("the node's answer does not say how long it is")
            self._remaining = int(self.headers["content-length"])
        self._finished = self._remaining == 0 and not self._chunked

    def __iter__(self) -> Iterator[bytes]:
        return self._in_chunks() if self._chunked else self._counted()

    def read(self, limit: int = MAX_HEAD) -> bytes:
        """The whole body; the answer is closed then.

        :raises BadAnswer: when it has more than ``limit`` bytes.
        """
        parts: list[bytes] = []
        size = 0
        try:
            for chunk in self:
                parts.append(chunk)
                size += len(chunk)
                if size > limit:
                    raise BadAnswer(f"the node's answer has more than {limit} bytes")
        finally:
            self.close()
        return b"".join(parts)

    def close(self) -> None:
        """Done with this answer; may be called more than once."""
        self._connection.release(reusable=self._finished and self._reusable)

    def _counted(self) -> Iterator[bytes]:
        while self._remaining:
            chunk = self._connection.receive(min(self._remaining, CHUNK))
            if not chunk:
                raise ConnectionLost(
                    f"the node broke off with {self._remaining} bytes to come", answered=True
                )
            self._remaining -= len(chunk)
            self._finished = self._remaining == 0
            yield chunk

    def _in_chunks(self) -> Iterator[bytes]:
        while not self._collected.complete:
            data = self._connection.receive(CHUNK)
            if not data:
                raise ConnectionLost("the node broke off in a chunked answer", answered=True)
            self._feed(data)
            body, self._collected.body = self._collected.body, []
            yield from body
        self._finished = True

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._collected.complete:
                raise BadAnswer(f"the node's answer is not HTTP: {error}") from error
            self._collected.excess = True
        if self._collected.excess:
            self._reusable = False


def _persistent(version: str, headers: dict[str, str]) -> bool:
    """Whether the connection outlives this answer (RFC 9112 section 9.3)."""
    options = headers.get("connection", "").lower().split(",")
    return version == "1.1" and "close" not in [option.strip() for option in options]


class Connection:
    """One exchange over a TCP connection to a node."""

    def __init__(self, pool: "Pool", sock: socket.socket) -> None:
        self._pool = pool
        self._socket: socket.socket | None = sock
        self._buffer = b""
        self._answered = False

    def exchange(self, request: Request, body: bytes | Iterable[bytes] = b"") -> Response:
        """Send a request and receive the header section of its answer.

        :param body: ``request.length`` bytes. With ``request.await_continue`` an iterable is
            asked for its first chunk only after the node is ready for it; what it raises passes
            through.
        :raises TransportError: the connection is ended then, as with any other exception.
        """
        try:
            return self._exchange(request, body)
        except BaseException:
            self.release(reusable=False)
            raise

    def _exchange(self, request: Request, body: bytes | Iterable[bytes]) -> Response:
        bodiless = request.method == "HEAD"
        if not request.await_continue:
            self._send(request.head() + (body if isinstance(body, bytes) else b"".join(body)))
            return self._receive_final(bodiless=bodiless)
        self._send(request.head())
        while True:
            # A refusal leaves it open whether the node waits for the body all the same.
            answer = self._receive_head(bodiless=bodiless, reusable=False)
            if answer.status >= 200:
                return answer
            if answer.status == 100:
                break
        return self._send_body((body,) if isinstance(body, bytes) else body)

    def _send_body(self, body: Iterable[bytes]) -> Response:
        for chunk in body:
            try:
                self._send(chunk)
            except ConnectionLost:
                # A node that refuses a body half-way says why before it hangs up.
                return self._receive_final(bodiless=False, reusable=False)
        return self._receive_final(bodiless=False)

    def receive(self, size: int) -> bytes:
        """At most ``size`` bytes, b"" at the end of the connection.

        :raises ConnectionLost: when the connection breaks.
        :raises TimedOut: when nothing comes in time.
        """
        if self._buffer:
            data, self._buffer = self._buffer[:size], self._buffer[size:]
            return data
        sock = self._open
        try:
            if await_readable is not None:
                await_readable(sock)
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
        if reusable and not self._buffer:
            self._pool.put(sock)
        else:
            sock.close()

    @property
    def _open(self) -> socket.socket:
        if self._socket is None:
            raise ConnectionLost("the connection was given back already", answered=True)
        return self._socket

    def _send(self, data: bytes) -> None:
        try:
            self._open.sendall(data)
        except TimeoutError as error:
            raise TimedOut("the node did not take the request in time") from error
        except OSError as error:
            raise ConnectionLost(
                f"sending to the node: {error}", answered=self._answered
            ) from error

    def _receive_final(self, *, bodiless: bool, reusable: bool = True) -> Response:
        while True:
            answer = self._receive_head(bodiless=bodiless, reusable=reusable)
            if answer.status >= 200:
                return answer

    def _receive_head(self, *, bodiless: bool, reusable: bool) -> Response:
        end = -1
        data = self._buffer
        self._buffer = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            if len(data) > MAX_HEAD:
                raise BadAnswer(f"the node's answer has a head of more than {MAX_HEAD} bytes")
            try:
                more = self.receive(CHUNK)
            except ConnectionLost as error:
                raise ConnectionLost(str(error), answered=self._answered) from error
            if not more:
                raise ConnectionLost("the node hung up without an answer", answered=self._answered)
            self._answered = True
            data += more
        self._buffer = data[end + 4 :]
        collected = _Collector()
        parser = httptools.HttpResponseParser(collected)
        try:
            parser.feed_data(data[: end + 4])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise BadAnswer(f"the node's answer is not HTTP: {error}") from error
        return Response(self, parser, collected, bodiless=bodiless, reusable=reusable)


class Pool:
    """The connections to one node.

    :param host: IP address or host name.
    :param connect_timeout: seconds until an unanswered connection attempt is given up.
    :param read_timeout: seconds for which a node may be silent within an exchange.
    """

    def __init__(
        self, host: str, port: int, *, connect_timeout: float, read_timeout: float
    ) -> None:
        self._address = (host, port)
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        # Only by operations that are atomic: requests run beside each other.
        self._idle: deque[tuple[socket.socket, float]] = deque()

    def exchange(
        self, request: Request, body: bytes | Iterable[bytes] = b"", *, repeatable: bool
    ) -> Response:
        """`Connection.exchange` on a kept connection or a new one.

        A node may close a kept connection at the very moment it is used again; a repeatable
        request is then sent once more, on a new connection.

        :param repeatable: that sending it twice is as good as once while there is no answer, not
            even an interim one.
        """
        sock = self._take()
        if sock is not None:
            try:
                return Connection(self, sock).exchange(request, body)
            except ConnectionLost as error:
                if error.answered or not repeatable:
                    raise
                self.clear()
        return Connection(self, self._connect()).exchange(request, body)

    def put(self, sock: socket.socket) -> None:
        """Keep a connection for the next request."""
        self._idle.append((sock, time.monotonic()))
        if len(self._idle) > MAX_IDLE:
            with suppress(IndexError):
                self._idle.popleft()[0].close()

    def clear(self) -> None:
        """End the connections that wait for a request."""
        with suppress(IndexError):
            while True:
                self._idle.popleft()[0].close()

    def _take(self) -> socket.socket | None:
        try:
            sock, since = self._idle.pop()
        except IndexError:
            return None
        if time.monotonic() - since <= IDLE_LIFETIME:
            if self._is_quiet(sock):
                return sock
            sock.close()
            return self._take()
        # The youngest is too old, so all are.
        sock.close()
        self.clear()
        return None

    def _is_quiet(self, sock: socket.socket) -> bool:
        """Whether a waiting connection is open, and nothing is in it.

        What a node sent behind its last answer must not be taken for the next one.
        """
        sock.settimeout(0)
        try:
            sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            sock.settimeout(self._read_timeout)
            return True
        except OSError:
            return False
        return False

    def _connect(self) -> socket.socket:
        try:
            sock = socket.create_connection(self._address, timeout=self._connect_timeout)
        except TimeoutError as error:
            raise ConnectFailed(f"no connection within {self._connect_timeout:g} s") from error
        except OSError as error:
            raise ConnectFailed(error.strerror or str(error)) from error
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(self._read_timeout)
        return sock
