"""Child processes that never outlive the program that started them."""

import contextlib
import ctypes
import http.client
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

# Where `python -m` finds this project's own packages.
PROJECT_ROOT = Path(__file__).resolve().parents[2]

_PR_SET_PDEATHSIG = 1
_LOG_TAIL_BYTES = 16 * 1024
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

Pause = Callable[[float], None]


class ChildError(Exception):
    """A child process died or did not become ready; the message ends with its last log lines."""


class ChildProcess:
    """A program in a session of its own, which the kernel ends when this process ends.

    Its own session keeps a Ctrl-C in the terminal from reaching it, so that whoever started it
    decides the order in which things stop. On Linux the kernel sends it SIGKILL when the *thread*
    that launched it ends, so launch from the main thread.

    :ivar inherited: file descriptors of this process that the program gets, too.
    """

    inherited: Sequence[int] = ()

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.environment = dict(environment)
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._group_ended = False

    def __repr__(self) -> str:
        state = "not started" if self._process is None else f"pid {self.pid}"
        return f"<{type(self).__name__} {self.name}: {state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id; the process group and the session have the same number."""
        if self._process is None:
            raise ChildError(f"{self.name} has not been started")
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs, -N when signal N ended it."""
        return None if self._process is None else self._process.poll()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start the program and return at once; its output is appended to the log."""
        if self.running:
            raise ChildError(f"{self.name} runs already, as pid {self.pid}")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.argv,
                cwd=PROJECT_ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self.inherited,
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  only system calls in there
            )
        self._group_ended = False

    def wait_until(
        self, ready: Callable[[], bool], *, timeout: float, pause: Pause = time.sleep
    ) -> None:
        """Wait until `ready()`; raise ChildError if the process ends or `timeout` s pass before.

        `pause` is how to wait between two looks; it may raise to give up.
        """
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                raise ChildError(self.death_notice())
            if time.monotonic() > deadline:
                raise ChildError(
                    f"{self.name} was not ready after {timeout:.0f} s.{self._quoted_log()}"
                )
            pause(0.05)

    def stop(self, grace: float = 10.0) -> None:
        """SIGTERM, then SIGKILL after `grace` seconds; nothing of its process group remains."""
        self.terminate()
        self.await_end(grace)

    def await_end(self, grace: float) -> None:
        """The second half of `stop()`: wait for the end, with SIGKILL after `grace` seconds."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        self.kill()

    def terminate(self) -> None:
        """Send SIGTERM and return at once."""
        self._signal_process(signal.SIGTERM)
        self.resume()  # or a paused process would never act on it

    def kill(self) -> None:
        """SIGKILL to the process and everything in its group, then wait for its end."""
        if self._process is None:
            return
        self.kill_group()
        self._process.wait()
        self._group_ended = True

    def kill_group(self) -> None:
        """Send SIGKILL and return at once, safe to call from a signal handler."""
        if self._process is None or self._group_ended:  # the number may be someone else's by now
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it (SIGSTOP) and return when it is frozen, all its threads with it.

        Connections to it are then still accepted, by the kernel, and hang.
        """
        self._signal_process(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        self._signal_process(signal.SIGCONT)

    def _signal_process(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def log_tail(self, lines: int = 12) -> str:
        """The last lines that it wrote, read from the end of the log."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
                text = log.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def death_notice(self) -> str:
        """One line on how it ended, and then its last log lines."""
        status = self.exit_status
        if status is None:
            how = "has not ended"
        elif status < 0:
            how = f"was ended by signal {signal.Signals(-status).name}"
        else:
            how = f"ended with status {status}"
        return f"{self.name} {how}.{self._quoted_log()}"

    def _quoted_log(self) -> str:
        tail = self.log_tail()
        if not tail:
            return f" It wrote nothing to {self.log}."
        quoted = "\n".join(f"  | {line}" for line in tail.splitlines())
        return f" The last lines of {self.log}:\n{quoted}"


def _die_with(parent: int) -> Callable[[], None] | None:
    if _libc is None:
        return None
    libc = _libc

    def set_parent_death_signal() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:  # it ended before the kernel could be told
            os._exit(1)

    return set_parent_death_signal


def stop_children(children: Sequence[ChildProcess], grace: float = 10.0) -> None:
    """Stop them side by side: as long as the slowest takes, not the sum."""
    for child in children:
        child.terminate()
    for child in children:
        child.await_end(grace)


def unverified() -> ssl.SSLContext:
    """TLS with whoever answers."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def http_status(
    host: str,
    port: int,
    path: str,
    *,
    timeout: float = 1.0,
    tls: ssl.SSLContext | None = None,
) -> int | None:
    """The status of `GET path`, or None when nobody answers HTTP there in time.

    `tls` is for HTTPS.
    """
    if tls is None:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    else:
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=tls)
    try:
        connection.request("GET", path)
        with connection.getresponse() as response:
            return response.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
