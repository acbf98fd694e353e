"""Everything that the server relies on and that gunicorn 27 and gevent 26 do not promise.

No other module of the package imports gunicorn or uses a private name of gevent's. Each function
has one line, ``Relied on:``, that says what must be true of theirs; `OVERRIDDEN` and `ATTRIBUTES`
say the same of what our subclasses replace and use. ``tests/test_internals.py`` fails when one of
them is gone, and the server does not start with other versions (versions.py).
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from gevent.server import StreamServer
from gevent.socket import wait_readwrite
from gevent.ssl import SSLSocket
from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.http.body import CHUNK_EXT_RE, Body, LengthReader
from gunicorn.http.body import ChunkedReader as GunicornChunkedReader
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.message import TOKEN_RE, Request
from gunicorn.http.parser import RequestParser
from gunicorn.http.wsgi import Response, create
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

__all__ = [
    "CHUNK_EXT_RE",
    "TOKEN_RE",
    "Body",
    "GeventWorker",
    "GunicornChunkedReader",
    "LengthReader",
    "Logger",
    "NoMoreData",
    "ParseException",
    "Request",
    "Response",
    "SSLSocket",
    "StreamServer",
    "create",
    "errors",
]

#: Methods that ours replace: name, parameters, and what is relied on.
OVERRIDDEN: dict[type, dict[str, tuple[str, str]]] = {
    GeventWorker: {
        "run": ("self", "called once, with the standard library patched; returns at the end"),
        "notify": ("self", "`run` calls it once a second, also while it waits for last requests"),
        "server_class": (
            "",
            "where it is set, `run` calls it for each socket to listen on, and wraps none itself",
        ),
        "handle": ("self, listener, client, addr", "called in a greenlet for each connection"),
        "timeout_ctx": ("self", "`AsyncWorker.handle` enters it around the wait for a request"),
        "handle_request": (
            "self, listener_name, req, sock, addr",
            "called for each request; a StopIteration from it ends the connection",
        ),
        "handle_error": (
            "self, req, client, addr, exc",
            "called for invalid requests, and for what `handle_request` raised",
        ),
    },
    Request: {
        "parse": ("self, unreader", "called once by `__init__`; returns what is behind the head"),
        "parse_request_line": ("self, line_bytes", "sets `method`, `uri`, `path`, `version`"),
        "set_body_reader": ("self", "called behind `parse`; sets `body`"),
    },
    Response: {
        "should_close": ("self", "asked when the head is made, and by nothing before"),
        "default_headers": ("self", "the status line and the server's own fields, with their CRLF"),
        "send_headers": ("self", "called before the first piece; sets `headers_sent`"),
        "_emit_body": ("self, data", "called with each piece of a body, and by no other way sent"),
        "close": ("self", "called behind the last piece; sends the last chunk, if chunked"),
    },
    StreamServer: {
        "do_read": ("self", "called to accept; a false result stands for no connection"),
        "do_close": ("self, sock, *args", "called once for each connection that `do_read` gave"),
        "start": ("self", "called once; accepts from then on"),
        "close": ("self", "called when the worker stops; accepts nothing any more"),
    },
    SSLSocket: {
        "shutdown": ("self, how", "forgets the TLS: from then on all that is read is encrypted"),
        "close": ("self", "may be called more than once"),
    },
    Logger: {"setup": ("self, cfg", "called before the first line; makes the handlers")},
}

#: Attributes of theirs that ours use, which the constructors of these classes set.
ATTRIBUTES: dict[type, dict[str, str]] = {
    GeventWorker: {
        "alive": "false once the worker is to stop; `run` then returns after the last requests",
        "cfg": "the settings, as attributes",
        "log": "has `access`, `info` and `exception`",
        "max_requests": "from so many requests on, the worker is to stop",
        "nr": "the requests so far",
        "worker_connections": "`run` makes the pool of greenlets from it",
    },
    Request: {
        "body": "a `Body`",
        "headers": "pairs of a name in capitals and a value",
        "limit_request_line": "the most bytes of a request line, 0 for no limit",
        "method": "as it came",
        "path": "of the target, as it came",
        "trailers": "for the fields behind a chunked body",
        "unreader": "a `SocketUnreader`",
        "uri": "the target, as it came",
        "version": "of HTTP, a pair of numbers",
    },
    Response: {
        "chunked": "whether the body is sent in chunks",
        "headers": "the application's, pairs of name and value",
        "headers_sent": "whether the head was made",
        "sent": "bytes of the body so far, set before `_emit_body`",
        "req": "the request",
        "sock": "the connection",
        "status": "the application's: code and reason",
        "version": "what is sent as Server",
    },
    StreamServer: {"started": "whether connections are accepted, or will be after a pause"},
    Logger: {
        "access_log": "a logger of the standard library",
        "error_log": "a logger of the standard library",
    },
}


def use_request_class(kind: type[Request]) -> None:
    """Make gunicorn read requests as ``kind``.

    Relied on: its parsers make what `RequestParser.mesg_class` names.
    """
    RequestParser.mesg_class = kind


def keep_settings(cfg: Any) -> None:
    """Make gunicorn's settings plain attributes: each is read several times a request.

    Relied on: `Config.__getattr__` looks into `settings` for anything that is not an attribute.
    """
    vars(cfg).update({name: setting.get() for name, setting in cfg.settings.items()})


@dataclass(frozen=True, slots=True)
class ListeningAddress:
    """Where connections were accepted, for those that are served when that socket is closed."""

    name: Any

    @classmethod
    def of(cls, listener: Any) -> Self:
        return cls(listener.getsockname())

    def getsockname(self) -> Any:
        return self.name


def serve_connection(
    worker: GeventWorker, listener: ListeningAddress, client: Any, addr: Any
) -> None:
    """Serve the requests of a connection until it ends.

    Relied on: `GeventWorker.handle` is this, but takes the socket's timeout off; and it asks the
    listener for its name only, after the handshake, when the worker may have stopped to listen.
    """
    AsyncWorker.handle(worker, listener, client, addr)


def take_expectation(req: Request) -> bool:
    """Whether the client waits for ``100 Continue``, which gunicorn then does not send.

    Relied on: `create` sends it where `_expected_100_continue` is set.
    """
    expects, req._expected_100_continue = req._expected_100_continue, False  # noqa: SLF001
    return bool(expects)


def reader_of(body: Body) -> Any:
    """What reads a body: a `LengthReader`, or the reader that it was made of.

    Relied on: `Body` keeps it as `reader`.
    """
    return body.reader


def is_counted(reader: Any) -> bool:
    """Whether a body's length was announced; a request without a body has one of 0.

    Relied on: `set_body_reader` makes a `LengthReader` for these.
    """
    return isinstance(reader, LengthReader)


def bytes_left(reader: LengthReader) -> int:
    """Bytes of the body that are not read yet.

    Relied on: `LengthReader.length`, by which gunicorn goes before the next request.
    """
    return int(reader.length)


def count_read(reader: LengthReader, size: int) -> None:
    """So many bytes of the body were read, though not by gunicorn.

    Relied on: as `bytes_left`.
    """
    reader.length -= size


def take_received(unreader: Any) -> bytes:
    """What was received and not read yet.

    Relied on: `Unreader.take_buffered` waits for nothing.
    """
    data: bytes = unreader.take_buffered()
    return data


def give_back(unreader: Any, data: bytes) -> None:
    """What belongs to the rest of a body, or the next request.

    Relied on: `Unreader.unread` puts it before what is still to be received.
    """
    unreader.unread(data)


def has_received(unreader: Any) -> bool:
    """Whether something was received and not read yet.

    Relied on: `Unreader.buf` is a BytesIO with just that.
    """
    return bool(unreader.buf.getbuffer().nbytes)


def unreader_of(reader: LengthReader) -> Any:
    """Where a body of known length comes from.

    Relied on: `LengthReader.unreader`.
    """
    return reader.unreader


def socket_of(unreader: Any) -> Any:
    """The connection that is read from.

    Relied on: `SocketUnreader.sock`.
    """
    return unreader.sock


def plain_socket(sock: Any) -> socket.socket:
    """The socket without gevent: its ``shutdown`` does not end a waiting ``recv`` by an exception.

    Relied on: gevent's sockets, and its TLS sockets, keep it as `_sock`.
    """
    plain: socket.socket = sock._sock  # noqa: SLF001
    return plain


def tls_socket(kind: type[SSLSocket], sock: Any, context: Any) -> Any:
    """The server's end of a TLS connection, its handshake still to be done.

    Relied on: gevent's constructor takes the standard library's contexts, too, as ``_context``; it
    takes the descriptor over from ``sock``, and its timeout.

    :param kind: `SSLSocket`, or derived from it.
    """
    made: Any = kind
    return made(sock, server_side=True, do_handshake_on_connect=False, _context=context)


def say_tls_ends(sock: Any) -> None:
    """Say that nothing more will be sent (RFC 8446 section 6.1), without waiting for anything.

    Relied on: `_sslobj` is the TLS of a gevent socket, None without it; its ``shutdown`` does not
    block, and raises an OSError where it would have to wait.
    """
    tls = sock._sslobj  # noqa: SLF001
    if tls is not None:
        with suppress(OSError, ValueError):
            tls.shutdown()


def waits_to_receive(sock: Any) -> bool:
    """Whether a greenlet waits for something to read, in gevent's ``recv`` or `await_readable`.

    Relied on: gevent's sockets wait with the watcher `_read_event`.
    """
    return bool(sock._read_event.active)  # noqa: SLF001


def waits_to_send(sock: Any) -> bool:
    """Whether a greenlet waits for its peer to take something.

    Relied on: gevent's sockets wait with the watcher `_write_event`.
    """
    return bool(sock._write_event.active)  # noqa: SLF001


def await_readable(sock: Any) -> None:
    """Wait in the event loop until a gevent socket can be read from, even if it can be already.

    Relied on: gevent's ``recv`` waits by `_wait(_read_event)`, with the socket's timeout.
    """
    sock._wait(sock._read_event)  # noqa: SLF001  (gevent.socket.wait_read makes a watcher each time)


def await_turn(sock: Any) -> None:
    """Wait for one turn of the event loop, so that the others go on.

    Relied on: an idle socket can be written to, and libev tells so in its next turn.
    """
    wait_readwrite(sock.fileno())


def stop_accepting(server: StreamServer) -> None:
    """Accept nothing for now.

    Relied on: `BaseServer.stop_accepting` may be called at any time, and twice.
    """
    server.stop_accepting()


def start_accepting(server: StreamServer) -> None:
    """Accept again, unless the server was closed.

    Relied on: `BaseServer.start_accepting` may be called at any time, and twice.
    """
    if server.started:
        server.start_accepting()


def accept_now(server: StreamServer) -> None:
    """Accept what has come, as in the event loop, unless the server is closed or has no greenlet.

    Relied on: `BaseServer._do_read` is what the event loop calls; `full` says that the pool is.
    """
    if server.started and not server.full():
        server._do_read()  # type: ignore[attr-defined]  # noqa: SLF001


def reload_with(arbiter: Any, action: Callable[[], object]) -> None:
    """Let the master do ``action`` on SIGHUP, and nothing else: the workers stay.

    Relied on: `Arbiter.run` calls, between signals, the attribute `handle_hup`, which would start
    new workers and end the old ones.
    """
    arbiter.handle_hup = action
