"""The warning for gateways that are open to everybody, and how the master tells its workers.

Does not import Django: gunicorn's master needs it.
"""

#: Environment variable of a worker of a gateway that has served already.
SERVES = "_OBJGW_SERVES"
OPEN = (
    "Whoever can connect may read, overwrite and delete every object. docs/access.md shows how to "
    "ask for tokens (OBJGW_AUTH_KEYS)."
)
