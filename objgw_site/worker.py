"""gunicorn's gevent worker, made fit for bodies of any size from clients of any kind.

What differs from the one that it is derived from:

* a client that asks for ``100 Continue`` gets it when its body is wanted, not before, so a refusal
  spares it the upload (RFC 9110 section 10.1.1);
* a request that was answered before its body was read ends the connection (RFC 9112 section 9.6)
  instead of making the worker read all of the body first;
* a client that neither sends nor takes a byte for ``OBJGW_CLIENT_TIMEOUT`` is let go;
* when the worker stops, connections without a request do not hold it up;
* connections take turns: each waits in the event loop for its next request, even if that has come;
* header fields with an underscore, which in the WSGI environment look like others with a hyphen,
  are dropped as gunicorn does, and named in ``objgw.dropped_headers``;
* head and first piece of the body leave in one packet;
* what is not HTTP is answered with a problem document, too.

gunicorn's master imports this module, and forks; Django must not be imported before the worker has
patched the standard library, so nothing here imports it at the top.
"""

import json
import logging
import os
import socket
import sys
import time
from contextlib import suppress
from datetime import datetime
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from gevent import GreenletExit, getcurrent
from gevent.monkey import get_original
from gevent.socket import wait_read, wait_readwrite
from gunicorn import util
from gunicorn.http import errors, wsgi
from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.http.message import Request
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

from objgw_site.input import Input
from problems import request_id
from problems.problem import Problem

logger = logging.getLogger("objgw.worker")

#: First pieces of a body up to this size are sent together with the head.
_ONE_WRITE = 64 * 1024
#: Seconds that a connection without a request gets when the worker stops: its request may be on
#: its way.
_IDLE_AT_STOP = 1.0
#: What is still taken from a client whose request was refused, so that it can read the answer.
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 16 * 2**20


class InvalidRequest(Problem):
    """What came over the connection is not a request as HTTP has it."""

    status = 400
    code = "invalid_request"
    title = "Invalid request"


class HeadTooLarge(InvalidRequest):
    status = 431
    code = "header_fields_too_large"
    title = "Request header fields too large"


class TargetTooLong(InvalidRequest):
    status = 414
    code = "uri_too_long"
    title = "URI too long"


class ExpectationFailed(InvalidRequest):
    status = 417
    code = "expectation_failed"
    title = "Expectation failed"


class UnknownCoding(InvalidRequest):
    status = 501
    code = "unknown_transfer_coding"
    title = "Unknown transfer coding"


_PROBLEMS: tuple[tuple[type[Exception], type[Problem]], ...] = (
    (errors.LimitRequestLine, TargetTooLong),
    (errors.LimitRequestHeaders, HeadTooLarge),
    (errors.ExpectationFailed, ExpectationFailed),
    (errors.UnsupportedTransferCoding, UnknownCoding),
    (errors.ParseException, InvalidRequest),
)


class GatewayResponse(wsgi.Response):  # type: ignore[misc]  # gunicorn has no type hints
    """Sends head and first piece together, and closes after a request that was not read."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.headers_sent = False
        self._head = b""

    def should_close(self) -> bool:
        return bool(super().should_close()) or not body_was_read(self.req)

    def default_headers(self) -> list[str]:
        """The status line and the header fields that are the server's own."""
        lines = [
            f"HTTP/{self.req.version[0]}.{self.req.version[1]} {self.status}\r\n",
            f"Server: {self.version}\r\n",
            f"Date: {_http_date(int(time.time()))}\r\n",
            f"Connection: {'close' if self.should_close() else 'keep-alive'}\r\n",
        ]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked\r\n")
        return lines

    def send_headers(self) -> None:
        if self.headers_sent:
            return
        lines = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers)]
        self._head = "".join((*lines, "\r\n")).encode("latin-1")
        self.headers_sent = True

    def _emit_body(self, data: bytes) -> None:
        head, self._head = self._head, b""
        if self.chunked:
            data = b"%X\r\n%b\r\n" % (len(data), data)
        if head and len(data) > _ONE_WRITE:
            send_all(self.sock, head)
            head = b""
        send_all(self.sock, head + data if head else data)

    def close(self) -> None:
        self.send_headers()
        head, self._head = self._head, b""
        if head:
            send_all(self.sock, head)
        super().close()


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _end_of_input(sock: socket.socket) -> None:
    """Make a socket read as ended once what has arrived is read.

    gevent's own ``shutdown`` would end the waiting ``recv`` by an exception, read or not.
    """
    plain = get_original("socket", "socket")
    with plain(fileno=os.dup(sock.fileno())) as twin:
        twin.shutdown(socket.SHUT_RD)


def await_readable(sock: Any) -> None:
    """Wait in the event loop until a gevent socket can be read from, even if it can be already.

    As its ``recv`` does when there is nothing, with the watcher and the timeout that it has.
    """
    sock._wait(sock._read_event)  # noqa: SLF001  (gevent.socket.wait_read makes a watcher each time)


def send_all(sock: socket.socket, data: bytes) -> None:
    """``sendall`` whose timeout is for progress, not for all of it."""
    sent = sock.send(data)
    if sent < len(data):
        rest = memoryview(data)[sent:]
        while rest:
            rest = rest[sock.send(rest) :]


def body_was_read(req: Request) -> bool:
    """Whether nothing of a request's body is left on the connection."""
    match req.body.reader:
        case LengthReader(length=length):
            return bool(length == 0)
        case ChunkedReader(parser=parser):
            return parser is None
        case _:
            return False


class _Connection:
    """A client's connection; entered while it has no request."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.idle_since: float | None = None
        #: Of the latest request; it may hold what the client sent behind it.
        self.unreader: Any = None

    def __enter__(self) -> None:
        self.idle_since = time.monotonic()
        # Not `recv` at once: where the next request is there already, the connections that wait
        # for longer would go on waiting.
        if self._has_read_ahead():
            # Comes back after one turn of the event loop; `sleep(0)` would come back before it.
            wait_readwrite(self.client.fileno())
        else:
            wait_read(self.client.fileno())

    def _has_read_ahead(self) -> bool:
        if self.unreader is not None and self.unreader.buf.getbuffer().nbytes:
            return True
        # What TLS has decrypted already, too.
        return bool(getattr(self.client, "pending", int)())

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.idle_since = None
        if isinstance(error, TimeoutError):
            raise StopIteration from error  # ends the connection, as gunicorn has it


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no type hints
    """See the module."""

    client_timeout: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connections: dict[Any, _Connection] = {}

    def run(self) -> None:
        from django.conf import settings

        self.client_timeout = settings.OBJGW_CLIENT_TIMEOUT
        # Nothing changes them any more, and each is read several times a request by way of
        # `Config.__getattr__`.
        self.cfg.__dict__.update({name: item.get() for name, item in self.cfg.settings.items()})
        super().run()

    def notify(self) -> None:
        """gunicorn calls this once a second, also while the worker waits for its last requests."""
        super().notify()
        latest = time.monotonic() - (self.cfg.keepalive if self.alive else _IDLE_AT_STOP)
        for connection in list(self._connections.values()):
            if connection.idle_since is not None and connection.idle_since <= latest:
                with suppress(OSError):
                    _end_of_input(connection.client)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection."""
        greenlet = getcurrent()
        client.settimeout(self.client_timeout)
        self._connections[greenlet] = _Connection(client)
        try:
            # Not the base class's own, which takes the timeout off again.
            AsyncWorker.handle(self, listener, client, addr)
        finally:
            del self._connections[greenlet]

    def timeout_ctx(self) -> _Connection:
        """Around the wait for a request; `notify` ends one that takes too long."""
        return self._connections[getcurrent()]

    def handle_request(self, listener_name: Any, req: Request, sock: Any, addr: Any) -> bool:
        """Answer one request; a StopIteration ends the connection, as gunicorn has it."""
        started = datetime.now()  # noqa: DTZ005  (for gunicorn's own logger)
        self._connections[getcurrent()].unreader = req.unreader
        expects, req._expected_100_continue = req._expected_100_continue, False  # noqa: SLF001
        if req.version >= (1, 1) and not any(name == "HOST" for name, _ in req.headers):
            # RFC 9112 section 3.2.
            raise errors.InvalidHeader("HOST is missing", req=req)
        dropped = [name for name, _ in req.headers if "_" in name]
        if dropped:
            req.headers = [(name, value) for name, value in req.headers if "_" not in name]
        resp, environ = wsgi.create(
            req, sock, addr, listener_name, self.cfg, response_class=GatewayResponse
        )
        environ["wsgi.input"] = Input(req.body, sock, expects=expects)
        environ["wsgi.multithread"] = True
        if dropped:
            environ["objgw.dropped_headers"] = dropped
        if not self.alive:
            resp.force_close()
        try:
            self._respond(resp, environ)
        except TimeoutError:
            self.log.info("client let go: it neither sent nor took anything for too long")
            raise StopIteration from None
        finally:
            self.log.access(resp, req, environ, datetime.now() - started)  # noqa: DTZ005
        if not body_was_read(req):
            util.close_graceful(sock, timeout=_LINGER_SECONDS, max_drain=_LINGER_BYTES)
            raise StopIteration
        if resp.should_close():
            raise StopIteration
        return True

    def _respond(self, resp: GatewayResponse, environ: dict[str, Any]) -> None:
        chunks = self.wsgi(environ, resp.start_response)
        try:
            for chunk in chunks:
                resp.write(chunk)
            resp.close()
        except OSError:
            raise
        except Exception as error:
            if not resp.headers_sent:
                raise
            # Too late for a 500: what was promised cannot be kept, so the connection ends.
            self.log.exception("a response broke off")
            raise StopIteration from error
        finally:
            if hasattr(chunks, "close"):
                chunks.close()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what never became a request, or an error of the worker itself."""
        if isinstance(exc, (GreenletExit, SystemExit)):
            return  # the grace time is over
        request = request_id.begin(None)
        kind = next((kind for error, kind in _PROBLEMS if isinstance(exc, error)), None)
        if kind is None:
            logger.error("error outside of the application", exc_info=sys.exc_info())
            problem = Problem()
        else:
            logger.info("invalid request from %s: %s", addr[0] if addr else "?", exc)
            problem = kind(f"The request could not be understood: {exc}.")
        body = json.dumps(problem.document(request)).encode()
        head = (
            f"HTTP/1.1 {problem.status} {problem.title}\r\n"
            f"Date: {_http_date(int(time.time()))}\r\n"
            "Content-Type: application/problem+json\r\n"
            f"Content-Length: {len(body)}\r\n"
            f"{request_id.HEADER}: {request}\r\n"
            "Connection: close\r\n\r\n"
        )
        try:
            client.settimeout(_LINGER_SECONDS)
            client.sendall(head.encode("latin-1") + body)
        except OSError:
            return
        util.close_graceful(client, timeout=_LINGER_SECONDS, max_drain=_LINGER_BYTES)
