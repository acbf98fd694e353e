"""DeleteObjects, which removes many objects with one request: its document, and the answer's."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from minio.xml import Element, SubElement, findall, findtext, getbytes

from objects.store.documents import NotADocument

#: Bytes of an answer without keys, and of what it says of one: a key has 1,024 bytes at most, each
#: of which may be five when it is escaped, and there may be a few words about it.
_ENVELOPE_BYTES = 64 * 1024
_KEY_BYTES = 8 * 1024


def deletion_of(keys: Sequence[str]) -> bytes:
    """The document that asks for it.

    :param keys: 1,000 at most.
    """
    root = Element("Delete")
    for key in keys:
        SubElement(SubElement(root, "Object"), "Key", key)
    return getbytes(root)


def deletion_bytes(keys: int) -> int:
    """The most bytes that the answer about so many keys may have."""
    return _ENVELOPE_BYTES + keys * _KEY_BYTES


def flaw_of_deletion(document: ET.Element, keys: Sequence[str]) -> str | None:
    """What keeps an answer from saying that all of them are removed, to go on after "answered";
    None when it says so.

    :raises NotADocument: when it is another document.
    """
    if not document.tag.endswith("DeleteResult"):
        raise NotADocument("it is no DeleteResult")
    for error in findall(document, "Error"):
        code = findtext(error, "Code") or "an error"
        return f"{code} to the removal of {findtext(error, 'Key')}"
    removed = {findtext(element, "Key") for element in findall(document, "Deleted")}
    missing = [key for key in keys if key not in removed]
    return f"nothing to the removal of {missing[0]}" if missing else None
