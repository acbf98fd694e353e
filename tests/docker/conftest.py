"""Fixtures of the tests on a real Docker engine. docs/testing.md tells how they fit together."""

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator

import docker
import pytest

from tests.docker.fleet import Fleet, sweep
from tests.docker.stack import ROOT, Stack
from tests.docker.swarm import leave_swarm

MakeFleet = Callable[[int], Fleet]


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    try:
        client = docker.from_env(timeout=120)
    except docker.errors.DockerException as error:
        pytest.skip(f"no Docker engine answers (.ci/engine starts one): {error}")
    sweep(client)
    leave_swarm(client)
    yield client
    sweep(client)
    leave_swarm(client)
    client.close()


@pytest.fixture(scope="session")
def images(engine: docker.DockerClient) -> dict[str, str]:
    """The images that .ci/images finds or makes, unless the environment names them."""
    names = ("OBJGW_BASE_IMAGE", "OBJGW_NODE_IMAGE", "OBJGW_FILTER_IMAGE")
    if all(os.environ.get(name) for name in names):
        return {name: os.environ[name] for name in names}
    run = subprocess.run([ROOT / ".ci/images"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return dict(re.findall(r"(OBJGW_\w+)=(\S+)", run.stdout))


@pytest.fixture(scope="session")
def running_stack(engine: docker.DockerClient, images: dict[str, str]) -> Iterator[Stack]:
    """The compose stack, built and started once for all tests, removed with its volumes."""
    stack = Stack.on_free_port(engine, images)
    if taken := stack.names_taken():
        pytest.fail(f"these containers are of another stack, stop it first: {', '.join(taken)}")
    stack.down()
    try:
        stack.up()
        yield stack
    finally:
        stack.compose("logs", "--tail", "60")
        stack.down()


@pytest.fixture
def stack(running_stack: Stack) -> Iterator[Stack]:
    """The running compose stack. A test leaves it as it was: three nodes, all healthy."""
    started = int(time.time())
    yield running_stack
    print(running_stack.gateway.container.logs(since=started, tail=100).decode())


@pytest.fixture
def make_fleet(running_stack: Stack, images: dict[str, str]) -> Iterator[MakeFleet]:
    """Starts a number of nodes on a network of their own; all of it is gone after the test."""
    with contextlib.ExitStack() as fleets:

        def make(nodes: int) -> Fleet:
            fleet = Fleet(running_stack.engine, running_stack.image, images["OBJGW_NODE_IMAGE"])
            fleets.callback(fleet.close)
            fleet.add_nodes(nodes)
            return fleet

        yield make
