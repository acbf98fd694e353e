"""A node's listing of its bucket: validated, and reduced to what is needed."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

from minio.xml import findall, findtext

from objects.store.documents import NotADocument

#: Bytes of a listing without entries, and of an entry: a key has 1,024 bytes at most, each of
#: which may be percent-encoded.
_ENVELOPE_BYTES = 64 * 1024
_ENTRY_BYTES = 4 * 1024
_SIZE = re.compile(r"[0-9]{1,19}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing.

    :ivar size: bytes.
    :ivar etag: the entity tag, with its quotes.
    :ivar last_modified: RFC 3339, in UTC.
    """

    key: str
    size: int
    etag: str
    last_modified: str


@dataclass(frozen=True, slots=True)
class NodeListing:
    """Some keys of one node, in the order of their bytes.

    :ivar truncated: whether there are more behind it; then it has entries.
    """

    entries: tuple[Entry, ...]
    truncated: bool


def listing_bytes(limit: int) -> int:
    """The most bytes that a listing of so many entries may have."""
    return _ENVELOPE_BYTES + limit * _ENTRY_BYTES


def listing_of(document: ET.Element, *, prefix: str, after: str, limit: int) -> NodeListing:
    """What a ListBucketResult with URL encoding holds.

    :param prefix, after, limit: as asked for. What is not as asked would lead a client that goes
        from page to page in circles, or past what is there.
    :raises NotADocument: saying what is wrong.
    """
    if not document.tag.endswith("ListBucketResult"):
        raise NotADocument("it is no ListBucketResult")
    truncated = findtext(document, "IsTruncated")
    if truncated not in ("true", "false"):
        raise NotADocument("IsTruncated is neither true nor false")
    elements = findall(document, "Contents")
    if len(elements) > limit or (truncated == "true" and not elements):
        raise NotADocument(f"it has {len(elements)} entries, and IsTruncated is {truncated}")
    previous, start = after.encode(), prefix.encode()
    entries = []
    for element in elements:
        key = unquote_to_bytes((findtext(element, "Key") or "").replace("+", " "))
        if key <= previous or not key.startswith(start):
            raise NotADocument("its keys are not those asked for, in their order")
        previous = key
        entries.append(_entry(element, key))
    return NodeListing(tuple(entries), truncated == "true")


def _entry(element: ET.Element, key: bytes) -> Entry:
    size = findtext(element, "Size") or ""
    etag = findtext(element, "ETag") or ""
    last_modified = findtext(element, "LastModified") or ""
    if not (_SIZE.fullmatch(size) and _TIME.fullmatch(last_modified) and etag):
        raise NotADocument("an entry has no Size, LastModified or ETag that is one")
    try:
        return Entry(key.decode(), int(size), etag, last_modified)
    except UnicodeDecodeError:
        raise NotADocument("a key is not UTF-8") from None
