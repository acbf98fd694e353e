"""`manage.py demo`: local S3 nodes and the gateway, without Docker."""

import contextlib
import importlib.util
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from demo.harness.children import ChildError
from demo.harness.ports import is_loopback, localhost_in_use, port_in_use
from demo.harness.s3nodes import (
    MinioServer,
    MotoServer,
    NodeDataError,
    S3Server,
    VersityServer,
)
from demo.session import FolderInUseError, Plan, Session

MAX_NODES = 100


class Command(BaseCommand):
    """Checks the options and hands over to demo.session."""

    help = (
        "Runs S3 nodes on this machine and the gateway in front of them, until Ctrl-C or SIGTERM; "
        "no process is left behind. When a node dies, the others and the gateway keep running: "
        "the dead node's ids answer 503. When the gateway dies, all stops, with status 1."
    )
    requires_system_checks = []  # they judge settings that the demo replaces

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--nodes",
            type=int,
            default=3,
            help=f"how many S3 nodes, 1 to {MAX_NODES} (default: %(default)s)",
        )
        parser.add_argument(
            "--port", type=int, default=3000, help="the gateway's port (default: %(default)s)"
        )
        parser.add_argument(
            "--host",
            default="127.0.0.1",
            help="the gateway's address (default: %(default)s); 0.0.0.0 lets other machines in. "
            "The nodes stay on loopback",
        )
        parser.add_argument(
            "--store",
            choices=["auto", "minio", "versitygw", "moto"],
            default="auto",
            help="what the nodes are: minio and versitygw keep objects on disk and need their "
            "binary on PATH or in Go's bin folder; moto comes with the development requirements "
            "and keeps them in memory; auto takes the first of them that is there (default: "
            "%(default)s)",
        )
        parser.add_argument(
            "--data",
            type=Path,
            default=Path(".demo"),
            metavar="DIR",
            help="where nodes keep their data and credentials from one run to the next, and logs "
            "(default: %(default)s)",
        )

        parser.add_argument(
            "--development",
            action="store_true",
            help="Django's development server in place of gunicorn: pages to click through, and a "
            "new start when the code changes",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if not 1 <= options["nodes"] <= MAX_NODES:
            raise CommandError(f"--nodes {options['nodes']}: give a number from 1 to {MAX_NODES}.")
        check_address(options["host"], options["port"])
        plan = Plan(
            nodes=options["nodes"],
            host=options["host"],
            port=options["port"],
            server=choose_server(options["store"]),
            folder=options["data"].absolute(),
            development=options["development"],
        )
        try:
            Session(plan, self._say).run()
        except FolderInUseError as error:
            raise CommandError(f"{error}: stop it, or give --data another folder.") from error
        except (ChildError, NodeDataError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.strerror}: {error.filename}") from error

    def _say(self, line: str) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone; stopping is still to do
            self.stdout.write(line)
            self.stdout.flush()


#: Those that keep objects, in the order of preference: how to look for one, and how to install it.
_LASTING: Mapping[str, tuple[Callable[[], S3Server | None], str]] = {
    "minio": (MinioServer.find, "github.com/minio/minio@latest"),
    "versitygw": (VersityServer.find, "github.com/versity/versitygw/cmd/versitygw@latest"),
}


def choose_server(store: str) -> S3Server:
    """What --store asks for; CommandError when this machine does not have it."""
    for kind, (find, module) in _LASTING.items():
        if store not in ("auto", kind):
            continue
        if (found := find()) is not None:
            return found
        if store == kind:
            raise CommandError(
                f"--store {kind}: there is no {kind} binary on PATH or in Go's bin folder. "
                f"Install one (go install {module}) or use --store moto."
            )
    if importlib.util.find_spec("moto") is None:
        raise CommandError(
            "There is neither a minio or versitygw binary nor moto. "
            "Install moto: pip install -r requirements/demo.txt"
        )
    return MotoServer()


def check_address(host: str, port: int) -> None:
    """CommandError unless the gateway can listen there, and `localhost` means the gateway."""
    if not 1 <= port <= 65535:
        raise CommandError(f"--port {port}: give a number from 1 to 65535.")
    try:
        in_use = port_in_use(host, port)
    except socket.gaierror as error:
        raise CommandError(f"--host {host}: not an address of this machine.") from error
    except PermissionError as error:
        raise CommandError(
            f"--port {port}: this user may not listen there; give one from 1024 on."
        ) from error
    except OSError as error:
        raise CommandError(f"--host {host} --port {port}: {error.strerror}.") from error
    if in_use or (is_loopback(host) and localhost_in_use(port)):
        raise CommandError(
            f"Port {port} on {host} is in use by another program. Stop it, or choose another "
            f"port: make demo PORT={port + 1 if port < 65535 else port - 1}"
        )
