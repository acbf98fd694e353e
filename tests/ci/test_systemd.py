"""The units in deploy/systemd, as far as that can be seen without systemd as the first process."""

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from demo.harness.ports import free_port
from tests.support.servers import HOST, make_gateway

FOLDER = Path(__file__).resolve().parents[2] / "deploy/systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))


def verified(folder: Path, unit: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"./{unit}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The units, with programs that are there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    for unit in UNITS:
        text = (FOLDER / unit).read_text()
        (tmp_path / unit).write_text(
            re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
        )
    return tmp_path


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_all_of_it(folder: Path, unit: str) -> None:
    done = verified(folder, unit)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_would_say_what_it_does_not(folder: Path) -> None:
    unit = folder / UNITS[0]
    unit.write_text(unit.read_text().replace("Restart=", "Restat="))
    assert re.search("Unknown key (name )?'Restat'", verified(folder, unit.name).stderr)


def test_the_gateway_tells_systemd_when_it_is_ready(tmp_path: Path) -> None:
    """As Type=notify has it: sd_notify(3)."""
    assert "Type=notify" in (FOLDER / "objgw.service").read_text()
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.settimeout(30)
        nodes = f"http://key:secret@{HOST}:{free_port(HOST)}#node"
        gateway = make_gateway(
            [], tmp_path / "gateway.log", NOTIFY_SOCKET=str(path), OBJGW_NODES=nodes
        )
        with gateway:
            gateway.launch()
            assert b"READY=1" in listening.recv(4096)
