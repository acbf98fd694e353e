"""What docker-compose.yml takes from its containers, as the engine and the kernel have it."""

import socket

import pytest
import yaml

from tests.docker.stack import NODE_NAMES, Stack

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

THIS_MACHINE = "from objgw_site.server.machine import this_machine; print(this_machine().memory)"
SERVICES = ["gateway", *NODE_NAMES]


def accepts(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=5).close()
    except OSError:
        return False
    return True


def test_the_gateway_is_published_on_this_machine_only(stack: Stack) -> None:
    bindings = stack.gateway.container.attrs["HostConfig"]["PortBindings"]
    assert bindings == {"3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(stack.port)}]}
    # The host's own address on the stack's network stands for any other address of it.
    host = stack.network.attrs["IPAM"]["Config"][0]["Gateway"]
    assert accepts("127.0.0.1", stack.port)
    assert not accepts(host, stack.port)


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7"])
def test_it_is_published_elsewhere_when_told_so(stack: Stack, address: str) -> None:
    configuration = yaml.safe_load(stack.configuration({"OBJGW_BIND_ADDRESS": address}))
    [published] = configuration["services"]["gateway"]["ports"]
    # Version 1 writes the short form, version 2 the long one.
    if isinstance(published, str):
        assert published.startswith(f"{address}:{stack.port}:3000")
    else:
        assert (published["host_ip"], published["published"]) == (address, str(stack.port))


@pytest.mark.parametrize("name", NODE_NAMES)
def test_a_node_has_no_capability_and_can_gain_none(stack: Stack, name: str) -> None:
    container = stack.container(name)
    assert container.attrs["HostConfig"]["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in container.attrs["HostConfig"]["SecurityOpt"]
    assert container.attrs["HostConfig"]["PidsLimit"] > 0
    _, output = container.exec_run(["cat", "/proc/1/status"])
    assert isinstance(output, bytes)
    status = dict(line.split(":", 1) for line in output.decode().splitlines())
    for capabilities in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"):
        assert int(status[capabilities], 16) == 0, status
    assert status["NoNewPrivs"].strip() == "1"


def test_the_gateway_has_so_much_memory_and_so_many_threads(stack: Stack) -> None:
    gateway = stack.gateway
    limit = gateway.container.attrs["HostConfig"]["Memory"]
    assert limit == 2 * 2**30
    assert 0 < gateway.container.attrs["HostConfig"]["PidsLimit"] <= 1024
    # It knows, so that its connections fit in there.
    found = gateway.execute("python", "-c", THIS_MACHINE)
    assert found.output.strip() == str(limit), found.output


@pytest.mark.parametrize("name", SERVICES)
def test_logs_are_bounded(stack: Stack, name: str) -> None:
    log = stack.container(name).attrs["HostConfig"]["LogConfig"]
    assert log["Type"] == "json-file"
    assert log["Config"]["max-size"].endswith("m")
    assert int(log["Config"]["max-file"]) > 1
