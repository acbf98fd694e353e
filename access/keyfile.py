"""The file of keys: read and replaced as a whole, accessible to its owner only."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from access.keyset import KeySet, parse_key_set
from access.watched import Unreadable, read_file


def read_keys(path: Path) -> KeySet:
    """The keys in a file.

    :raises Unreadable: when it cannot be read.
    :raises InvalidKeySet: when it is no set of keys.
    """
    return parse_key_set(read_file(path))


def write_keys(path: Path, keys: KeySet, *, new: bool) -> None:
    """Write keys so that whoever reads the file finds all of the old ones or all of the new ones.

    The file's owner and mode stay as they are; those of a new one are the caller's, and 600.

    :param new: there must be no such file.
    :raises Unreadable: when it cannot be written, or is there and should not be.
    """
    try:
        if new:
            _create(path, keys.document())
        else:
            _replace(path.resolve(strict=True), keys.document())
    except FileExistsError as error:
        raise Unreadable(
            f"{path} is there already; authkeys add puts another key into it"
        ) from error
    except OSError as error:
        raise Unreadable(f"{path} cannot be written: {error.strerror}") from error


def _create(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _replace(path: Path, data: bytes) -> None:
    # mkstemp makes it with mode 600.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            with suppress(FileNotFoundError):
                before = path.stat()
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
                os.fchmod(file.fileno(), before.st_mode & 0o7777)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:  # also Ctrl-C: a file with keys must not be left lying about
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
