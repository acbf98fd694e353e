"""What honest clients do wrong is refused before it is stored, in words that they show."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import boto3
import pytest
import requests
import urllib3
from botocore import UNSIGNED
from botocore.client import Config
from botocore.exceptions import ClientError
from minio import Minio
from minio.error import S3Error, ServerError

from demo.harness.gateway import GatewayProcess
from tests.contract.test_clients import curl
from tests.support.client import Answer, Client, random_id

CODE = "NotAnS3Endpoint"


@pytest.fixture
def object_id(http: Client) -> Iterator[str]:
    """Of an object that is not there, and must not be there afterwards."""
    found = random_id()
    yield found
    assert http.get(f"/object/{found}").code == "object_not_found"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.txt"
    path.write_text("hello\n")
    return path


def test_curl_f_is_told_how_to_send_a_file(
    gateway: GatewayProcess, object_id: str, tmp_path: Path, file: Path
) -> None:
    for method in ([], ["-X", "PUT"]):
        url = f"{gateway.url}/object/{object_id}"
        printed = curl(tmp_path, *method, "-F", f"file=@{file.name}", "-w", "\n%{http_code}", url)
        assert printed.endswith("\n415" if method else "\n405"), printed
    assert "curl -T" in printed
    assert "--data-binary" in printed


def test_requests_files_is_told_how_to_send_a_file(
    gateway: GatewayProcess, object_id: str, file: Path
) -> None:
    with file.open("rb") as opened:
        answer = requests.put(
            f"{gateway.url}/object/{object_id}", files={"file": opened}, timeout=30
        )
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "data=" in answer.json()["detail"]


@pytest.mark.parametrize(
    "media_type",
    [
        "multipart/form-data",
        "Multipart/Form-Data; boundary=x",
        "multipart/form-data ;boundary=x",
        "multipart/form-data\t",
    ],
)
def test_an_envelope_is_not_stored(http: Client, object_id: str, media_type: str) -> None:
    answer = http.put(object_id, b"--x--", Content_Type=media_type)
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "media_type",
    ["multipart/mixed; boundary=x", "multipart/form-data-not", "x/multipart/form-data"],
)
def test_other_types_are_stored(http: Client, media_type: str) -> None:
    object_id = random_id()
    assert http.put(object_id, b"--x--", Content_Type=media_type).status == 201
    assert http.get(f"/object/{object_id}")["Content-Type"] == media_type


@pytest.mark.not_on_moto("it takes the form for its own, and stores nothing")
def test_curl_d_is_stored_as_it_is(gateway: GatewayProcess, tmp_path: Path) -> None:
    """curl says that it is a form, and it is what was meant to be stored."""
    url = f"{gateway.url}/object/{random_id()}"
    curl(tmp_path, "--fail", "-X", "PUT", "-d", '{"a": 1}', url)
    assert curl(tmp_path, "--fail", url) == '{"a": 1}'
    head = curl(tmp_path, "--fail", "-I", url)
    assert "Content-Type: application/x-www-form-urlencoded" in head


@pytest.mark.parametrize("target", ["", "?uploads", "?a=b"])
def test_post_is_told_to_put(http: Client, object_id: str, target: str) -> None:
    answer = http.request("POST", f"/object/{object_id}{target}", {}, b"x")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert f"PUT /object/{object_id}" in answer.json["detail"]
    assert set((answer["Allow"] or "").split(", ")) == {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}


def assert_s3_error(answer: Answer) -> None:
    assert answer.status == 400
    assert answer["Content-Type"] == "application/xml"
    document = ET.fromstring(answer.body)  # noqa: S314
    assert document.tag == "Error"
    assert document.findtext("Code") == CODE
    message = document.findtext("Message") or ""
    assert "not an S3 endpoint" in message
    assert "PUT /object/{id}" in message
    assert document.findtext("RequestId") == answer["X-Request-ID"]


SIGNED = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host"
MARKS: dict[str, dict[str, str]] = {
    "signature 4": {"Authorization": SIGNED},
    "signature 4, in capitals": {"Authorization": SIGNED.lower()},
    "signature 4a": {"Authorization": "AWS4-ECDSA-P256-SHA256 Credential=key"},
    "signature 2": {"Authorization": "AWS key:c2lnbmF0dXJl"},
    "its date": {"X-Amz-Date": "20260101T000000Z"},
    "its digest": {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"},
    "an SDK": {"Amz-Sdk-Invocation-Id": "5f1c0d2e-9b7a-4c3d-8e6f-1a2b3c4d5e6f"},
    "its chunks": {"Content-Encoding": "aws-chunked"},
    "its chunks, coded": {"Content-Encoding": "gzip, AWS-chunked"},
    "the length of its chunks": {"X-Amz-Decoded-Content-Length": "1"},
}
QUERIES = {
    "presigned": "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k&X-Amz-Signature=s",
    "presigned, in another order": "X-Amz-Expires=60&X-Amz-Algorithm=AWS4-HMAC-SHA256",
    "presigned, in small letters": "x-amz-algorithm=AWS4-HMAC-SHA256",
    "presigned, signature 2": "AWSAccessKeyId=k&Expires=1&Signature=s",
}


@pytest.mark.parametrize("headers", MARKS.values(), ids=MARKS)
@pytest.mark.parametrize(
    "path", ["/object/{}", "/objects/{}", "/bucket/{}", "/bucket/a/{}.txt", "/"]
)
def test_nothing_that_was_meant_for_s3_is_stored(
    http: Client, object_id: str, path: str, headers: dict[str, str]
) -> None:
    assert_s3_error(http.request("PUT", path.format(object_id), headers, b"x"))


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
@pytest.mark.parametrize("path", ["/object/{}", "/objects", "/bucket/{}"])
def test_no_presigned_url_is_one(http: Client, object_id: str, path: str, query: str) -> None:
    for method in ("PUT", "GET", "DELETE", "POST"):
        target = f"{path.format(object_id)}?{query}"
        assert_s3_error(http.request(method, target, {}, b"x" if method == "PUT" else None))


@pytest.mark.parametrize("path", ["/", "/livez", "/objects?list-type=2", "/bucket?location", "/x"])
def test_reads_are_refused_as_well(http: Client, path: str) -> None:
    headers = MARKS["signature 4"]
    assert_s3_error(http.request("GET", path, headers))
    head = http.request("HEAD", path, headers)
    assert (head.status, head.body) == (400, b"")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer AWS4-HMAC-SHA256"},
        {"Authorization": "Awsome x"},
        {"Authorization": ""},
        {"Content-Encoding": "gzip"},
        {"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678"},
    ],
)
def test_what_only_looks_like_it_is_stored(http: Client, headers: dict[str, str]) -> None:
    assert http.request("PUT", f"/object/{random_id()}", headers, b"x").status == 201


def test_an_unfinished_body_is_not_waited_for(http: Client) -> None:
    """SDKs wait for 100 Continue; they get the answer."""
    with http.wire() as wire:
        wire.send(
            b"PUT /object/abc HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
            b"Expect: 100-continue\r\nX-Amz-Date: 20260101T000000Z\r\n\r\n"
        )
        assert_s3_error(wire.answer())


BOTO3: dict[str, Callable[[Any, str], object]] = {
    "list_buckets": lambda s3, _: s3.list_buckets(),
    "create_bucket": lambda s3, _: s3.create_bucket(Bucket="object"),
    "put_object": lambda s3, key: s3.put_object(Bucket="object", Key=key, Body=b"x"),
    "upload_fileobj": lambda s3, key: s3.upload_fileobj(BytesIO(b"x" * 100_000), "object", key),
    "many parts": lambda s3, key: s3.upload_fileobj(BytesIO(bytes(9 * 2**20)), "object", key),
    "get_object": lambda s3, key: s3.get_object(Bucket="object", Key=key),
    "list_objects": lambda s3, _: s3.list_objects_v2(Bucket="objects"),
    "delete_object": lambda s3, key: s3.delete_object(Bucket="object", Key=key),
}


@pytest.mark.parametrize("signature", ["s3v4", "s3", UNSIGNED], ids=["v4", "v2", "unsigned"])
@pytest.mark.parametrize("call", BOTO3.values(), ids=BOTO3)
def test_boto3_says_what_is_wrong(
    gateway: GatewayProcess, object_id: str, call: Callable[[Any, str], object], signature: Any
) -> None:
    before = requests_of(gateway)
    s3 = boto3.client(
        "s3",
        endpoint_url=gateway.url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(signature_version=signature, s3={"addressing_style": "path"}),
    )
    try:
        with pytest.raises(Exception, match=f"{CODE}.*this is not an S3 endpoint") as caught:
            call(s3, object_id)
    finally:
        s3.close()
    assert isinstance(caught.value, ClientError) or isinstance(
        caught.value.__context__, ClientError
    )
    assert requests_of(gateway) == before + 1, "it tried again"


def requests_of(gateway: GatewayProcess) -> int:
    return gateway.log.read_text(errors="replace").count(" not_an_s3_endpoint: ")


MINIO: dict[str, Callable[[Minio, str], object]] = {
    "list_buckets": lambda client, _: client.list_buckets(),
    "put_object": lambda client, key: client.put_object("object", key, BytesIO(b"x"), 1),
    "get_object": lambda client, key: client.get_object("object", key),
    "list_objects": lambda client, _: list(client.list_objects("objects")),
    "remove_object": lambda client, key: client.remove_object("object", key),
}


@pytest.mark.parametrize("keys", [("key", "secret-key"), (None, None)], ids=["signed", "anonymous"])
@pytest.mark.parametrize("call", MINIO.values(), ids=MINIO)
def test_minio_py_says_what_is_wrong(
    gateway: GatewayProcess,
    object_id: str,
    call: Callable[[Minio, str], object],
    keys: tuple[str | None, str | None],
) -> None:
    pool = urllib3.PoolManager(timeout=30)
    client = Minio(f"{gateway.host}:{gateway.port}", *keys, secure=False, http_client=pool)
    try:
        with pytest.raises((S3Error, ServerError), match="this is not an S3 endpoint"):
            call(client, object_id)
    finally:
        pool.clear()
