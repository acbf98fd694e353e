"""What is to be said where everybody may do everything."""

OPEN = (
    "Whoever can connect may read, overwrite and delete every object. docs/access.md shows how to "
    "ask for tokens (OBJGW_AUTH_KEYS)."
)
