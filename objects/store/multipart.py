"""Multipart uploads: for bodies whose length is not known when they begin.

An S3 server takes no PUT without a Content-Length, so such a body goes part by part, and becomes
an object only when all of it is there.
"""

import base64
import hashlib
import logging
from collections.abc import Iterable, Mapping
from urllib.parse import quote
from xml.etree import ElementTree as ET

from minio.xml import Element, SubElement, findtext, getbytes

from objects.exceptions import InvalidDigest, NodeError
from objects.payload import Parts
from objects.store.answers import problem_of
from objects.store.client import Call, NodeClient
from objects.store.transport import Response
from problems.problem import Problem

logger = logging.getLogger("objgw.store")


class MultipartUpload:
    """One multipart upload to a node. What is not completed is taken back.

    :param path: percent-encoded path of the object.
    """

    def __init__(
        self,
        client: NodeClient,
        path: str,
        headers: Mapping[str, str],
        amz_headers: Mapping[str, str],
    ) -> None:
        self._client = client
        self._path = path
        answer = self._call(
            Call(
                "POST",
                path,
                query="uploads=",
                headers=headers,
                amz_headers=amz_headers,
                length=0,
            )
        )
        upload_id = findtext(_document(answer), "UploadId")
        if not upload_id:
            raise NodeError
        self._query = "uploadId=" + quote(upload_id, safe="")
        self._parts: list[str] = []

    def send(self, part: Iterable[bytes], length: int) -> None:
        """Send the next part, of ``length`` bytes."""
        answer = self._call(
            Call(
                "PUT",
                self._path,
                query=f"partNumber={len(self._parts) + 1}&{self._query}",
                body=part,
                length=length,
            )
        )
        answer.close()
        self._parts.append(answer.headers.get("etag", ""))

    def complete(self, headers: Mapping[str, str]) -> str:
        """Make the parts an object, and return its ETag.

        :param headers: conditions, which hold or fail at this very moment.
        """
        root = Element("CompleteMultipartUpload")
        for number, etag in enumerate(self._parts, start=1):
            part = SubElement(root, "Part")
            SubElement(part, "PartNumber", str(number))
            SubElement(part, "ETag", etag)
        body = getbytes(root)
        answer = self._call(
            Call(
                "POST",
                self._path,
                query=self._query,
                headers={"Content-Type": "application/xml", **headers},
                body=body,
                length=len(body),
                repeatable=False,
            )
        )
        document = _document(answer)
        # S3 answers 200 before it is done, so a failure can stand in the body.
        if not document.tag.endswith("CompleteMultipartUploadResult"):
            logger.warning(
                "node %s failed to complete an upload: %s",
                self._client.node.name,
                findtext(document, "Code"),
            )
            raise NodeError
        return findtext(document, "ETag") or ""

    def abort(self) -> None:
        """Take the upload back. A failure is logged: the node forgets stale uploads in time."""
        try:
            self._call(Call("DELETE", self._path, query=self._query)).close()
        except Problem as problem:
            logger.warning(
                "node %s keeps the parts of an aborted upload: %s",
                self._client.node.name,
                problem.detail,
            )

    def _call(self, call: Call) -> Response:
        answer = self._client.call(call)
        if answer.status >= 300:
            raise problem_of(answer, self._client.node.name, f"{call.method} {call.path}")
        return answer


def _document(answer: Response) -> ET.Element:
    try:
        return ET.fromstring(answer.read())  # noqa: S314  (a node is trusted)
    except ET.ParseError as error:
        raise NodeError from error


def upload(
    client: NodeClient,
    path: str,
    parts: Parts,
    *,
    headers: Mapping[str, str],
    amz_headers: Mapping[str, str],
    conditions: Mapping[str, str],
) -> str:
    """Store a body of more than one part.

    :param path: percent-encoded path of the object.
    :param headers: as for a PUT. Content-MD5 (RFC 1864), which a node checks for a request of its
        own, is checked here for the whole.
    :returns: the ETag.
    :raises Problem: nothing was stored then, and what was there before is still there.
    """
    kept = {name: value for name, value in headers.items() if name != "Content-MD5"}
    announced = headers.get("Content-MD5")
    md5 = hashlib.md5(usedforsecurity=False)
    multipart = MultipartUpload(client, path, kept, amz_headers)
    try:
        while True:
            if announced is not None:
                for chunk in parts:
                    md5.update(chunk)
            multipart.send(parts, parts.part_length)
            if not parts.following():
                break
        if announced is not None and base64.b64encode(md5.digest()).decode() != announced:
            raise InvalidDigest
        return multipart.complete(conditions)
    except BaseException:
        multipart.abort()
        raise
