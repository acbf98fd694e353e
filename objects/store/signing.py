"""Signing requests to a node (AWS Signature Version 4)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import SplitResult

from minio.credentials.credentials import Credentials as MinioCredentials
from minio.signer import sign_v4_s3
from minio.time import to_amz_date

from nodes.node import Credentials

# Bodies are streamed, so their hash is not known when the head is sent; the node's own MD5 check
# (Content-MD5) guards those who want it.
UNSIGNED = "UNSIGNED-PAYLOAD"


class Signer:
    """Signs requests to one address with one key pair."""

    def __init__(self, address: str, credentials: Credentials, region: str) -> None:
        self._address = address
        self._region = region
        self._credentials = MinioCredentials(credentials.access_key, credentials.secret_key)

    def sign(
        self, method: str, path: str, query: str = "", amz_headers: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """The header fields that make a request acceptable.

        :param query: as it stands in the request target, percent-encoded.
        :param amz_headers: ``x-amz-*`` fields; a node refuses those that are not signed.
        """
        now = datetime.now(UTC)
        headers = {
            "Host": self._address,
            "x-amz-content-sha256": UNSIGNED,
            "x-amz-date": to_amz_date(now),
            **(amz_headers or {}),
        }
        signed = sign_v4_s3(
            method=method,
            url=SplitResult("http", self._address, path, query, ""),
            region=self._region,
            headers={**headers},
            credentials=self._credentials,
            content_sha256=UNSIGNED,
            date=now,
        )
        return {**headers, "Authorization": str(signed["Authorization"])}
