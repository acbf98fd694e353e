"""Parsing the Authorization field."""

import binascii
from base64 import b64decode

from access.problems import InvalidToken, TokenRequired


def token_in(field: str) -> str:
    """The token in an Authorization field.

    :raises InvalidToken: when it cannot be read.
    :raises TokenRequired: when it is for another scheme.
    """
    # RFC 9110 section 11.1: the case of a scheme's name does not matter.
    scheme, _, credentials = field.partition(" ")
    credentials = credentials.strip(" ")
    match scheme.lower():
        case "bearer" if credentials:
            return credentials
        case "basic":
            try:
                pair = b64decode(credentials, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError, ValueError) as error:
                raise InvalidToken("The credentials are no base64 (RFC 7617).") from error
            return pair.partition(":")[2]
        case "bearer":
            raise InvalidToken("Authorization must be: Bearer TOKEN.")
        case _:
            # RFC 6750 section 3.1: no error code where there was no token.
            raise TokenRequired
