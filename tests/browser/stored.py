"""Objects for browsers to look at."""

import base64
import lzma
from collections.abc import Mapping
from pathlib import Path

import requests

from tests.support.client import random_id

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
    "RU5ErkJggg=="
)
#: Two minutes of a test card with a clock, and silence without compression: 23 MB, far more than
#: a player fetches ahead.
VIDEO_SECONDS = 120


def put(base: str, body: bytes, content_type: str, headers: Mapping[str, str] = {}) -> str:
    """The path of a new object."""
    path = f"/object/{random_id()}"
    overwrite(base, path, body, {"Content-Type": content_type, **headers})
    return path


def overwrite(base: str, path: str, body: bytes, headers: Mapping[str, str] = {}) -> None:
    answer = requests.put(f"{base}{path}", data=body, headers=dict(headers), timeout=60)
    assert answer.status_code == 201


def content(base: str, path: str) -> bytes:
    return requests.get(f"{base}{path}", timeout=30).content


def video() -> bytes:
    return lzma.decompress(Path(__file__).with_name("video.webm.xz").read_bytes())


def pdf(open_action: bytes = b"<< >>") -> bytes:
    """One red page, and what is to happen when it is opened (ISO 32000-1 section 12.6)."""
    page = b"1 0 0 rg 0 0 300 200 re f"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /OpenAction 5 0 R /AcroForm << /Fields [6 0 R] >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Annots [6 0 R] >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        open_action,
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (f) /V (v) /Rect [10 10 99 40] >>",
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, item in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n"
    ) % (len(objects) + 1, table, len(objects) + 1, len(body))
