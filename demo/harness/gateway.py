"""The gateway as a local process: under gunicorn, the way the production image starts it."""

import os
import shlex
import ssl
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from demo.harness.children import ChildProcess, Pause, http_status
from demo.harness.s3nodes import LocalNode, nodes_setting

#: What gunicorn serves.
APPLICATION = "objgw_site.wsgi"
_GUNICORN_ARGUMENTS = ("-c", "python:objgw_site.server.config", APPLICATION)
#: Settings of some other gateway of the user's, which say nothing about this one.
_FOREIGN = (
    "OBJGW_EXPECTED_NODES",
    "OBJGW_TLS_CERT",
    "OBJGW_TLS_KEY",
    "OBJGW_TLS_CLIENT_CA",
)


def gateway_environment(
    nodes: Iterable[LocalNode], *, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """`environ` with the settings that make these nodes the gateway's nodes."""
    return {
        **{name: value for name, value in environ.items() if name not in _FOREIGN},
        "DJANGO_SETTINGS_MODULE": "objgw_site.settings",
        **node_settings(nodes),
    }


def node_settings(nodes: Iterable[LocalNode]) -> dict[str, str]:
    """The settings that make these nodes a gateway's nodes, keys included."""
    return {"OBJGW_DISCOVERY": "static", "OBJGW_NODES": nodes_setting(nodes)}


def shell_lines(nodes: Iterable[LocalNode]) -> str:
    """Lines for a POSIX shell, after which `python manage.py …` means this project's Python and
    these nodes. They hold keys.
    """
    lines = [f"unset {name}" for name in _FOREIGN]
    lines += [f"export {name}={shlex.quote(text)}" for name, text in node_settings(nodes).items()]
    if sys.prefix != sys.base_prefix:
        lines.append(f". {shlex.quote(str(Path(sys.prefix, 'bin', 'activate')))}")
    return "\n".join([*lines, ""])


class GatewayProcess(ChildProcess):
    """gunicorn with the gateway's own configuration, on `host:port`.

    Its workers see within a second that their parent has ended, and end as well.

    :param development: Django's development server instead: it serves the pages for people, and
        starts anew when the code changes.
    :param tls: what a client of a gateway with OBJGW_TLS_CERT needs.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        environment: Mapping[str, str],
        log: Path,
        name: str = "",
        development: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        address = f"{_in_url(host)}:{port}"
        if development:
            command = ["manage.py", "runserver", address]
            settings = {"DJANGO_DEBUG": "true", "PYTHONUNBUFFERED": "1"}
        else:
            command = ["-m", "gunicorn", *_GUNICORN_ARGUMENTS]
            settings = {"OBJGW_BIND": address}
        super().__init__(
            name or "the gateway",
            [sys.executable, *command],
            environment={**environment, **settings},
            log=log,
        )

    @property
    def url(self) -> str:
        """Where a client on this machine finds it, without a slash at the end."""
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://{_in_url(self._client_host)}:{self.port}"

    @property
    def _client_host(self) -> str:
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  (all addresses, on purpose)

    def start(
        self, *, wait_for: str = "/readyz", timeout: float = 30.0, pause: Pause = time.sleep
    ) -> None:
        """Launch it and wait until `GET wait_for` answers 200."""
        self.launch()
        self.wait_until(
            lambda: http_status(self._client_host, self.port, wait_for, tls=self.tls) == 200,
            timeout=timeout,
            pause=pause,
        )

    def worker_pids(self) -> list[int]:
        """The pids of gunicorn's workers now, from /proc (Linux only)."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
