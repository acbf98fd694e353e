"""Our signatures are minio-py's."""

from datetime import UTC, datetime
from urllib.parse import SplitResult, quote, urlencode

from hypothesis import given
from hypothesis import strategies as st
from minio.credentials.credentials import Credentials as MinioCredentials
from minio.signer import sign_v4_s3
from minio.time import to_amz_date

from nodes.node import Credentials
from objects.identifiers import PATTERN
from objects.store.signing import UNSIGNED, Signer

printable = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


@given(
    method=st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE"]),
    object_id=st.from_regex(PATTERN[1:-1], fullmatch=True),
    parameters=st.dictionaries(names, st.text(printable, max_size=40), max_size=4),
    metadata=st.dictionaries(names, st.text(printable, max_size=40), max_size=4),
    access_key=st.text(printable, min_size=3, max_size=20),
    secret_key=st.text(min_size=8, max_size=40),
    region=st.sampled_from(["us-east-1", "eu-west-3", "here"]),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
)
def test_the_signature_is_that_of_minio_py(
    method: str,
    object_id: str,
    parameters: dict[str, str],
    metadata: dict[str, str],
    access_key: str,
    secret_key: str,
    region: str,
    now: datetime,
) -> None:
    moment = now.replace(tzinfo=UTC, microsecond=0)
    address, path = "172.18.0.3:9000", f"/objects/{object_id}"
    query = urlencode(sorted(parameters.items()), quote_via=quote, safe="")
    amz_headers = {f"x-amz-meta-{name}": value for name, value in metadata.items()}

    ours = Signer(address, Credentials(access_key, secret_key), region).sign(
        method, path, query, amz_headers, now=moment.timestamp()
    )

    theirs = sign_v4_s3(
        method=method,
        url=SplitResult("http", address, path, query, ""),
        region=region,
        headers={
            "Host": address,
            "x-amz-content-sha256": UNSIGNED,
            "x-amz-date": to_amz_date(moment),
            **amz_headers,
        },
        credentials=MinioCredentials(access_key, secret_key),
        content_sha256=UNSIGNED,
        date=moment,
    )
    assert ours == theirs


def test_the_key_of_a_day_is_not_used_on_the_next() -> None:
    signer = Signer("node:9000", Credentials("key", "secret"), "us-east-1")
    fresh = Signer("node:9000", Credentials("key", "secret"), "us-east-1")
    evening, morning = 1_795_000_000.0, 1_795_000_000.0 + 86_400

    signer.sign("GET", "/objects/a", now=evening)

    assert signer.sign("GET", "/objects/a", now=morning) == fresh.sign(
        "GET", "/objects/a", now=morning
    )
