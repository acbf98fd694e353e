"""How production runs the gateway.

``gunicorn -c python:objgw_site.server.config objgw_site.wsgi``
"""

import codecs
import gc
import os
import sys
from functools import lru_cache, partial
from typing import Any

from access.warning import OPEN, SERVES
from objgw_site import __version__
from objgw_site.env import Environment
from objgw_site.server.balance import get_loads
from objgw_site.server.internals import reload_with
from objgw_site.server.machine import raise_descriptor_limit, this_machine
from objgw_site.server.record import SharedRecord, nameless_file
from objgw_site.server.tls import Certificates, TlsError, get_certificates
from objgw_site.server.variables import read_variables
from objgw_site.server.versions import wrong_versions
from telemetry import metrics, tracing
from telemetry.folder import MetricsFolder

# Each connection takes up to three, and the usual soft limit is 1,024.
raise_descriptor_limit()

env = Environment()
variables = read_variables(env, this_machine())

bind = variables.bind
worker_class = "objgw_site.server.worker.Worker"
workers = variables.workers
# Connections at once in each worker. A greenlet costs little, and slow clients are many.
worker_connections = variables.connections
# Whose X-Forwarded-Proto and the like count; the bound for one client does not apply to them.
forwarded_allow_ips = str(variables.trusted_proxies)
# Seconds for which a connection may be idle, or send the head of a request.
keepalive = 75
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
# The worker drops ambiguous header names itself, and remembers them.
header_map = "dangerous"
# Seconds that running transfers get after SIGTERM.
graceful_timeout = variables.graceful_timeout
# The heartbeat of a worker's event loop, not a limit for requests: transfers may take hours.
timeout = 60
# The access log is the worker's own (account.py).
accesslog = None
logger_class = "objgw_site.server.log.Logger"
# The container's engine controls the process; gunicorn's control socket is not needed.
control_socket_disable = True

# Opened here, by the master, so that all workers have the same one.
news_file = nameless_file()


def _unusable() -> list[str]:
    """What speaks against the certificate and its key."""
    try:
        get_certificates()
    except TlsError as error:
        return [str(error)]
    return []


if variables.tls is not None:
    # For gunicorn it is https then; the workers do the handshakes with what `get_certificates` has.
    certfile, keyfile = variables.tls.certificate, variables.tls.key
    do_handshake_on_connect = True

if problems := [*wrong_versions(), *env.problems, *_unusable()]:
    for problem in problems:
        print(f"objgw does not start: {problem}", file=sys.stderr)
    sys.exit(1)


@lru_cache(maxsize=1)
def get_metrics_folder() -> MetricsFolder | None:
    """Where the workers count; None where nothing is counted. To be called first by the master."""
    return MetricsFolder.make() if variables.metrics else None


def on_starting(server: Any) -> None:
    """Say once, rather than in each worker, which variables mean nothing, and who may come in."""
    get_metrics_folder()
    from objgw_site.settings import OBJGW_AUTH, UNKNOWN_VARIABLES

    for warning in [*UNKNOWN_VARIABLES, *([] if OBJGW_AUTH else [OPEN])]:
        server.log.warning("%s", warning)


def ssl_context(_conf: object, _default: object) -> Any:
    """The context that gunicorn asks for at the start of each worker, where there is TLS."""
    certificates = get_certificates()
    return certificates and certificates.credential.context


def when_ready(server: Any) -> None:
    """Called by the master before it makes the workers: on SIGHUP they get the new certificate.

    gunicorn would start other workers and end these, and with them what takes longer than the grace
    time.
    """
    certificates = get_certificates()
    if certificates is not None:
        reload_with(server, partial(_renew, certificates, server.log))


def _renew(certificates: Certificates, log: Any) -> None:
    try:
        certificates.renew()
    except TlsError as error:
        log.error("the certificate stays as it was: %s", error)  # noqa: TRY400  (it says it all)
    else:
        log.info("the certificate was read again: %s", certificates.credential.fingerprint)


def pre_fork(server: Any, _worker: object) -> None:
    """Called by the master before it makes a worker.

    A file that is broken keeps the gateway from starting, but one that breaks later must not end
    it because a worker has to be replaced at that moment (`access.checks`).
    """
    if server.worker_age > variables.workers:
        os.environ[SERVES] = "1"


def post_fork(_server: object, worker: Any) -> None:
    """Count where the last worker in this one's place ended, before anything is counted."""
    folder = get_metrics_folder()
    if folder is None:
        metrics.configure(enabled=False)
    else:
        metrics.configure(enabled=True, folder=folder.path, identity=_identity(worker))


def worker_exit(_server: object, worker: Any) -> None:
    """Called by a worker at its end."""
    worker.settle()
    tracing.stop()


def child_exit(_server: object, worker: Any) -> None:
    """Called by the master: a worker has ended, whatever the reason."""
    if (folder := get_metrics_folder()) is not None:
        folder.forget(_identity(worker))
    get_loads().give_back(worker.load)


def on_exit(_server: object) -> None:
    """Called by the master at its end."""
    if (folder := get_metrics_folder()) is not None:
        folder.remove()


def _identity(worker: Any) -> str:
    """What stands for a worker among those that run now, and for its successor."""
    row: int | None = worker.load.row
    return f"pid{worker.pid}" if row is None else str(row)


def post_worker_init(worker: object) -> None:
    """Know the nodes before the first request asks, and keep pauses short."""
    from django.conf import settings

    from nodes.membership import get_membership
    from nodes.news import get_news
    from objects import store
    from objects.layout.keeper import get_keeper
    from objgw_site.server.internals import await_readable
    from objgw_site.status.metrics import get_exposed_metrics

    store.configure(wait=await_readable)
    get_news().record = SharedRecord(news_file)
    get_membership().start_refreshing()
    get_keeper().start()
    if settings.OBJGW_AUTH:
        from access.verifier import get_verifier

        get_verifier().start()
    tracing.start(__version__)
    if metrics.is_enabled():
        get_exposed_metrics().sample()
    # Django needs it for the first error that it logs, when there may be no descriptor to load it.
    codecs.lookup("unicode_escape")
    # What is here now stays: a collection that looks at all of it takes 50 ms.
    gc.collect()
    gc.freeze()
