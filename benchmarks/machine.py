"""What a result was measured on and with."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks.nginx import find_program
from demo.harness.children import PROJECT_ROOT
from demo.harness.s3nodes import MinioServer


def description() -> list[tuple[str, str]]:
    """Names and values for the head of a report."""
    return [
        ("commit", _commit()),
        ("processor", _processor()),
        ("cores", str(len(os.sched_getaffinity(0)))),
        ("memory", f"{_memory() / 2**30:.1f} GiB"),
        ("kernel", platform.release()),
        ("load when it began", " ".join(f"{load:.1f}" for load in os.getloadavg())),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in ("gunicorn", "gevent", "Django", "minio")),
        ("djangorestframework", version("djangorestframework")),
        ("MinIO", _minio()),
        ("nginx", _output([find_program("nginx"), "-v"]).rpartition("/")[2]),
        ("wrk", _output([find_program("wrk"), "-v"]).split(" [")[0].removeprefix("wrk ")),
    ]


def _output(command: list[str]) -> str:
    """The first line that a program writes; how it ends does not matter."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return ""
    return (done.stdout or done.stderr).partition("\n")[0].strip()


def _commit() -> str:
    git = ["git", "-C", str(PROJECT_ROOT)]
    commit = _output([*git, "rev-parse", "--short", "HEAD"])
    code = ["objects", "objgw_site", "nodes", "problems", "requirements"]
    changed = _output([*git, "status", "--porcelain", "--untracked-files=no", "--", *code])
    return f"{commit} with changes" if changed else commit


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _minio() -> str:
    server = MinioServer.find()
    if server is None:
        return "none"
    said = _output([str(server.binary), "--version"]).removeprefix("minio version ")
    release = said.split(" ")[0]
    if not release.startswith("DEVELOPMENT"):
        return release
    # Built by `go install`: the module's version is in the binary, and only Go can read it.
    try:
        listing = subprocess.run(
            ["go", "version", "-m", str(server.binary)],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        ).stdout
    except OSError:
        return release
    module = next((line.split() for line in listing.splitlines() if "\tmod\t" in line), [])
    return module[2] if len(module) > 2 else release
