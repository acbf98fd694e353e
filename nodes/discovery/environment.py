"""What the environment of a node's container says: its key pair and its region."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from nodes.node import Credentials

#: Environment variables of a node's key pair, first pair found wins: MinIO's, its former ones,
#: RustFS', versitygw's two.
CREDENTIAL_VARIABLES = (
    ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"),
    ("MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"),
    ("RUSTFS_ACCESS_KEY", "RUSTFS_SECRET_KEY"),
    ("ROOT_ACCESS_KEY", "ROOT_SECRET_KEY"),
    ("ROOT_ACCESS_KEY_ID", "ROOT_SECRET_ACCESS_KEY"),
)
#: What a variable's name ends with that names a file in place of the value, as most images have it.
FILE_SUFFIX = "_FILE"
REGION_VARIABLES = (
    "MINIO_SITE_REGION",
    "MINIO_REGION",
    "MINIO_REGION_NAME",
    "RUSTFS_REGION",
    "VGW_REGION",
)

#: Where Docker and Compose mount secrets. Nothing else is read, whatever a container asks for: an
#: access key is sent to the node in clear.
SECRETS = Path("/run/secrets")
#: More is no key.
_LONGEST_SECRET = 1024


def credentials_of(environment: Iterable[str], secrets: Path = SECRETS) -> Credentials | None:
    """The first complete key pair in a container's ``NAME=value`` list.

    Either half may be in a secret that the gateway has, too: ``NAME_FILE`` is its path below
    ``secrets``, or just its name, which is how MinIO's image has it.
    """
    variables = _variables(environment)
    for user, password in CREDENTIAL_VARIABLES:
        access_key = _value(variables, user, secrets)
        secret_key = _value(variables, password, secrets)
        if access_key and secret_key:
            return Credentials(access_key, secret_key)
    return None


def names_keys(environment: Iterable[str]) -> bool:
    """Whether a container's ``NAME=value`` list has a variable for a key, whatever its value."""
    names = _variables(environment).keys()
    wanted = {name for pair in CREDENTIAL_VARIABLES for name in pair}
    return any(name.removesuffix(FILE_SUFFIX) in wanted for name in names)


def region_of(environment: Iterable[str]) -> str:
    """The region that a container's ``NAME=value`` list sets, or the one S3 servers default to."""
    variables = _variables(environment)
    return next((variables[name] for name in REGION_VARIABLES if variables.get(name)), "us-east-1")


def _variables(environment: Iterable[str]) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in environment if "=" in entry)


def _value(variables: Mapping[str, str], name: str, secrets: Path) -> str:
    return variables.get(name) or _secret(variables.get(name + FILE_SUFFIX, ""), secrets)


def _secret(path: str, secrets: Path) -> str:
    """A secret, "" when the gateway does not have it, or it is not one line of text."""
    name = path.removeprefix(f"{SECRETS}/")
    if not name or "/" in name or name in (".", ".."):
        return ""
    try:
        with (secrets / name).open("rb") as file:
            text = file.read(_LONGEST_SECRET + 1).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError, ValueError):
        return ""
    return text if len(text) <= _LONGEST_SECRET and text.isprintable() else ""
