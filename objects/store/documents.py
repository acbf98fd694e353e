"""S3's XML documents from nodes, read piece by piece and within limits.

A node that is broken, or is none, may send anything in their place. Each piece comes after a turn
in the event loop, so that a large document keeps nobody waiting.
"""

from xml.etree import ElementTree as ET

from objects.store.response import MAX_HEAD, NodeResponse

#: The most bytes of a document that is no listing.
MAX_DOCUMENT = 64 * 1024
#: For each tag there must be as many bytes on average. An entry of a listing has 16 in 350 bytes,
#: and may have thousands.
_BYTES_OF_A_TAG = 32
#: The most bytes in a row without any tag; expat looks at what it has of a token with each piece.
_MAX_TOKEN = MAX_HEAD


class NotADocument(Exception):
    """What the node sent is none of S3's documents; the text says why."""


def read_document(
    answer: NodeResponse, *, limit: int = MAX_DOCUMENT, within: float | None = None
) -> ET.Element:
    """The document that an answer has for a body; the answer is closed then.

    :param limit: the most bytes.
    :param within: seconds for all of it; without it, those that a node may be silent.
    :raises NotADocument: for what is not XML, or no document of S3's.
    :raises TransportError: see `NodeResponse.pieces`.
    """
    parser = ET.XMLParser(target=_Builder())  # noqa: S314  (see _Builder, and the bounds below)
    tags = limit // _BYTES_OF_A_TAG
    token = 0
    try:
        for piece in answer.pieces(limit, within):
            found = piece.count(b"<")
            tags -= found
            token = 0 if found else token + len(piece)
            if tags < 0 or token > _MAX_TOKEN:
                raise NotADocument("it has too many tags" if tags < 0 else "it has too few tags")
            parser.feed(piece)
        root: ET.Element = parser.close()
    except (ET.ParseError, LookupError, ValueError) as error:
        # The latter for encodings that there are not, or that expat cannot read.
        raise NotADocument(f"it is not XML: {error}") from error
    finally:
        answer.close()
    return root


class _Builder(ET.TreeBuilder):
    """Builds no tree of a document that defines entities: S3's have no document type."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise NotADocument("it has a document type")
