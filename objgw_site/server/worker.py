"""gunicorn's gevent worker, made fit for bodies of any size from clients of any kind.

What differs from the one that it is derived from:

* a client that asks for ``100 Continue`` gets it when its body is wanted, not before, so a refusal
  spares it the upload (RFC 9110 section 10.1.1);
* a request that was answered before its body was read ends the connection (RFC 9112 section 9.6)
  instead of making the worker read all of the body first;
* a client that neither sends nor takes a byte for ``OBJGW_CLIENT_TIMEOUT`` is let go;
* a client that sends or takes less than ``OBJGW_CLIENT_MIN_RATE`` is let go, too (see pace.py), and
  one that has too many connections, or waits while others need its slot, loses some (slots.py);
* when the worker stops, connections without a request do not hold it up;
* connections take turns: each waits in the event loop for its next request, even if that has come;
* what is still to be read is waited for in the event loop, even if it has come (turns.py);
* the head is bounded as a whole (head.py), and so is what chunks add to their data (chunked.py);
* header fields with an underscore, which in the WSGI environment look like others with a hyphen,
  are dropped as gunicorn does, and named in ``objgw.dropped_headers``;
* head and first piece of the body leave in one packet;
* what is not HTTP is answered with a problem document, too.

gunicorn's master imports this module, and forks; Django must not be imported before the worker has
patched the standard library, so nothing here imports it at the top.
"""

import json
import logging
import sys
import time
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from gevent import GreenletExit, getcurrent
from gunicorn.http import errors, wsgi
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

from objgw_site.env import Environment
from objgw_site.fields import ERROR_FIELDS
from objgw_site.server.body import Input, body_was_read
from objgw_site.server.connection import Connection
from objgw_site.server.errors import problem_of
from objgw_site.server.head import Request
from objgw_site.server.listener import Listener
from objgw_site.server.machine import this_machine
from objgw_site.server.pace import PaceLimits, too_slow
from objgw_site.server.response import GatewayResponse, http_date
from objgw_site.server.slots import RESERVE, RESERVE_SECONDS, SlotLimits, Slots
from objgw_site.server.turns import abandon, end_gently, end_of_input, waits_to_send
from objgw_site.server.variables import read_variables
from problems import request_id
from problems.failures import get_failures
from problems.problem import Problem

logger = logging.getLogger("objgw.worker")

#: Seconds that a connection without a request gets when the worker stops: its request may be on
#: its way.
_IDLE_AT_STOP = 1.0
#: What is still taken from a client whose request was refused, so that it can read the answer.
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 16 * 2**20
_ERROR_FIELDS = "".join(f"{name}: {value}\r\n" for name, value in ERROR_FIELDS)
#: What the client asks for does not exist; nothing has failed.
_NOT_SPOKEN = frozenset({501, 505})


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no type hints
    """See the module."""

    client_timeout: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connections: dict[Any, Connection] = {}
        variables = read_variables(Environment(), this_machine())
        slots = self.worker_connections
        self._slots = Slots(
            # Without a bound for one client, it is the slots that are too few for it.
            SlotLimits(slots, variables.client_connections or slots + 1, variables.trusted_proxies),
            _end_input,
        )
        # What the base class makes its pool from.
        self.worker_connections += RESERVE
        self._noticed = time.monotonic()

    def run(self) -> None:
        from django.conf import settings

        self.client_timeout = settings.OBJGW_CLIENT_TIMEOUT
        self._pace = PaceLimits(
            settings.OBJGW_CLIENT_MIN_RATE, settings.OBJGW_CLIENT_GRACE, self.client_timeout
        )
        # Nothing changes them any more, and each is read several times a request by way of
        # `Config.__getattr__`.
        self.cfg.__dict__.update({name: item.get() for name, item in self.cfg.settings.items()})
        super().run()

    def notify(self) -> None:
        """gunicorn calls this once a second, also while the worker waits for its last requests."""
        super().notify()
        now = time.monotonic()
        elapsed, self._noticed = now - self._noticed, now
        idle_seconds = self.cfg.keepalive if self.alive else _IDLE_AT_STOP
        self._slots.end_idle(now, taken=idle_seconds, reserved=min(idle_seconds, RESERVE_SECONDS))
        for connection in too_slow(self._slots.busy(), self._pace, elapsed):
            self._let_go(connection)

    def server_class(self, listener: Any, *, spawn: Any, **given: Any) -> Listener:
        """What the base class accepts connections with; it asks for ours by this attribute."""
        return Listener(
            listener,
            handle=partial(self.handle, listener),
            spawn=spawn,
            workers=self.cfg.workers,
            make_room=self._slots.make_room,
            **{name: value for name, value in given.items() if name == "ssl_context"},
        )

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve one connection."""
        greenlet = getcurrent()
        client.settimeout(self.client_timeout)
        connection = self._connections[greenlet] = Connection(client)
        try:
            self._slots.admit(connection, addr[0] if addr else None)
            # Not the base class's own, which takes the timeout off again.
            AsyncWorker.handle(self, listener, client, addr)
        finally:
            del self._connections[greenlet]
            self._slots.leave(connection)

    def timeout_ctx(self) -> Connection:
        """Around the wait for a request; `notify` ends one that takes too long."""
        return self._connections[getcurrent()]

    def handle_request(self, listener_name: Any, req: Request, sock: Any, addr: Any) -> bool:
        """Answer one request; a StopIteration ends the connection, as gunicorn has it."""
        started = datetime.now()  # noqa: DTZ005  (for gunicorn's own logger)
        connection = self._connections[getcurrent()]
        connection.unreader = req.unreader
        if connection.reserved:
            self._slots.check_request(connection, req.path)
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
        if req.uri[0] != "/" and "://" in req.uri:
            # RFC 9112 section 3.2.2: what the target says counts, not the Host field.
            environ["HTTP_HOST"] = urlsplit(req.uri).netloc
        environ["wsgi.input"] = Input(req.body, sock, expects=expects)
        environ["wsgi.multithread"] = True
        if dropped:
            environ["objgw.dropped_headers"] = dropped
        if connection.reserved or not self.alive:
            resp.force_close()
        try:
            self._respond(resp, environ)
        except TimeoutError:
            self.log.info("client let go: it neither sent nor took anything for too long")
            raise StopIteration from None
        finally:
            self.log.access(resp, req, environ, datetime.now() - started)  # noqa: DTZ005
        if not body_was_read(req):
            end_gently(sock, _LINGER_SECONDS, _LINGER_BYTES)
            raise StopIteration
        if resp.should_close():
            raise StopIteration
        return True

    def _let_go(self, connection: Connection) -> None:
        self.log.info(
            "client let go: it sent or took less than %d bytes/s for too long", self._pace.rate
        )
        with suppress(OSError):
            if waits_to_send(connection.client):
                abandon(connection.client)
            else:
                end_of_input(connection.client)

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
        problem = problem_of(exc)
        if problem is None:
            logger.error("error outside of the application", exc_info=sys.exc_info())
            problem = Problem()
        else:
            self._log_problem(problem, addr)
        body = json.dumps(problem.document(request)).encode() + b"\n"
        head = (
            f"HTTP/1.1 {problem.status} {problem.title}\r\n"
            f"Date: {http_date(int(time.time()))}\r\n"
            "Content-Type: application/problem+json\r\n"
            f"{_ERROR_FIELDS}"
            f"Content-Length: {len(body)}\r\n"
            f"{request_id.HEADER}: {request}\r\n"
            + "".join(f"{name}: {value}\r\n" for name, value in problem.headers.items())
            + "Connection: close\r\n\r\n"
        )
        self._log_refusal(req or getattr(exc, "req", None), addr, problem.status, len(body))
        try:
            client.settimeout(_LINGER_SECONDS)
            client.sendall(head.encode("latin-1") + body)
        except OSError:
            return
        end_gently(client, _LINGER_SECONDS, _LINGER_BYTES)

    def _log_refusal(self, req: Any, addr: Any, status: int, size: int) -> None:
        """The line in the access log of a request that never reached the application.

        :param req: what gunicorn could read of it, None for nothing.
        """
        self.log.access(
            SimpleNamespace(status=status, sent=size, headers=[]),
            SimpleNamespace(headers=[]),
            {
                "REMOTE_ADDR": addr[0] if addr else "-",
                "REQUEST_METHOD": getattr(req, "method", None) or "-",
                "RAW_URI": getattr(req, "uri", None) or "-",
                "SERVER_PROTOCOL": "-",
            },
            timedelta(),
        )

    def _log_problem(self, problem: Problem, addr: Any) -> None:
        client = addr[0] if addr else "?"
        if problem.status >= 500 and problem.status not in _NOT_SPOKEN:
            kind = f"{problem.status} {problem.code}"
            get_failures().report("the gateway", kind, f"a request from {client}", problem.detail)
        else:
            logger.debug("invalid request from %s: %s", client, problem.detail)


def _end_input(connection: Connection) -> None:
    with suppress(OSError):
        end_of_input(connection.client)
