"""shownodes, checknodes and stats as an operator runs them, on real nodes, one of them stopped."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from demo.harness.gateway import gateway_environment
from demo.harness.s3nodes import NodeProcess
from tests.functional.conftest import RunGateway, RunNodes, client_of
from tests.functional.stored import BUCKET, s3_client
from tests.support.servers import clean_environ
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


def environment(nodes: Sequence[NodeProcess]) -> dict[str, str]:
    base = {**clean_environ(), "OBJGW_CONNECT_TIMEOUT": "1", "COLUMNS": "80"}
    return gateway_environment((process.node for process in nodes), environ=base)


def run(nodes: Sequence[NodeProcess], *arguments: str) -> subprocess.CompletedProcess[str]:
    found = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(nodes),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in found.stderr
    assert "\x1b" not in found.stdout + found.stderr
    secrets = [process.node.secret_key for process in nodes]
    assert not any(secret in found.stdout + found.stderr for secret in secrets)
    return found


def keys_on(process: NodeProcess) -> list[str]:
    with s3_client(process.node) as client:
        if not client.bucket_exists(BUCKET):
            return []
        return [str(each.object_name) for each in client.list_objects(BUCKET, recursive=True)]


def put_on(process: NodeProcess, key: str, folder: Path) -> None:
    file = folder / "body"
    file.write_bytes(b"misplaced")
    with s3_client(process.node) as client:
        client.fput_object(BUCKET, key, str(file))


def test_checking_and_counting(
    run_nodes: RunNodes, run_gateway: RunGateway, tmp_path: Path
) -> None:
    nodes = run_nodes(3)
    client = client_of(run_gateway(nodes))
    for number in range(60):
        assert client.put(f"id{number}", b"x" * 10).status == 201
    before = {process.node.name: keys_on(process) for process in nodes}

    checked = run(nodes, "checknodes", "--size", "64KiB")
    assert checked.returncode == 0, checked.stderr
    head, *rows = checked.stdout.splitlines()
    assert head.split() == ["NAME", "WORKS", "WRITE", "READ", "LIST", "DELETE"]
    assert [row.split()[:2] for row in rows] == [[name, "yes"] for name in sorted(before)]
    assert max(map(len, checked.stdout.splitlines())) <= 80
    # Nothing is left behind.
    assert {process.node.name: keys_on(process) for process in nodes} == before

    counted = run(nodes, "stats")
    assert counted.returncode == 0, counted.stderr
    assert max(map(len, counted.stdout.splitlines())) <= 80
    assert counted.stdout.splitlines()[-1].split() == ["total", "60", "600", "B"]

    # An object where nobody looks for it, and a key that is no id.
    owner = next(process for process in nodes if "id0" in before[process.node.name])
    other = next(process for process in nodes if process is not owner)
    put_on(other, "id0", tmp_path)
    put_on(other, "no-id", tmp_path)
    counted = run(nodes, "stats", "--json")
    document = json.loads(counted.stdout)
    assert (document["objects"], document["bytes"], document["problem"]) == (60, 600, None)
    for node in document["nodes"]:
        keys = before[node["name"]]
        assert node["objects"] == len(keys)
        assert node["off_by"] == pytest.approx(len(keys) / 20 - 1)
        strays = int(node["name"] == other.node.name)
        assert (node["misplaced"], node["foreign"]) == (strays, strays)

    owner.stop()
    checked = run(nodes, "checknodes")
    assert checked.returncode == 1
    assert checked.stdout.count("failed") >= 1
    assert f"1 of 3 nodes do not work: {owner.node.name}" in checked.stderr
    counted = run(nodes, "stats", "--json")
    document = json.loads(counted.stdout)
    assert counted.returncode == 1
    assert not document["complete"]
    assert document["problem"] == f"1 of 3 nodes cannot be counted: {owner.node.name}"
    assert document["objects"] == 60 - len(before[owner.node.name])


@pytest.mark.parametrize("command", ["checknodes", "stats", "shownodes"])
def test_without_nodes(command: str) -> None:
    found = run([], command, "--json")
    assert found.returncode == 1
    document = json.loads(found.stdout)
    assert document["nodes"] == []
    assert "OBJGW_NODES is empty" in document["problem"]
    assert found.stderr.splitlines() == [f"CommandError: {document['problem']}"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("checknodes", "--size", "0"),
        ("checknodes", "--size", "1G"),
        ("checknodes", "--timeout", "never"),
        ("stats", "--timeout", "-1"),
        ("shownodes", "--watch", "0"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    found = run([], *arguments)
    assert found.returncode == 2
    assert f"argument {arguments[1]}: '{arguments[2]}' is no number of " in found.stderr


def test_watching(run_nodes: RunNodes, tmp_path: Path) -> None:
    """A line at first, and one when something has changed, until Ctrl-C."""
    nodes = run_nodes(2)
    lines = tmp_path / "lines"
    with lines.open("w") as out, (tmp_path / "errors").open("w+") as errors:
        watching = subprocess.Popen(
            [sys.executable, "manage.py", "shownodes", "--watch", "0.2", "--json"],
            cwd=ROOT,
            env=environment(nodes),
            stdout=out,
            stderr=errors,
        )
        try:

            def seen() -> list[Any]:
                return [json.loads(line) for line in lines.read_text().splitlines()]

            first = eventually(seen, "the first line", 60)
            assert [document["problem"] for document in first] == [None]
            nodes[0].stop()
            name = nodes[0].node.name
            problem = f"1 of 2 nodes cannot serve: {name}"
            eventually(lambda: seen()[-1]["problem"] == problem, "the node is seen to be down", 60)
            os.kill(watching.pid, 2)
            assert watching.wait(60) == 130
        finally:
            watching.kill()
            watching.wait()
        errors.seek(0)
        assert errors.read() == "CommandError: interrupted\n"


def test_nobody_reads(run_nodes: RunNodes) -> None:
    nodes = run_nodes(1)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nowhere:
        found = subprocess.run(
            [sys.executable, "manage.py", "shownodes"],
            cwd=ROOT,
            env=environment(nodes),
            stdout=nowhere,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert found.returncode == 141
    assert found.stderr == "CommandError: nobody reads the output\n"
