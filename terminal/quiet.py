"""Keeping log lines out of a command's own output."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(verbosity: int) -> Iterator[None]:
    """Keep out of the log, unless asked for more, what the command itself is about to say.

    :param verbosity: as Django's commands have it; from 2 on nothing is kept out.
    """
    logger = logging.getLogger("objgw")
    level = logger.level
    if verbosity < 2:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
