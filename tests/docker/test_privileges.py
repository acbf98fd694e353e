"""The gateway is not root, and reads the Docker socket whatever group that belongs to."""

import json

import pytest

from tests.docker.conftest import MakeFleet
from tests.docker.fleet import USER_ID, GatewayContainer
from tests.docker.stack import Stack

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

# Runs in the container: for each of its processes, what the kernel says of who it is. Not of those
# that the engine has put there from outside, with no parent in the container: health checks.
SCRIPT = """
import json, pathlib, os
found = []
for process in pathlib.Path("/proc").glob("[0-9]*"):
    if int(process.name) == os.getpid():
        continue
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    if process.name == "1" or status["PPid"].strip() != "0":
        found.append(status)
print(json.dumps(found))
"""


def processes(gateway: GatewayContainer) -> list[dict[str, str]]:
    execution = gateway.execute("python", "-c", SCRIPT, user=USER_ID)
    assert execution.status == 0, execution.output
    found: list[dict[str, str]] = json.loads(execution.output)
    return found


def assert_unprivileged(gateway: GatewayContainer, socket_group: int) -> None:
    found = processes(gateway)
    assert len(found) >= 2  # gunicorn's master and a worker
    for status in found:
        assert status["Uid"].split() == ["10001"] * 4, status
        assert status["Gid"].split() == ["10001"] * 4, status
        assert status["Groups"].split() == [str(socket_group)], status
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0, status
        assert status["NoNewPrivs"].strip() == "1", status


def test_the_compose_stack_runs_without_root(stack: Stack) -> None:
    group = stack.gateway.execute("stat", "-c", "%g", "/var/run/docker.sock").output.strip()
    assert_unprivileged(stack.gateway, int(group))
    assert stack.gateway.shownodes()["nodes"]


@pytest.mark.parametrize("group", [0, 4242])
def test_any_group_of_the_socket_will_do(make_fleet: MakeFleet, group: int) -> None:
    fleet = make_fleet(1)
    volume = fleet.create_volume()
    fleet.start_forwarder(volume, group)
    gateway = fleet.start_gateway_on_forwarder(volume)
    gateway.wait_ready()
    assert_unprivileged(gateway, group)


def test_only_root_and_the_group_may_use_that_socket(make_fleet: MakeFleet) -> None:
    """What makes the test above one: a process without the group is refused."""
    fleet = make_fleet(1)
    volume = fleet.create_volume()
    fleet.start_forwarder(volume, 4242)
    gateway = fleet.start_gateway_on_forwarder(volume)
    execution = gateway.execute("python", "manage.py", "shownodes", user=USER_ID)
    assert execution.status == 1
    assert "Permission denied" in execution.output
