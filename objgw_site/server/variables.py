"""The environment variables of the server, apart from its configuration: `manage.py check` reads
them, too.
"""

import re
from dataclasses import dataclass

from objgw_site.env import Environment
from objgw_site.server.machine import Machine
from objgw_site.server.proxies import Networks, is_networks
from telemetry.logs import FORMATS, LEVELS, default_format

_DESCRIPTOR = re.compile(r"fd://[0-9]{1,5}", re.ASCII)
_BIND = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):([0-9]{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files.

    :ivar certificate: the server's, and behind it those of intermediate authorities.
    :ivar key: of the certificate, not encrypted.
    :ivar client_ca: who signs the certificates that clients have to show; None where they need
        none.
    """

    certificate: str
    key: str
    client_ca: str | None


@dataclass(frozen=True, slots=True)
class Variables:
    """What the environment says of the server.

    :ivar bind: ``HOST:PORT`` to listen on.
    :ivar workers: worker processes.
    :ivar connections: at once, in each worker.
    :ivar client_connections: the most of them that one client address has; None for all.
    :ivar client_share: the part of a worker's time, above 0 up to 1, that one client address has
        while there are others; 1 for no limit.
    :ivar trusted_proxies: addresses whose word on the client counts, and that may have all
        there is.
    :ivar graceful_timeout: seconds that running transfers get after SIGTERM.
    :ivar log_level: one of `LEVELS`.
    :ivar log_format: one of `FORMATS`.
    :ivar access_log: whether each request gets a line in the log.
    :ivar metrics: whether there are metrics.
    :ivar tls: None for plain HTTP.
    """

    bind: str
    workers: int
    connections: int
    client_connections: int | None
    client_share: float
    trusted_proxies: Networks
    graceful_timeout: int
    log_level: str
    log_format: str
    access_log: bool
    metrics: bool
    tls: TlsFiles | None


def read_variables(env: Environment, machine: Machine) -> Variables:
    """Read them; what cannot be read is in ``env.problems``, and its default stands in."""
    workers = env.integer("OBJGW_WORKERS", machine.workers, low=1, high=1024)
    connections = env.integer(
        "OBJGW_WORKER_CONNECTIONS", machine.connections(workers), low=1, high=1_000_000
    )
    return Variables(
        bind=env.matching(
            "OBJGW_BIND",
            "0.0.0.0:3000",
            is_bind,
            "an address or a host name, a colon and a port, such as 0.0.0.0:3000 or [::]:3000",
        ),
        workers=workers,
        connections=connections,
        client_connections=env.integer(
            "OBJGW_CLIENT_CONNECTIONS", max(1, connections // 2), low=0, high=1_000_000
        )
        or None,
        client_share=env.integer("OBJGW_CLIENT_SHARE", 25, low=1, high=100) / 100,
        trusted_proxies=Networks.parse(
            word.strip()
            for word in env.matching(
                "OBJGW_TRUSTED_PROXIES",
                "127.0.0.1,::1",
                is_networks,
                "IP addresses or networks separated by commas, such as 10.0.0.7,192.168.0.0/16",
            ).split(",")
            if word.strip()
        ),
        graceful_timeout=env.integer("OBJGW_GRACEFUL_TIMEOUT", 30, low=0, high=86_400),
        log_level=env.choice("OBJGW_LOG_LEVEL", "info", LEVELS),
        log_format=env.choice(
            "OBJGW_LOG_FORMAT",
            default_format(debug=env.flag("DJANGO_DEBUG", default=False)),
            FORMATS,
        ),
        access_log=env.flag("OBJGW_ACCESS_LOG", default=True),
        metrics=env.flag("OBJGW_METRICS", default=True),
        tls=_read_tls(env),
    )


def _read_tls(env: Environment) -> TlsFiles | None:
    """The files are for others to read; here is only checked that all that are needed are named."""
    certificate, key = env.text("OBJGW_TLS_CERT", ""), env.text("OBJGW_TLS_KEY", "")
    client_ca = env.text("OBJGW_TLS_CLIENT_CA", "")
    if certificate and key:
        return TlsFiles(certificate, key, client_ca or None)
    if certificate or key:
        given, missing = ("CERT", "KEY") if certificate else ("KEY", "CERT")
        env.problems.append(
            f"OBJGW_TLS_{missing} is missing: OBJGW_TLS_{given} is set, and TLS needs both."
        )
    elif client_ca:
        env.problems.append(
            "OBJGW_TLS_CERT and OBJGW_TLS_KEY are missing: OBJGW_TLS_CLIENT_CA is set, and only "
            "with TLS are there certificates of clients."
        )
    return None


def is_bind(text: str) -> bool:
    """Whether gunicorn can listen on it: ``HOST:PORT``, an IPv6 address in brackets, or
    ``fd://NUMBER`` for a socket that whoever starts the gateway listens on.
    """
    if _DESCRIPTOR.fullmatch(text):
        return True
    match = _BIND.fullmatch(text)
    return match is not None and int(match[1]) <= 65535
