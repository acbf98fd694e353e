"""Requests that were meant for S3.

Somebody points an S3 client at the gateway: `PUT /object/KEY` is what it sends for a bucket with
the name ``object``, and its body may be in chunks that are signed one by one. To store that would
be to store something else than what was meant, so all that an S3 client sends is refused, in the
form that S3 clients read.
"""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from django.http import HttpRequest, HttpResponse

from problems import request_id
from problems.handler import log
from problems.problem import Problem

#: What "Authenticating Requests (AWS Signature Version 4)" and "Signing and Authenticating REST
#: Requests" (version 2) in the Amazon S3 API Reference make a client send.
_SCHEMES = ("AWS4-", "AWS ")
_CODING = "aws-chunked"
_PARAMETERS = ("&x-amz-algorithm=", "&awsaccesskeyid=")


class NotAnS3Endpoint(Problem):
    """The one problem that is no problem document: S3 clients would not show it."""

    # No client tries a 400 again, and none takes it for a question of keys as it would a 403.
    status = 400
    code = "not_an_s3_endpoint"
    title = "Not an S3 endpoint"
    example = (
        "this is not an S3 endpoint: objects are stored by PUT /object/{id} and read by "
        "GET /object/{id}, without a bucket and a signature; nothing was done"
    )


def meant_for_s3(meta: Mapping[str, Any]) -> bool:
    """Whether a request carries what only S3 clients send, or AWS's SDKs.

    :param meta: the WSGI environment.
    """
    # RFC 9110 section 11.1: the case of a scheme's name does not matter.
    scheme = meta.get("HTTP_AUTHORIZATION")
    if scheme and scheme[:5].upper().startswith(_SCHEMES):
        return True
    if (coding := meta.get("HTTP_CONTENT_ENCODING")) and _CODING in coding.lower():
        return True
    if query := meta.get("QUERY_STRING"):
        lower = f"&{query}".lower()
        if any(parameter in lower for parameter in _PARAMETERS):
            return True
    # One by one, because a generator would cost five times as much for every request.
    return (
        "HTTP_X_AMZ_CONTENT_SHA256" in meta
        or "HTTP_X_AMZ_DATE" in meta
        or "HTTP_X_AMZ_DECODED_CONTENT_LENGTH" in meta
        or "HTTP_AMZ_SDK_INVOCATION_ID" in meta
    )


def s3_refusal(request: HttpRequest) -> HttpResponse:
    """The answer to what is meant for S3, in the form that S3 clients read; it is logged."""
    problem = NotAnS3Endpoint()
    log(problem, problem, request)
    # "Error Responses" in the Amazon S3 API Reference.
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{type(problem).__name__}</Code><Message>{escape(problem.detail)}</Message>"
        f"<RequestId>{escape(request_id.current())}</RequestId></Error>\n"
    )
    return HttpResponse(document, status=problem.status, content_type="application/xml")
