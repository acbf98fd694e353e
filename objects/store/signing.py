"""Signing requests to a node: AWS Signature Version 4, with an unsigned payload.

Source: "Signature Calculations for the Authorization Header", Amazon S3 API Reference. minio-py
signs the same; this signs nothing else than what a store sends, keeps the key that is derived for
a day, and takes a fifth of the time. A test holds the two equal.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from functools import lru_cache

from nodes.node import Credentials

# Bodies are streamed, so their hash is not known when the head is sent; the node's own MD5 check
# (Content-MD5) guards those who want it.
UNSIGNED = "UNSIGNED-PAYLOAD"
_ALGORITHM = "AWS4-HMAC-SHA256"


class Signer:
    """Signs requests to one address with one key pair.

    :param address: as it stands in the Host field.
    """

    def __init__(self, address: str, credentials: Credentials, region: str) -> None:
        self._address = address
        self._region = region
        self._credentials = credentials
        self._key_of = lru_cache(maxsize=2)(self._derived_key)

    def sign(
        self,
        method: str,
        path: str,
        query: str = "",
        amz_headers: Mapping[str, str] | None = None,
        *,
        now: float | None = None,
    ) -> dict[str, str]:
        """The header fields that make a request acceptable.

        :param path: percent-encoded.
        :param query: percent-encoded, the parameters in the order of their names.
        :param amz_headers: ``x-amz-*`` fields in lower case; a node refuses those that are not
            signed.
        :param now: POSIX time, the clock's by default.
        """
        stamp = _stamp(int(time.time() if now is None else now))
        scope = f"{stamp[:8]}/{self._region}/s3/aws4_request"
        headers = {"Host": self._address, "x-amz-content-sha256": UNSIGNED, "x-amz-date": stamp}
        if amz_headers:
            headers |= amz_headers
            ordered = sorted(
                (name.lower(), " ".join(value.split())) for name, value in headers.items()
            )
            names = ";".join(name for name, _ in ordered)
            canonical = "".join(f"{name}:{value}\n" for name, value in ordered)
        else:
            names = "host;x-amz-content-sha256;x-amz-date"
            canonical = (
                f"host:{self._address}\nx-amz-content-sha256:{UNSIGNED}\nx-amz-date:{stamp}\n"
            )
        request = f"{method}\n{path}\n{query}\n{canonical}\n{names}\n{UNSIGNED}"
        # As it goes over the wire.
        digest = hashlib.sha256(request.encode("latin-1")).hexdigest()
        signature = hmac.digest(
            self._key_of(stamp[:8]), f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}".encode(), "sha256"
        ).hex()
        headers["Authorization"] = (
            f"{_ALGORITHM} Credential={self._credentials.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
        return headers

    def _derived_key(self, day: str) -> bytes:
        key = b"AWS4" + self._credentials.secret_key.encode()
        for part in (day, self._region, "s3", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key


@lru_cache(maxsize=1)
def _stamp(second: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
