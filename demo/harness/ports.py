"""TCP ports on this machine: which are free, and who is in the way."""

import errno
import ipaddress
import random
import socket

# Below the range that Linux and macOS take for outgoing connections, so that a node which is
# stopped and started again finds its port still free.
_PORTS = range(20_000, 32_000)


def port_in_use(host: str, port: int) -> bool:
    """Whether a server listens there already. Raises OSError when `host` is not of this machine.

    SO_REUSEADDR as servers set it: connections that linger after a stop do not count.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise
    return False


def localhost_in_use(port: int) -> bool:
    """Whether a client of `localhost:port` may meet a server: IPv6 is tried first by many."""
    return any(_in_use_if_there(host, port) for host in ("127.0.0.1", "::1"))


def _in_use_if_there(host: str, port: int) -> bool:
    try:
        return port_in_use(host, port)
    except OSError:  # a machine without IPv6
        return False


def free_port(host: str) -> int:
    """A port that is free on `host`, and on localhost: MinIO listens there as well, always."""
    candidates = random.SystemRandom().sample(_PORTS, 200)
    for port in candidates:
        if not port_in_use(host, port) and not localhost_in_use(port):
            return port
    raise OSError(errno.EADDRINUSE, f"no free port found on {host}")


def is_loopback(host: str) -> bool:
    """Whether `host` is an IPv4 loopback address, 127.x.y.z."""
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False
