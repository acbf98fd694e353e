"""The container's first process: become the user objgw, able to read the Docker socket, and exec.

The socket's group id differs from host to host, so it cannot be written into the image or into
docker-compose.yml. This program starts as root, looks it up, takes it as its only supplementary
group, gives root up for good and executes the command. Whoever is not root already (`docker run
--user`) has chosen their groups: the command is just executed.

No socket yet? The gateway has to answer (503, and why) all the same, but a process that is not
root cannot be given a group later. So here this program stays, holding nothing but its two
capabilities, runs the command as its child, and once the socket is there ends the child and
executes the command anew with the right group. docs/deployment.md compares the alternatives.
"""

import contextlib
import os
import signal
import stat
import sys
import time
from types import FrameType
from typing import NoReturn

USER_ID = GROUP_ID = 10001
DEFAULT_SOCKET = "/var/run/docker.sock"
LOOK_AGAIN_SECONDS = 0.5
STOPPING = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
FORWARDED = STOPPING | {signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2}


def say(message: str) -> None:
    print(f"entrypoint: {message}", file=sys.stderr, flush=True)


def socket_path() -> str | None:
    """Where the daemon's socket is, or None when DOCKER_HOST says that there is no socket."""
    host = os.environ.get("DOCKER_HOST") or f"unix://{DEFAULT_SOCKET}"
    scheme, _, path = host.partition("://")
    return (path or DEFAULT_SOCKET) if scheme == "unix" else None


def socket_group(path: str) -> int | None:
    """The group that owns the socket, or None while there is no socket."""
    try:
        status = os.stat(path)  # noqa: PTH116 - pathlib costs a third of this program's start
    except OSError:
        return None
    return status.st_gid if stat.S_ISSOCK(status.st_mode) else None


def become_objgw(groups: list[int]) -> None:
    os.setgroups(groups)
    os.setresgid(GROUP_ID, GROUP_ID, GROUP_ID)
    os.setresuid(USER_ID, USER_ID, USER_ID)
    os.environ["HOME"] = "/nonexistent"


def execute(command: list[str]) -> NoReturn:
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        say(f"cannot execute {command[0]}: {error.strerror}")
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def start_child(command: list[str]) -> int:
    pid = os.fork()
    if pid == 0:
        become_objgw([])
        execute(command)
    return pid


def exit_status(wait_status: int) -> int:
    """As a shell reports it: 128 and the signal's number for a command ended by a signal."""
    code = os.waitstatus_to_exitcode(wait_status)
    return code if code >= 0 else 128 - code


def run_until_socket(path: str, command: list[str]) -> int:
    """Run the command without the socket; return the socket's group once it is there."""
    # The kernel lets a process signal another one of its own real user id: with that of objgw,
    # and still root in effect, no capability is needed to end the child.
    os.setresuid(USER_ID, 0, 0)
    child = start_child(command)
    received: set[int] = set()

    def forward(number: int, _frame: FrameType | None) -> None:
        received.add(number)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in FORWARDED:
        signal.signal(number, forward)

    while (group := socket_group(path)) is None:
        time.sleep(LOOK_AGAIN_SECONDS)
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            sys.exit(exit_status(status))
    say(f"{path} is there now; starting the command again, able to read it")
    os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    if received & STOPPING:
        sys.exit(exit_status(status))
    return group


def main(command: list[str]) -> NoReturn:
    if not command:
        say("no command given")
        sys.exit(64)
    if os.geteuid() != 0:
        execute(command)

    path = socket_path()
    groups: list[int] = []
    try:
        if path is not None:
            group = socket_group(path)
            if group is None:
                say(f"no Docker socket at {path}; running without it until it is there")
                group = run_until_socket(path, command)
            groups = [group]
        become_objgw(groups)
    except PermissionError:
        say("giving up root takes the capabilities SETUID and SETGID; or run with --user 10001")
        sys.exit(77)
    execute(command)


if __name__ == "__main__":
    main(sys.argv[1:])
