"""Multipart uploads: for bodies whose length is not known when they begin.

An S3 server takes no PUT without a Content-Length, so such a body goes part by part, and becomes
an object only when all of it is there.
"""

import base64
import hashlib
import time
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from minio.xml import Element, SubElement, findtext, getbytes

from objects.exceptions import InvalidDigest, NodeBusy
from objects.store.answers import (
    NodeProblem,
    document_of,
    problem_named,
    problem_of,
    unusable,
)
from objects.store.client import Call, NodeClient
from objects.store.expected import (
    Flaw,
    as_asked,
    flaw_of_deleted,
    flaw_of_document,
    flaw_of_stored,
)
from objects.store.payload import Parts
from objects.store.response import NodeResponse
from problems.failures import get_failures
from problems.problem import Problem

#: Characters; nodes use about a hundred.
_LONGEST_UPLOAD_ID = 1024
_ENCRYPTION = "x-amz-server-side-encryption"
#: How many times the read timeout a node has to make the parts an object.
_COMPLETION_TIMEOUTS = 10
#: Seconds for which a busy node is asked to take an upload back, and between two tries.
_ABORT_PATIENCE = 10.0
_ABORT_PAUSE = 0.1


class MultipartUpload:
    """One multipart upload to a node. What is not completed is taken back.

    :param path: percent-encoded path of the object.
    :ivar encrypted: whether the node said that it encrypted a part. Then the entity tags of parts
        may be something else than their MD5 ("Object", Amazon S3 API Reference).
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
            ),
            flaw_of_document,
        )
        document = document_of(answer, f"POST {path}")
        upload_id = findtext(document, "UploadId") or ""
        if not 0 < len(upload_id) <= _LONGEST_UPLOAD_ID:
            raise unusable(answer, "without an UploadId", f"POST {path}")
        self.encrypted = False
        self._query = "uploadId=" + quote(upload_id, safe="")
        self._parts: list[str] = []

    def send(self, part: Iterable[bytes], length: int, *, md5: bytes | None = None) -> str:
        """Send the next part, of ``length`` bytes, and return its ETag.

        :param md5: of the part, for the node to check.
        :raises InvalidDigest: when it found another one. It did not take the part then.
        """
        answer = self._call(
            Call(
                "PUT",
                self._path,
                query=f"partNumber={len(self._parts) + 1}&{self._query}",
                headers=None if md5 is None else {"Content-MD5": base64.b64encode(md5).decode()},
                body=part,
                length=length,
                await_continue=True,
            ),
            flaw_of_stored,
        )
        answer.close()
        self.encrypted = self.encrypted or _ENCRYPTION in answer.headers
        self._parts.append(answer.headers["etag"])
        return self._parts[-1]

    def complete(self, headers: Mapping[str, str]) -> str:
        """Make the parts an object, and return its ETag.

        :param headers: conditions, which hold or fail at this very moment.
        """
        root = Element("CompleteMultipartUpload")
        for number, etag in enumerate(self._parts, start=1):
            part = SubElement(root, "Part")
            SubElement(part, "PartNumber", str(number))
            SubElement(part, "ETag", etag)
        document = getbytes(root)
        call = Call(
            "POST",
            self._path,
            query=self._query,
            headers={"Content-Type": "application/xml", **headers},
            body=(document,),
            length=len(document),
            repeatable=False,
        )
        answer = self._call(call, flaw_of_document)
        what = f"POST {self._path}"
        # S3 answers 200 before it is done, and then sends blanks until it is.
        patience = _COMPLETION_TIMEOUTS * self._client.limits.read_timeout
        result = document_of(answer, what, within=patience)
        # So a failure can stand in the body.
        if result.tag.endswith("Error"):
            problem = problem_named(NodeProblem.named_by(result), answer, what)
            raise as_asked(problem, call)
        complete = result.tag.endswith("CompleteMultipartUploadResult")
        stored = (findtext(result, "ETag") or "") if complete else ""
        if not stored:
            raise unusable(answer, "without an ETag", what)
        return stored

    def abort(self) -> None:
        """Take the upload back. A failure is logged: the node forgets stale uploads in time."""
        try:
            self._abort_in_turn()
        except (Problem, OSError) as problem:
            get_failures().report(
                f"node {self._client.node.name}",
                "parts of an aborted upload are left there",
                f"DELETE {self._path}",
                problem.detail if isinstance(problem, Problem) else str(problem),
            )

    def _abort_in_turn(self) -> None:
        # Many uploads may end at once, with their client, and nobody but us would try again.
        deadline = time.monotonic() + _ABORT_PATIENCE
        while True:
            try:
                self._call(Call("DELETE", self._path, query=self._query), flaw_of_deleted).close()
            except NodeBusy:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_ABORT_PAUSE)
            else:
                return

    def _call(self, call: Call, flaw_of: Flaw) -> NodeResponse:
        what = f"{call.method} {call.path}"
        answer = self._client.call(call)
        if answer.status >= 300:
            raise as_asked(problem_of(answer, what), call)
        if flaw := flaw_of(answer, call.headers):
            answer.close()
            raise unusable(answer, flaw, what)
        return answer


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
            if not parts.read_next_part():
                break
        if announced is not None and base64.b64encode(md5.digest()).decode() != announced:
            raise InvalidDigest
        parts.permit()
        return multipart.complete(conditions)
    except BaseException:
        multipart.abort()
        raise
