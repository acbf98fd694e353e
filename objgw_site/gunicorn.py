"""How production runs the gateway: ``gunicorn -c python:objgw_site.gunicorn objgw_site.wsgi``."""

import gc
import sys

from objgw_site.env import Environment
from objgw_site.machine import this_machine

env = Environment()
machine = this_machine()

bind = env.text("OBJGW_BIND", "0.0.0.0:3000")
worker_class = "objgw_site.worker.Worker"
workers = env.integer("OBJGW_WORKERS", machine.workers, low=1, high=1024)
# Connections at once in each worker. A greenlet costs little, and slow clients are many.
worker_connections = env.integer(
    "OBJGW_WORKER_CONNECTIONS", machine.connections(workers), low=1, high=1_000_000
)
# Seconds for which a connection may be idle, or send the head of a request.
keepalive = 75
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190
# The worker drops ambiguous header names itself, and remembers them.
header_map = "dangerous"
# Seconds that running transfers get after SIGTERM.
graceful_timeout = env.integer("OBJGW_GRACEFUL_TIMEOUT", 30, low=0, high=86_400)
# The heartbeat of a worker's event loop, not a limit for requests: transfers may take hours.
timeout = 60
accesslog = "-" if env.flag("OBJGW_ACCESS_LOG", default=False) else None
# gunicorn's own control interface is of no use to a container.
control_socket_disable = True

for problem in env.problems:
    print(f"objgw does not start: {problem}", file=sys.stderr)
if env.problems:
    sys.exit(1)


def post_worker_init(worker: object) -> None:
    """Know the nodes before the first request asks, and keep pauses short."""
    from nodes.membership import get_membership
    from objects.store import transport
    from objgw_site.worker import await_readable

    transport.await_readable = await_readable
    get_membership().keep()
    # What is here now stays: a collection that looks at all of it takes 50 ms.
    gc.collect()
    gc.freeze()
