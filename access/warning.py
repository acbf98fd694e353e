"""What is to be said where everybody may do everything; and what workers are told.

Does not import Django: gunicorn's master needs it.
"""

#: Environment variable of a worker of a gateway that has served already.
SERVES = "_OBJGW_SERVES"
OPEN = (
    "Whoever can connect may read, overwrite and delete every object. docs/access.md shows how to "
    "ask for tokens (OBJGW_AUTH_KEYS)."
)
