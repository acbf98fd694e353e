"""The line of a request: what it has, that it fits into a pipe, and that it tells no secret."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.access import BATCH, AccessLog, shown

PIPE_BUF = 4096


def written(form: str = "json", **given: Any) -> str:
    file = io.BytesIO()
    fields: dict[str, Any] = {
        "request_id": "the-id",
        "client": "192.0.2.7",
        "method": "GET",
        "target": "/object/abc?x=1",
        "status": "503",
        "problem": "node_unavailable",
        "owner": "node-1",
        "bytes_in": 0,
        "bytes_out": 123,
        "seconds": 0.0123456,
    }
    log = AccessLog(form, file)
    log.request(**{"bearer": ("", "")} | fields | given)
    log.flush()
    return file.getvalue().decode()


def test_it_has_what_is_to_be_known_of_a_request() -> None:
    line = json.loads(written())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "objgw.access",
        "event": "request",
        "request_id": "the-id",
        "client": "192.0.2.7",
        "method": "GET",
        "path": "/object/abc?x=1",
        "id": "abc",
        "status": 503,
        "problem": "node_unavailable",
        "owner": "node-1",
        "bytes_in": 0,
        "bytes_out": 123,
        "duration": 0.012346,
    }


def test_for_people_it_is_a_sentence_with_columns_behind_it() -> None:
    line = written("console")
    assert "INFO     objgw.access     [the-id] GET /object/abc?x=1 503 client=192.0.2.7 " in line
    assert line.endswith("\n")
    assert line.count("\n") == 1


def test_what_is_not_there_is_left_out() -> None:
    line = json.loads(written(target="/", problem="", owner=""))
    assert not {"id", "problem", "owner"} & set(line)


@given(target=st.text(), method=st.text(max_size=32), client=st.text(max_size=45))
@pytest.mark.parametrize("form", ["json", "console"])
def test_it_is_one_line_that_is_written_as_a_whole(
    form: str, target: str, method: str, client: str
) -> None:
    line = written(form, target=target * 100, method=method, client=client)
    assert len(line.splitlines()) == 1
    assert line[:-1].isprintable() or form == "console"
    assert len(line.encode()) <= PIPE_BUF


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("/objects?prefix=a&limit=10", "/objects?prefix=a&limit=10"),
        ("/o/k?X-Amz-Signature=abc&x=1", "/o/k?X-Amz-Signature=***&x=1"),
        ("/o/k?X-Amz-Credential=AKIA%2F2026", "/o/k?X-Amz-Credential=***"),
        ("/o/k?AWSAccessKeyId=a&Signature=b", "/o/k?AWSAccessKeyId=***&Signature=***"),
        ("/x?X-Amz-Sign%61ture=abc", "/x?X-Amz-Sign%61ture=***"),
        ("/x?password=hunter2&token", "/x?password=***&token"),
        ("http://user:secret@host/x", "http://***@host/x"),
        ("/" + "a" * 500, "/" + "a" * 299 + "..."),
    ],
)
def test_credentials_are_left_out(target: str, text: str) -> None:
    assert shown(target) == text


def test_a_log_that_nobody_can_write_to_is_no_reason_to_fail() -> None:
    file = io.BytesIO()
    log = AccessLog("json", file)
    file.close()
    log.request(
        request_id="-",
        client="",
        method="GET",
        target="/",
        status="200",
        problem="",
        owner="",
        bearer=("", ""),
        bytes_in=0,
        bytes_out=0,
        seconds=0,
    )
    log.flush()


class Writes(io.BytesIO):
    """Counts the bytes of each write."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def write(self, data: Any) -> int:
        self.sizes.append(len(data))
        return super().write(data)


def test_lines_are_written_together_and_each_as_a_whole() -> None:
    file = Writes()
    log = AccessLog("json", file)

    def ask(number: int) -> None:
        log.request(
            request_id=str(number),
            client="192.0.2.7",
            method="GET",
            target="/" + "x" * (number % 300),
            status="200",
            problem="",
            owner="",
            bearer=("", ""),
            bytes_in=0,
            bytes_out=0,
            seconds=0,
        )

    for number in range(BATCH - 1):
        ask(number)
    assert file.getvalue() == b""
    ask(BATCH - 1)
    lines = file.getvalue().splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == list(map(str, range(BATCH)))
    assert len(file.sizes) < BATCH / 4
    assert max(file.sizes) <= PIPE_BUF
    ask(BATCH)
    log.flush()
    assert len(file.getvalue().splitlines()) == BATCH + 1
