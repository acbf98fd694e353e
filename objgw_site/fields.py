"""Header fields that every answer has, for the sake of browsers.

Does not import Django: the server needs it before Django is there.
"""

from collections.abc import Mapping

Fields = Mapping[str, tuple[str, str]]

#: No other site may embed what it gets here, and nothing is taken for what it does not say it is.
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
#: Unless something else is said: it describes the moment.
_CACHING = ("Cache-Control", "no-store")
#: Unless something else is said: nothing that a browser could run or show.
_DATA_POLICY = (
    "Content-Security-Policy",
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
#: Pages of our own. Styles stand in the pages of Swagger UI and of DRF.
_PAGE_POLICY = (
    "Content-Security-Policy",
    (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; media-src 'self'; font-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
)

#: Of an error that is made where there is no Django.
ERROR_FIELDS = (_CACHING, *_ALWAYS, _DATA_POLICY)


def completed(status: int, given: Fields) -> list[tuple[str, str]]:
    """The header fields of an answer, with those that it lacks.

    :param given: name in lower case to name and value.
    """
    fields = [*given.values(), *_ALWAYS]
    if "cache-control" not in given:
        fields.append(_CACHING)
    # A 304 is about an answer that the client has, and would replace its policy (RFC 9111 section
    # 3.2).
    if "content-security-policy" not in given and status != 304:
        is_page = given.get("content-type", ("", ""))[1].startswith("text/html")
        fields.append(_PAGE_POLICY if is_page else _DATA_POLICY)
    return fields
