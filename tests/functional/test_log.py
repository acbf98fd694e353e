"""What stands in the gateway's log: every request when it is asked for, and nothing forged."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import NodeProcess, S3Server
from tests.functional.conftest import RunGateway, client_of
from tests.support.client import Answer, random_id
from tests.support.servers import SharedServers
from tests.support.waiting import eventually

#: When, level, logger, request id.
PREFIX = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3} [A-Z]+ +[a-z._]+ +\[[^ \]]+\] "


def access_line(gateway: GatewayProcess, answer: Answer) -> dict[str, Any]:
    """The one line in the access log with the answer's request id."""
    request_id = answer.headers["x-request-id"]

    def lines() -> list[dict[str, Any]]:
        log = [json.loads(line) for line in gateway.log.read_text().splitlines()]
        return [
            line
            for line in log
            if line["logger"] == "objgw.access" and line["request_id"] == request_id
        ]

    eventually(lambda: bool(lines()), f"there is a line about {request_id}")
    [line] = lines()
    return line


@pytest.fixture(scope="module")
def logging_gateway(server: S3Server, shared: SharedServers) -> GatewayProcess:
    """Logs as in production."""
    return shared.gateway(server, OBJGW_LOG_FORMAT="json")


@pytest.fixture(scope="module")
def gateway_for_people(server: S3Server, shared: SharedServers) -> GatewayProcess:
    """Logs as in development."""
    return shared.gateway(server, OBJGW_LOG_FORMAT="console")


def test_every_request_can_be_found_by_its_id(logging_gateway: GatewayProcess) -> None:
    client = client_of(logging_gateway)
    name = random_id()
    path = f"/object/{name}"
    for method, target, body, status in (
        ("PUT", path, b"hello", 201),
        ("GET", path, None, 200),
        ("HEAD", path, None, 200),
        ("GET", f"{path}?x=1", None, 200),
        ("DELETE", path, None, 204),
        ("GET", path, None, 404),
        ("GET", "/object/a-b", None, 400),
        ("GET", "/nowhere", None, 404),
        ("POST", "/objects", b"", 405),
        ("GET", "/livez", None, 200),
    ):
        answer = client.request(method, target, {}, body)
        assert answer.status == status
        line = access_line(logging_gateway, answer)
        assert (line["method"], line["path"], line["status"]) == (method, target, status)
        assert line["bytes_in"] == len(body or b"")
        assert line["bytes_out"] == len(answer.body)
        assert line["client"] == "127.0.0.1"
        assert 0 < line["duration"] < 60
        if target.startswith(path):
            assert line["id"] == name
            assert line["owner"].startswith("amazin-object-storage-node-")
        assert line.get("problem") == (answer.json["code"] if status >= 400 else None)


def test_who_asks_is_whom_a_trusted_proxy_names(logging_gateway: GatewayProcess) -> None:
    headers = {"X-Forwarded-For": "198.51.100.1, 192.0.2.7, 127.0.0.1"}
    answer = client_of(logging_gateway).request("GET", "/livez", headers)
    assert access_line(logging_gateway, answer)["client"] == "192.0.2.7"


def test_nobody_else_is_believed(s3_nodes: list[NodeProcess], run_gateway: RunGateway) -> None:
    gateway = run_gateway(s3_nodes, OBJGW_LOG_FORMAT="json", OBJGW_TRUSTED_PROXIES="10.0.0.0/8")
    answer = client_of(gateway).request("GET", "/livez", {"X-Forwarded-For": "192.0.2.7"})
    assert access_line(gateway, answer)["client"] == "127.0.0.1"


def test_a_credential_in_a_query_is_not_logged(logging_gateway: GatewayProcess) -> None:
    answer = client_of(logging_gateway).get("/livez?X-Amz-Signature=hush-hush&x=1")
    line = access_line(logging_gateway, answer)
    assert line["path"] == "/livez?X-Amz-Signature=***&x=1"
    assert "hush-hush" not in logging_gateway.log.read_text()


@pytest.mark.parametrize(
    ("request_", "status", "method"),
    [
        (b"nonsense\r\n\r\n", 400, "-"),
        (b"GET /x HTTP/1.1\r\n\r\n", 400, "GET"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "-"),
        (b"GET /x HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 9000 + b"\r\n\r\n", 431, "GET"),
        (b"PUT /x HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417, "PUT"),
    ],
)
def test_what_is_refused_before_django_too(
    logging_gateway: GatewayProcess, request_: bytes, status: int, method: str
) -> None:
    answer = client_of(logging_gateway).raw(request_)
    assert answer.status == status
    line = access_line(logging_gateway, answer)
    assert (line["status"], line["bytes_out"]) == (status, len(answer.body))
    assert line["problem"] == answer.json["code"]
    assert line["method"] in {method, "-"}


@pytest.mark.parametrize(
    ("line", "status"),
    [("BREW /object/x?y=1 HTTP/1.1", 501), ("brew /x HTTP/1.1", 501), ("GET /x HTTP/2.0", 505)],
)
def test_what_is_not_spoken_is_named(
    logging_gateway: GatewayProcess, line: str, status: int
) -> None:
    answer = client_of(logging_gateway).raw(f"{line}\r\nHost: x\r\n\r\n".encode())
    assert answer.status == status
    found = access_line(logging_gateway, answer)
    assert [found["method"], found["path"]] == line.split()[:2]


def test_without_an_access_log_nothing_but_failures_leaves_a_line(
    s3_nodes: list[NodeProcess], run_gateway: RunGateway
) -> None:
    gateway = run_gateway(s3_nodes, OBJGW_LOG_LEVEL="info", OBJGW_ACCESS_LOG="false")
    answer = client_of(gateway).get_object(random_id())
    assert answer.status == 404
    assert answer.headers["x-request-id"] not in gateway.log.read_text()


FORGED = "2026-11-24 00:00:00,000 ERROR objgw.forged [-] the house is on fire"


@pytest.mark.parametrize(
    "target",
    [
        "/a%0A" + FORGED.replace(" ", "%20"),
        "/a%E2%80%A8" + FORGED.replace(" ", "%20"),
        "/%1B[31mred",
        "/object/a%0D%0A" + FORGED.replace(" ", "%20"),
        "/objects?after=%0A" + FORGED.replace(" ", "%20") + "&limit=x",
        "/objects?limit=%0A" + FORGED.replace(" ", "%20"),
    ],
)
def test_a_path_forges_no_line(
    logging_gateway: GatewayProcess, gateway_for_people: GatewayProcess, target: str
) -> None:
    headers = {"User-Agent": "x\x9b31m\x85" + FORGED}
    answer = client_of(logging_gateway).request("GET", target, headers)
    assert answer.status in {400, 404}
    access_line(logging_gateway, answer)
    for line in logging_gateway.log.read_text().splitlines():
        assert line.isprintable()
        assert json.loads(line)["logger"] != "objgw.forged"
    answer = client_of(gateway_for_people).request("GET", target, headers)
    request_id = answer.headers["x-request-id"]
    eventually(
        lambda: f"objgw.access     [{request_id}]" in gateway_for_people.log.read_text(),
        "the request is logged",
    )
    assert_nothing_forged(gateway_for_people.log)


def assert_nothing_forged(log: Path) -> None:
    data = log.read_bytes()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", data)
    text = data.decode()
    assert not re.search("[\x80-\x9f\u2028\u2029]", text)
    records = [line for line in text.split("\n") if line and not line.startswith("  ")]
    for record in records:
        assert re.match(PREFIX, record), record
        assert not re.match(r"\S+ \S+ ERROR +objgw.forged", record), record


def test_all_lines_have_one_form(s3_nodes: list[NodeProcess], run_gateway: RunGateway) -> None:
    """gunicorn's own, too."""
    gateway = run_gateway(s3_nodes)
    client_of(gateway).get_object("abc")
    gateway.stop()
    eventually(lambda: "Shutting down" in gateway.log.read_text(), "the master says that it ends")
    log = gateway.log.read_text()
    assert " INFO     gunicorn.error   [-] Booting worker with pid" in log
    assert_nothing_forged(gateway.log)


def test_all_lines_are_json_where_that_is_wanted(
    s3_nodes: list[NodeProcess], run_gateway: RunGateway
) -> None:
    gateway = run_gateway(s3_nodes, OBJGW_LOG_FORMAT="json")
    client_of(gateway).get_object("abc")
    gateway.stop()
    eventually(lambda: "Shutting down" in gateway.log.read_text(), "the master says that it ends")
    lines = [json.loads(line) for line in gateway.log.read_text().splitlines()]
    assert {line["logger"] for line in lines} >= {"gunicorn.error", "objgw.access"}
    for line in lines:
        assert {"timestamp", "level", "logger", "event"} <= set(line)


def test_a_file_is_for_programs_unless_told_otherwise(
    s3_nodes: list[NodeProcess], run_gateway: RunGateway
) -> None:
    """No terminal, and no development."""
    gateway = run_gateway(s3_nodes, OBJGW_LOG_FORMAT="")
    assert all(json.loads(line) for line in gateway.log.read_text().splitlines())
