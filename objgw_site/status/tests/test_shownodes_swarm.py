"""``manage.py shownodes`` on a swarm: which machine, and what a node waits for."""

import copy
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from nodes.discovery import daemon
from nodes.tests.engine import NAME, Engine
from objgw_site.management.commands.shownodes import node_table
from objgw_site.status.report import NodeReport
from terminal.tables import Look

ANSWERS = json.loads(
    (Path(__file__).parents[3] / "nodes/tests/swarm_answers.json").read_text(encoding="utf-8")
)
WAITS = "its task is pending: no suitable node (scheduling constraints not satisfied on 1 node)"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Engine]:
    engine = Engine(tmp_path / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    monkeypatch.setattr(daemon, "own_container_candidates", lambda *_: [])
    settings.OBJGW_DISCOVERY = "swarm"
    settings.OBJGW_NODE_NAME = NAME
    settings.OBJGW_EXPECTED_NODES = None
    answers = copy.deepcopy(ANSWERS)
    tasks = answers["pending"]
    for task in tasks:
        # Nothing answers at the addresses that were recorded.
        for attachment in task.get("NetworksAttachments") or ():
            attachment["Addresses"] = ["127.0.0.1/8"]
    engine.swarm = {"services": answers["services"], "nodes": answers["nodes"], "tasks": tasks}
    engine.start()
    yield engine
    engine.stop()


def show(*arguments: str) -> str:
    out = io.StringIO()
    with pytest.raises(CommandError, match="nodes cannot serve"):
        call_command("shownodes", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("engine")
def test_one_that_waits_for_a_machine_says_so_in_swarms_words() -> None:
    head, *rows = show().splitlines()
    assert head.split() == ["INDEX", "NAME", "MACHINE", "ADDRESS", "STATE", "HEALTHY", "SHARE"]
    [waiting] = [row for row in rows if f"{NAME}.2 " in row]
    assert (waiting.split()[2], waiting.split()[4]) == ("-", "pending")
    assert f"no: {WAITS}" in waiting
    assert {row.split()[2] for row in rows if row is not waiting} == {"vm"}


@pytest.mark.usefixtures("engine")
def test_machine_service_and_slot_for_scripts() -> None:
    nodes: list[dict[str, Any]] = json.loads(show("--json"))["nodes"]
    service = nodes[0]["service"]
    assert [(node["machine"], node["service"], node["slot"]) for node in nodes] == [
        ("vm", service, 1),
        (None, service, 2),
        ("vm", service, 3),
    ]
    assert [node["name"] for node in nodes] == [f"{service}.{node['slot']}" for node in nodes]
    assert nodes[1]["reason"] == WAITS


def report(name: str, *, machine: str | None = None, reason: str | None = None) -> NodeReport:
    return NodeReport(
        0,
        name,
        "10.0.1.11:9000" if machine else None,
        "running" if machine else "pending",
        reason is None,
        reason,
        0.5,
        machine=machine,
        service=name.partition(".")[0],
    )


@pytest.mark.parametrize("service", ["objgw_node", "demo_amazin-object-storage-node"])
def test_it_fits_80_columns_and_leaves_nothing_out(service: str) -> None:
    nodes = (report(f"{service}.1", machine="storage-1"), report(f"{service}.2", reason=WAITS))
    text = node_table(nodes, Look(live=True, colour=False, width=80))
    assert max(len(line) for line in text.splitlines()) <= 80
    assert all(word in text for word in (*WAITS.split(), "storage-1", "10.0.1.11:9000"))
    wide = node_table(nodes, Look(live=True, colour=False, width=400))
    assert f"no: {WAITS}" in wide
