"""gunicorn's gevent worker, hardened for bodies of any size and clients of any kind.

It differs from the one that it is derived from in this:

* a client that asks for ``100 Continue`` gets it when its body is wanted, not before, so a refusal
  spares it the upload (RFC 9110 section 10.1.1);
* a request that was answered before its body was read ends the connection (RFC 9112 section 9.6)
  instead of making the worker read all of the body first;
* a client that neither sends nor takes a byte for ``OBJGW_CLIENT_TIMEOUT`` is let go, and so is one
  that sends or takes less than ``OBJGW_CLIENT_MIN_RATE`` (pace.py);
* a client that has too many connections, or that waits while others need its slot, loses some
  (slots.py);
* a client that takes too much of the worker's time leaves enough to the others (shares.py);
* the workers share the connections evenly (balance.py, listener.py);
* when the worker stops, connections without a request do not hold it up;
* connections take turns: each waits in the event loop for its next request, and for the rest of a
  body, even if that has come (connection.py, turns.py);
* the head is bounded as a whole (head.py), and so is what chunks add to their data (chunked.py);
* header fields with an underscore are dropped, as gunicorn does, and named (exchange.py);
* head and first piece of the body leave in one packet (response.py);
* what is not HTTP is answered with a problem document, too (refusals.py);
* with TLS, a client that shakes no hands holds nothing (handshake.py), and the certificate is read
  again without an end to anything (tls.py).

gunicorn's master imports this module, and forks; Django must not be imported before the worker has
patched the standard library, so nothing here imports it at the top.
"""

import logging
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import gevent
from gevent import GreenletExit, getcurrent

from objgw_site.env import Environment
from objgw_site.server.account import Account
from objgw_site.server.balance import BEAT_SECONDS, get_loads
from objgw_site.server.body import body_was_read
from objgw_site.server.connection import Connection
from objgw_site.server.errors import InvalidRequest
from objgw_site.server.exchange import begin, respond
from objgw_site.server.handshake import secure
from objgw_site.server.head import Request
from objgw_site.server.internals import (
    GeventWorker,
    ListeningAddress,
    keep_settings,
    serve_connection,
    waits_to_send,
)
from objgw_site.server.listener import Listener
from objgw_site.server.machine import this_machine
from objgw_site.server.pace import PaceLimits, too_slow
from objgw_site.server.refusals import LINGER_BYTES, LINGER_SECONDS, refuse
from objgw_site.server.response import GatewayResponse
from objgw_site.server.shares import Shares, begin_request
from objgw_site.server.slots import RESERVE, RESERVE_SECONDS, SlotLimits, Slots
from objgw_site.server.tls import TlsError, get_certificates
from objgw_site.server.turns import abandon, end_gently, end_of_input
from objgw_site.server.variables import read_variables
from telemetry import exchange, metrics, tracing
from telemetry.access import AccessLog

logger = logging.getLogger("objgw.worker")

#: Seconds that a connection without a request gets when the worker stops: its request may be on
#: its way.
_IDLE_AT_STOP = 1.0
#: Likewise with TLS, where two round trips come before it.
_IDLE_AT_STOP_WITH_TLS = 3.0
#: With more connections than this, the worker also looks for new ones within a turn of the event
#: loop. With fewer, that would cost 4 % of a PUT; with 32, the last clients of a burst of 128
#: waited for three turns instead of two.
_MANY = 12
#: Seconds between the ends of two connections that are too slow.
_LET_GO_PAUSE = 0.003


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no type hints
    """Serves the connections of one process; the module says how."""

    client_timeout: float
    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The master makes the workers, and forks then.
        self.load = get_loads().take_row()
        self._listeners: list[Listener] = []
        #: Connections to be ended with their next answer, for other workers have fewer.
        self._to_give_away = 0
        self._connections: dict[Any, Connection] = {}
        variables = read_variables(Environment(), this_machine())
        slots = self.worker_connections
        self._slots = Slots(
            # Without a bound for one client, it is the slots that are too few for it.
            SlotLimits(slots, variables.client_connections or slots + 1, variables.trusted_proxies),
            _end_input,
        )
        self._shares = Shares(variables.client_share)
        # What the base class makes its pool from: with one for whom the reserve has to make room.
        self.worker_connections += RESERVE + 1
        self._noticed = time.monotonic()
        #: What was counted last could not be told.
        self._unsettled = False
        #: Ends connections that are too slow; true while it is at it.
        self._letting_go: gevent.Greenlet[..., None] | None = None
        self._account: Account | None = None
        # The master has read them.
        self._certificates = get_certificates()
        self._idle_at_stop = _IDLE_AT_STOP if self._certificates is None else _IDLE_AT_STOP_WITH_TLS

    def run(self) -> None:
        from django.conf import settings

        self.client_timeout = settings.OBJGW_CLIENT_TIMEOUT
        self._pace = PaceLimits(
            settings.OBJGW_CLIENT_MIN_RATE, settings.OBJGW_CLIENT_GRACE, self.client_timeout
        )
        keep_settings(self.cfg)
        counts = metrics.get_metrics() if metrics.is_enabled() else None
        if counts is not None:
            counts.sample_with(self._sample)
        variables = read_variables(Environment(), this_machine())
        access = AccessLog(variables.log_format) if variables.access_log else None
        self._account = Account(counts, access, variables.trusted_proxies)
        gevent.spawn(self._beat)
        with self._shares.counted():
            super().run()

    def _beat(self) -> None:
        while True:
            self.load.beat()
            gevent.sleep(BEAT_SECONDS)

    def notify(self) -> None:
        """gunicorn calls this once a second, also while the worker waits for its last requests."""
        super().notify()
        now = time.monotonic()
        elapsed, self._noticed = now - self._noticed, now
        idle_seconds = self.cfg.keepalive if self.alive else self._idle_at_stop
        self._to_give_away = self.load.excess()
        self.settle()
        self._follow_certificates()
        self._shares.count()
        self._slots.end_idle(now, taken=idle_seconds, reserved=min(idle_seconds, RESERVE_SECONDS))
        slow = too_slow(self._slots.busy(), self._pace, elapsed)
        if slow and not self._letting_go:
            self._letting_go = gevent.spawn(self._let_go, slow)

    def settle(self) -> None:
        """Tell what has not been told yet of the requests; to be called at the end, too."""
        if self._account is None:
            return
        try:
            self._account.settle()
        except OSError as error:  # requests are served without being counted
            if not self._unsettled:
                self.log.warning("requests are not counted or logged: %s", error)
            self._unsettled = True
        else:
            self._unsettled = False

    def _follow_certificates(self) -> None:
        """Show new connections the certificate that the master has told of."""
        certificates = self._certificates
        if certificates is None:
            return
        try:
            if certificates.follow():
                self.log.info(
                    "new connections get the certificate %s", certificates.credential.fingerprint
                )
        except TlsError as error:
            text = "new connections get the same certificate as before: %s"
            self.log.error(text, error)  # noqa: TRY400  (it says it all)

    def _sample(self, counts: metrics.Metrics) -> None:
        counts.workers.set(1)
        counts.connections.set(len(self._connections))
        counts.in_flight.set(sum(1 for _ in self._slots.busy()))

    def server_class(self, listener: Any, *, spawn: Any, **_given: Any) -> Listener:
        """What the base class accepts connections with; it asks for ours by this attribute.

        It knows nothing of TLS: a handshake belongs to a connection that has a slot.
        """
        server = Listener(
            listener,
            handle=partial(self.handle, ListeningAddress.of(listener)),
            spawn=spawn,
            load=self.load,
            make_room=self._slots.make_room,
        )
        self._listeners.append(server)
        return server

    def handle(self, listener: ListeningAddress, client: Any, addr: Any) -> None:
        """Serve one connection."""
        greenlet = getcurrent()
        client.settimeout(self.client_timeout)
        connection = self._connections[greenlet] = Connection(client)
        try:
            self._slots.admit(connection, addr[0] if addr else None)
            with self._shares.serving(connection.client_key):
                if self._certificates is None or self._secured(connection, addr):
                    serve_connection(self, listener, connection.client, addr)
        finally:
            del self._connections[greenlet]
            self._slots.leave(connection)

    def _secured(self, connection: Connection, addr: Any) -> bool:
        """Whether the connection has TLS now, else it has ended."""
        assert self._certificates is not None, "it is called with TLS only"  # noqa: S101
        try:
            return secure(connection, self._certificates.credential.context, addr)
        except InvalidRequest as problem:
            self.handle_error(None, connection.client, addr, problem)
            return False

    def timeout_ctx(self) -> Connection:
        """Around the wait for a request; `notify` ends one that takes too long."""
        return self._connections[getcurrent()]

    def handle_request(self, listener_name: Any, req: Request, sock: Any, addr: Any) -> bool:
        """Answer one request; a StopIteration ends the connection, as gunicorn has it."""
        if len(self._connections) > _MANY:
            for server in self._listeners:
                server.look()
        started = time.monotonic()
        connection = self._connections[getcurrent()]
        connection.unreader = req.unreader
        begin_request()
        if connection.reserved:
            self._slots.check_request(connection, req.path)
        resp: GatewayResponse | None = None
        environ: dict[str, Any] = {}
        try:
            self.cfg.pre_request(self, req)
            resp, environ = begin(req, sock, addr, listener_name, self.cfg)
            self._count_request()
            if connection.reserved or not self.alive or self._is_to_be_given_away():
                resp.force_close()
            self._respond(resp, req, environ, started)
        finally:
            self._after_request(req, environ, resp)
        if resp.should_close():
            if not body_was_read(req):
                end_gently(sock, LINGER_SECONDS, LINGER_BYTES)
            raise StopIteration
        return True

    def _respond(
        self, resp: GatewayResponse, req: Request, environ: dict[str, Any], started: float
    ) -> None:
        account = self._account
        assert account is not None, "it is there before there is a request"  # noqa: S101
        noted = exchange.begin()
        tracer = tracing.active()
        span = None if tracer is None else tracer.serve(environ, req.uri)
        refused = False
        try:
            respond(self.wsgi, resp, environ, self.log)
        except TimeoutError:
            self.log.info("client let go: it neither sent nor took anything for too long")
            raise StopIteration from None
        except (OSError, StopIteration):
            raise
        except Exception:
            refused = True  # `handle_error` answers it, and tells of it
            raise
        finally:
            if not refused:
                seconds = time.monotonic() - started
                account.answered(req, resp, environ, noted, span, seconds)
            elif span is not None:
                span.fail()

    def _count_request(self) -> None:
        """End the worker after ``max_requests``; the master starts another one."""
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("this worker stops, because it has served %d requests", self.nr)
            self.alive = False

    def _after_request(
        self, req: Request, environ: dict[str, Any], resp: GatewayResponse | None
    ) -> None:
        try:
            self.cfg.post_request(self, req, environ, resp)
        except Exception:  # a hook may be anybody's, and the answer has been sent
            self.log.exception("the hook post_request failed")

    def _is_to_be_given_away(self) -> bool:
        """Whether a connection ends, so that its client opens its next to another worker."""
        if self._to_give_away == 0:
            return False
        self._to_give_away -= 1
        return True

    def _let_go(self, slow: Sequence[Connection]) -> None:
        """End what is too slow, one after the other: many at once would keep the others waiting."""
        for connection, pace in [(connection, connection.pace) for connection in slow]:
            if connection.pace is pace and pace.credit <= 0:
                self.log.info(
                    "client let go: it sent or took less than %d bytes/s for too long",
                    self._pace.rate,
                )
                with suppress(OSError):
                    if waits_to_send(connection.client):
                        abandon(connection.client)
                    else:
                        end_of_input(connection.client)
                gevent.sleep(_LET_GO_PAUSE)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what never became a request, or an error of the worker itself."""
        if self._account is None:
            return
        if isinstance(exc, ssl.SSLError):  # nothing can be said any more
            logger.debug("a TLS connection broke: %s", exc)
        elif not isinstance(exc, (GreenletExit, SystemExit)):  # the grace time is over
            refuse(self._account, req, client, addr, exc)


def _end_input(connection: Connection) -> None:
    with suppress(OSError):
        end_of_input(connection.client)
