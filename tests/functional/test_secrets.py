"""No credential of any node in anything that the gateway sends, prints or logs."""

import subprocess
import sys
from urllib.parse import quote

import pytest

from demo.harness.children import PROJECT_ROOT
from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import LocalNode, NodeProcess
from tests.functional.conftest import RunGateway, RunNodes, client_of
from tests.functional.stored import id_owned_by
from tests.support.bodies import Body
from tests.support.client import Client, random_id


def credentials_of(nodes: list[LocalNode]) -> set[str]:
    keys = {key for node in nodes for key in (node.access_key, node.secret_key)}
    return keys | {quote(key, safe="") for key in keys}


def found_in(text: str, nodes: list[LocalNode]) -> set[str]:
    return {key for key in credentials_of(nodes) if key in text}


def exercise(client: Client, ids: list[str]) -> list[str]:
    """All that a client gets to see from many kinds of requests, good and bad."""
    answers = [client.request("GET", path) for path in ("/", "/livez", "/readyz", "/nodes", "/no")]
    for object_id in ids:
        path = f"/object/{object_id}"
        answers += [
            client.request("GET", path),
            client.request("PUT", path, {"Content-Type": "text/plain"}, b"body"),
            client.request("PUT", path, {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}, b"body"),
            client.request("PUT", path, {}, Body(9 * 2**20)),
            client.request("HEAD", path),
            client.request("GET", path, headers={"Range": "bytes=0-3"}),
            client.request("GET", path, headers={"Range": "bytes=99999999999-"}),
            client.request("DELETE", path),
            client.request("PATCH", path),
        ]
    answers.append(client.request("PUT", "/object/a-b", {}, b"x"))
    assert {answer.status // 100 for answer in answers} >= {2, 4}
    return [f"{answer.status} {answer.headers} {answer.body!r}" for answer in answers]


def test_answers_and_log_of_healthy_nodes(
    gateway: GatewayProcess, s3_nodes: list[NodeProcess]
) -> None:
    ids = [id_owned_by(process, s3_nodes) for process in s3_nodes]
    nodes = [process.node for process in s3_nodes]
    seen = exercise(client_of(gateway), ids)
    assert not found_in("\n".join(seen), nodes)
    log = gateway.log.read_text()
    assert "DEBUG" in log, "the log is not at debug level, so this test would prove little"
    assert not found_in(log, nodes)


def test_answers_and_log_of_dead_nodes(run_nodes: RunNodes, run_gateway: RunGateway) -> None:
    processes = run_nodes(2)
    nodes = [process.node for process in processes]
    gateway = run_gateway(processes)
    client = client_of(gateway)
    client.put(id_owned_by(processes[0], processes), b"x")
    for process in processes:
        process.kill()
    answers = [client.put(random_id(), b"x") for _ in range(10)]
    assert {answer.status for answer in answers} == {503}
    assert not found_in("\n".join(map(repr, answers)), nodes)
    assert not found_in(gateway.log.read_text(), nodes)


@pytest.mark.parametrize("command", [["shownodes"], ["shownodes", "--json"], ["check"]])
def test_output_of_commands(
    gateway: GatewayProcess, s3_nodes: list[NodeProcess], command: list[str]
) -> None:
    run = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=PROJECT_ROOT,
        env=gateway.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    nodes = [process.node for process in s3_nodes]
    if command[0] == "shownodes":
        assert all(node.name in run.stdout for node in nodes)
    assert not found_in(run.stdout + run.stderr, nodes)


def test_a_broken_entry_of_the_setting_is_not_quoted(s3_nodes: list[NodeProcess]) -> None:
    node = s3_nodes[0].node
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=PROJECT_ROOT,
        env={
            "DJANGO_SETTINGS_MODULE": "objgw_site.settings",
            "OBJGW_DISCOVERY": "static",
            "OBJGW_NODES": node.setting.replace("http://", "ftp://"),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert "OBJGW_NODES" in run.stderr
    assert not found_in(run.stdout + run.stderr, [node])
