"""The keys that commands sign with."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from access.keyfile import read_keys
from access.keyset import InvalidKeySet, KeySet
from access.watched import Unreadable


def signing_keys() -> KeySet:
    """The keys in the file that ``OBJGW_AUTH_KEYS`` names.

    :raises CommandError: when there are none to be had.
    """
    if not settings.OBJGW_AUTH_KEYS:
        raise CommandError(
            "OBJGW_AUTH_KEYS names no file of keys; manage.py authkeys make --file PATH makes one.",
            returncode=2,
        )
    try:
        return read_keys(Path(settings.OBJGW_AUTH_KEYS))
    except (Unreadable, InvalidKeySet) as error:
        raise CommandError(f"{error}.") from error
