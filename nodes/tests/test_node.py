"""What a node is: its address, what keeps it from serving, and that its keys are never shown."""

import logging
import traceback
from dataclasses import replace

import pytest

from nodes.membership import Snapshot, Status
from nodes.node import Credentials, Node, NodeState

NODE = Node(
    "node-1", "192.0.2.1", 9000, NodeState.RUNNING, Credentials("ACCESS-5fb0", "SECRET-9c41")
)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1:9000"),
        ("node-1.example", "node-1.example:9000"),
        ("2001:db8::1", "[2001:db8::1]:9000"),
        ("::1", "[::1]:9000"),
        (None, None),
    ],
)
def test_the_address_as_it_stands_in_a_url(host: str | None, address: str | None) -> None:
    assert replace(NODE, host=host).address == address


SWARM_STATES = [
    NodeState(name)
    for name in (
        *("new", "pending", "assigned", "accepted", "preparing", "ready", "starting"),
        *("complete", "shutdown", "failed", "rejected", "remove", "orphaned"),
    )
]


@pytest.mark.parametrize(
    ("state", "obstacle"),
    [
        (NodeState.CREATED, "its container is created"),
        (NodeState.RUNNING, None),
        (NodeState.PAUSED, "its container is paused"),
        (NodeState.RESTARTING, "its container is restarting"),
        (NodeState.REMOVING, "its container is removing"),
        (NodeState.EXITED, "its container is exited"),
        (NodeState.DEAD, "its container is dead"),
        *((state, f"its container is {state}") for state in SWARM_STATES),
        (NodeState.ASSUMED, None),
        (NodeState.UNKNOWN, None),
        (NodeState.MISSING, "the layout names it, and there is no such container"),
    ],
)
def test_what_each_state_means(state: NodeState, obstacle: str | None) -> None:
    assert replace(NODE, state=state).down_reason == obstacle


def test_every_state_is_in_the_table_above() -> None:
    (mark,) = test_what_each_state_means.pytestmark  # type: ignore[attr-defined]
    assert {state for state, _ in mark.args[1]} == set(NodeState)


def test_what_the_backend_says_of_it_goes_before_its_state() -> None:
    node = replace(NODE, state=NodeState.PENDING, trouble="its task is pending: no suitable node")
    assert node.down_reason == "its task is pending: no suitable node"
    assert replace(node, state=NodeState.RUNNING).down_reason is None


def test_other_obstacles() -> None:
    assert replace(NODE, obstacle="its label is odd").down_reason == "its label is odd"
    assert "no address" in str(replace(NODE, host=None).down_reason)
    assert "no credentials" in str(replace(NODE, credentials=None).down_reason)
    # The state comes first: a stopped container has no address either.
    assert "exited" in str(replace(NODE, state=NodeState.EXITED, host=None).down_reason)


@pytest.mark.parametrize("text", ["", "Running", "sleeping"])
def test_a_state_that_we_do_not_know(text: str) -> None:
    assert NodeState.parse(text) is NodeState.UNKNOWN
    assert NodeState.parse("paused") is NodeState.PAUSED


@pytest.mark.parametrize(
    "thing",
    [
        NODE.credentials,
        NODE,
        [NODE],
        Snapshot((NODE,), 0.0),
        Status(Snapshot((NODE,), 0.0), "failed"),
        ValueError(NODE),
    ],
)
def test_keys_are_never_shown(thing: object, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("objgw").debug("%s %r", thing, thing)
    shown = f"{thing} {thing!r} {thing!s:>500} {caplog.text}"
    if isinstance(thing, Exception):
        shown += "".join(traceback.format_exception(thing))
    assert "ACCESS-5fb0" not in shown
    assert "SECRET-9c41" not in shown
    assert NODE.name in shown or thing is NODE.credentials
