"""``manage.py shownodes`` where there is nothing to show: it says why, as JSON too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nodes.tests.engine import NAME, Container, Engine

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path / "docker.sock")


def show(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, run as an operator runs it."""
    foreign = ("OBJGW_", "DOCKER_", "DJANGO_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    found = subprocess.run(
        [sys.executable, "manage.py", "shownodes", *arguments],
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in found.stderr
    assert found.returncode == 1
    return found


def problem_of(found: subprocess.CompletedProcess[str]) -> str:
    """The problem in the JSON, which is the error on stderr as well."""
    document = json.loads(found.stdout)
    assert document["nodes"] == []
    assert document["problem"] in found.stderr
    return str(document["problem"])


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_without_a_node(engine: Engine, arguments: tuple[str, ...]) -> None:
    engine.start()
    try:
        found = show(*arguments, DOCKER_HOST=engine.url)
    finally:
        engine.stop()
    assert f"There is no node: Docker at {engine.url} has no container with" in found.stderr
    assert f"'{NAME}' in its name" in found.stderr
    assert len(found.stderr.splitlines()) == 1
    if arguments:
        assert problem_of(found).startswith("There is no node")
    else:
        assert found.stdout == ""


def test_without_a_node_in_a_static_list() -> None:
    found = show("--json", OBJGW_DISCOVERY="static")
    assert "OBJGW_NODES is empty" in problem_of(found)


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_docker_out_of_reach(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    url = f"unix://{tmp_path}/none.sock"
    found = show(*arguments, DOCKER_HOST=url)
    assert f"Docker does not answer at {url}: " in found.stderr
    assert len(found.stderr.splitlines()) == 1
    if arguments:
        assert url in problem_of(found)
    else:
        assert found.stdout == ""


def test_a_daemon_that_does_not_answer_is_named() -> None:
    found = show("--json", DOCKER_HOST="tcp://127.0.0.1:1")
    assert "Docker does not answer at tcp://127.0.0.1:1: " in problem_of(found)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("docker", "docker"),
        ("tcp://127.0.0.1:port", "tcp://127.0.0.1:port"),
        ("tcp://127.0.0.1:99999", "tcp://127.0.0.1:99999"),
        ("tcp://", "tcp://"),
        ("nonsense://x", "nonsense://x"),
        ("npipe:////./pipe/docker_engine", "npipe:////./pipe/docker_engine"),
        ("ssh://nobody@127.0.0.1:1", "ssh://127.0.0.1:1"),
        ("tcp://user:hush-hush@127.0.0.1:1", "tcp://127.0.0.1:1"),
    ],
)
def test_no_daemon_can_be_there(url: str, shown: str) -> None:
    found = show("--json", DOCKER_HOST=url)
    problem = problem_of(found)
    assert problem.startswith("DOCKER_HOST must be ")
    assert problem.endswith(f"not '{shown}'.")
    assert "hush-hush" not in found.stdout + found.stderr


def test_nodes_that_cannot_serve_are_a_problem_in_the_json_too(engine: Engine) -> None:
    engine.containers = [Container(f"{NAME}-1", 1, state="exited")]
    engine.start()
    try:
        found = show("--json", DOCKER_HOST=engine.url)
    finally:
        engine.stop()
    document = json.loads(found.stdout)
    assert document["problem"] == f"1 of 1 nodes cannot serve: {NAME}-1"
    assert [node["name"] for node in document["nodes"]] == [f"{NAME}-1"]
