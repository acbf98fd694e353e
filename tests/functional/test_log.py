"""What stands in the gateway's log: every request when it is asked for, and nothing forged."""

import re
from pathlib import Path

import pytest

from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import NodeProcess, S3Server
from tests.functional.conftest import RunGateway, client_of
from tests.support.client import Answer, random_id
from tests.support.servers import SharedServers
from tests.support.waiting import eventually

#: When, level, logger, request id.
PREFIX = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3} [A-Z]+ [a-z._]+ \[[^ \]]+\] "
ACCESS = re.compile(
    PREFIX.replace("[a-z._]+", "gunicorn.access")
    + r'127\.0\.0\.1 "(?P<method>\S+) (?P<path>\S+) \S+" (?P<status>[0-9]{3}) (?P<bytes>[0-9]+) '
    r'[0-9]+\.[0-9]{6} "'
)


def access_line(gateway: GatewayProcess, answer: Answer) -> re.Match[str]:
    """The one line in the access log with the answer's request id."""
    request_id = answer.headers["x-request-id"]

    def lines() -> list[str]:
        log = gateway.log.read_text(errors="replace").splitlines()
        return [line for line in log if f"gunicorn.access [{request_id}]" in line]

    eventually(lambda: bool(lines()), f"there is a line about {request_id}")
    [line] = lines()
    found = ACCESS.match(line)
    assert found, line
    return found


@pytest.fixture(
    scope="module",
    params=[{"OBJGW_ACCESS_LOG": "true", "OBJGW_LOG_LEVEL": "info"}, {}],
    ids=["asked for", "level debug"],
)
def logging_gateway(
    request: pytest.FixtureRequest, server: S3Server, shared: SharedServers
) -> GatewayProcess:
    """With an access log because it is asked for, or because the level is debug."""
    return shared.gateway(server, **request.param)


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
        assert (line["method"], line["path"], line["status"]) == (method, target, str(status))
        assert int(line["bytes"]) == len(answer.body)


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
    assert (line["status"], line["bytes"]) == (str(status), str(len(answer.body)))
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
    gateway = run_gateway(s3_nodes, OBJGW_LOG_LEVEL="info")
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
def test_a_path_forges_no_line(logging_gateway: GatewayProcess, target: str) -> None:
    answer = client_of(logging_gateway).request(
        "GET", target, headers={"User-Agent": "x\x9b31m\x85" + FORGED}
    )
    assert answer.status in {400, 404}
    access_line(logging_gateway, answer)
    assert_nothing_forged(logging_gateway.log)


def assert_nothing_forged(log: Path) -> None:
    data = log.read_bytes()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", data)
    text = data.decode()
    assert not re.search("[\x80-\x9f\u2028\u2029]", text)
    records = [line for line in text.split("\n") if line and not line.startswith("  ")]
    for record in records:
        assert re.match(PREFIX, record), record
        assert not re.match(r"\S+ \S+ ERROR objgw.forged", record), record


def test_all_lines_have_one_form(s3_nodes: list[NodeProcess], run_gateway: RunGateway) -> None:
    """gunicorn's own, too."""
    gateway = run_gateway(s3_nodes)
    client_of(gateway).get_object("abc")
    gateway.stop()
    eventually(lambda: "Shutting down" in gateway.log.read_text(), "the master says that it ends")
    assert " INFO gunicorn.error [-] Booting worker with pid" in gateway.log.read_text()
    assert_nothing_forged(gateway.log)
