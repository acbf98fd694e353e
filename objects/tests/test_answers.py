"""What a node's error answers mean."""

from contextlib import closing

import pytest

from objects import exceptions
from objects.store.answers import NodeProblem, problem_of
from objects.store.request import Request
from objects.store.response import NodeResponse
from objects.store.transport import Pool
from objects.tests.node_server import PATIENCE, NodeServer, says
from problems.problem import Problem


def answer_of(
    status: int, body: bytes = b"", *fields: str, method: str = "GET"
) -> tuple[NodeResponse, Pool]:
    """A node's answer, received over a real connection that is gone afterwards."""
    lines = [f"HTTP/1.1 {status} Oops", f"Content-Length: {len(body)}", "Connection: close"]
    head = "\r\n".join([*lines, *fields]).encode() + b"\r\n\r\n"
    data = head if method == "HEAD" else head + body
    with NodeServer(says(data, then_wait=False)) as server:
        pool = Pool("127.0.0.1", server.port, connect_timeout=PATIENCE, read_timeout=PATIENCE)
        return pool.exchange(Request(method, "/b/o", {}, repeatable=False)), pool


def error_document(code: str, *, namespace: bool = False, extra: str = "") -> bytes:
    xmlns = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"' if namespace else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error{xmlns}><Code>{code}</Code>'
        f"<Message>in words</Message>{extra}</Error>"
    ).encode()


@pytest.mark.parametrize(
    ("body", "fields", "code"),
    [
        (error_document("NoSuchKey"), (), "NoSuchKey"),
        (error_document("NoSuchKey", namespace=True), (), "NoSuchKey"),
        (error_document("Ignored"), ("X-Minio-Error-Code: SlowDown",), "SlowDown"),
        (b"", (), ""),
        (b"<html><body>502 Bad Gateway", (), ""),
        (b"\0\xff\xfe not XML", (), ""),
        (b"<Error/>", (), ""),
        (b"<Error><Code/></Error>", (), ""),
    ],
)
def test_the_code(body: bytes, fields: tuple[str, ...], code: str) -> None:
    answer, _ = answer_of(400, body, *fields)
    assert NodeProblem.of(answer).code == code


def test_a_disk_that_fills_up_while_it_is_written_to() -> None:
    """As MinIO has it: an internal error, whose words give the cause."""
    words = "We encountered an internal error, please try again.: cause(no space left on device)"
    body = error_document("InternalError").replace(b"in words", words.encode())
    answer, _ = answer_of(500, body)
    assert isinstance(problem_of(answer, "POST /b/o"), exceptions.NodeFull)


@pytest.mark.parametrize(
    "code", ["EntityTooLarge", "IncompleteBody", "MetadataTooLarge", "InvalidRange"]
)
def test_no_numbers_that_the_node_did_not_tell(code: str) -> None:
    answer, _ = answer_of(400, error_document(code))
    detail = problem_of(answer, "PUT /b/o").detail
    assert detail
    assert not any(character.isdigit() for character in detail)


def test_any_other_internal_error_is_the_nodes() -> None:
    answer, _ = answer_of(500, error_document("InternalError"))
    assert type(problem_of(answer, "POST /b/o")) is exceptions.NodeError


def test_the_code_of_an_answer_to_head_is_in_a_header() -> None:
    answer, _ = answer_of(404, b"x" * 300, "x-minio-error-code: NoSuchBucket", method="HEAD")
    assert NodeProblem.of(answer).code == "NoSuchBucket"


@pytest.mark.parametrize(
    ("text", "size"), [("10", 10), ("0", 0), ("-1", None), ("ten", None), ("", None)]
)
def test_the_size_of_the_object(text: str, size: int | None) -> None:
    extra = f"<ActualObjectSize>{text}</ActualObjectSize>"
    answer, _ = answer_of(416, error_document("InvalidRange", extra=extra))
    problem = problem_of(answer, "GET /b/o")
    assert isinstance(problem, exceptions.RangeNotSatisfiable)
    assert problem.headers.get("Content-Range") == (None if size is None else f"bytes */{size}")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("NoSuchKey", exceptions.ObjectNotFound),
        ("NoSuchBucket", exceptions.BucketMissing),
        ("PreconditionFailed", exceptions.PreconditionFailed),
        ("BadDigest", exceptions.InvalidDigest),
        ("InvalidDigest", exceptions.InvalidDigest),
        ("EntityTooLarge", exceptions.TooLarge),
        ("IncompleteBody", exceptions.IncompleteBody),
        ("AccessDenied", exceptions.NodeRefusedCredentials),
        ("InvalidAccessKeyId", exceptions.NodeRefusedCredentials),
        ("SignatureDoesNotMatch", exceptions.NodeRefusedCredentials),
        ("XMinioStorageFull", exceptions.NodeFull),
        ("InsufficientStorage", exceptions.NodeFull),
        ("QuotaExceeded", exceptions.NodeFull),
        ("RequestHeaderSectionTooLarge", exceptions.InvalidMetadata),
        ("SlowDown", exceptions.NodeBusy),
        ("TooManyRequests", exceptions.NodeBusy),
        ("ServerBusy", exceptions.NodeBusy),
        ("XMinioServerNotInitialized", exceptions.NodeUnavailable),
        ("XMinioIAMNotInitialized", exceptions.NodeUnavailable),
        ("XMinioBucketMetadataNotInitialized", exceptions.NodeUnavailable),
        ("ClientDisconnected", exceptions.NodeUnavailable),
        ("InternalError", exceptions.NodeError),
        ("SomethingNew", exceptions.NodeError),
    ],
)
def test_what_a_code_means(code: str, kind: type[Problem]) -> None:
    # The status says something else, to show that the code goes first.
    answer, _ = answer_of(507, error_document(code))
    assert type(problem_of(answer, "GET /b/o")) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, exceptions.NodeRefusedCredentials),
        (404, exceptions.ObjectNotFound),
        (412, exceptions.PreconditionFailed),
        (416, exceptions.RangeNotSatisfiable),
        (429, exceptions.NodeBusy),
        (507, exceptions.NodeFull),
        (301, exceptions.NodeError),
        (400, exceptions.NodeError),
        (500, exceptions.NodeError),
        # MinIO answers these on its open connections while it stops: "http: Server closed", and
        # nothing at all to requests that it had begun with.
        (503, exceptions.NodeUnavailable),
        (499, exceptions.NodeUnavailable),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>"])
def test_what_a_status_means_without_a_code(status: int, kind: type[Problem], body: bytes) -> None:
    answer, _ = answer_of(status, body)
    assert type(problem_of(answer, "GET /b/o")) is kind


def test_the_remark_for_the_log_names_what_the_client_is_spared() -> None:
    answer, _ = answer_of(500, error_document("InternalError"), "x-amz-request-id: 17A")
    problem = problem_of(answer, "PUT /b/o")
    for word in ("500", "InternalError", "PUT /b/o", "17A"):
        assert word in problem.remark
    assert "in words" not in problem.detail
    assert "17A" not in str(problem.document("-"))


def test_an_error_answer_that_was_read_gives_its_connection_back() -> None:
    body = error_document("NoSuchKey")
    data = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with NodeServer(says(data)) as server:
        pool = Pool("127.0.0.1", server.port, connect_timeout=PATIENCE, read_timeout=PATIENCE)
        with closing(pool.exchange(Request("GET", "/b/o", {}, repeatable=False))) as answer:
            problem_of(answer, "GET /b/o")
        assert len(pool._idle) == 1
        pool.clear()
