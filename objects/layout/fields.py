"""The values in a JSON document of the layout, each checked for its type."""

from typing import Any, NoReturn


class InvalidLayout(ValueError):
    """A document that is no layout; the text says what is wrong and what would be right."""


def refuse(expected: str, found: object) -> NoReturn:
    """
    :param expected: what would be right.
    :param found: what there is.
    :raises InvalidLayout: in any case.
    """
    shown = repr(str(found) if isinstance(found, str) else found)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    raise InvalidLayout(f"In the layout, {expected}; not {shown}.")


def mapping(value: object, where: str) -> dict[str, Any]:
    """The value, which must be an object; `where` names it."""
    if not isinstance(value, dict):
        refuse(f"{where} must be a JSON object", value)
    return value


def array(value: object, where: str) -> list[Any]:
    """The value, which must be an array."""
    if not isinstance(value, list):
        refuse(f"{where} must be a JSON array", value)
    return value


def text(value: object, where: str) -> str:
    """The value, which must be a string."""
    if not isinstance(value, str):
        refuse(f"{where} must hold a text", value)
    return value


def integer(value: object, where: str) -> int:
    """The value, which must be a number without a fraction."""
    if not isinstance(value, int) or isinstance(value, bool):
        refuse(f"{where} must be a whole number", value)
    return value


def number(value: object, where: str) -> float:
    """The value, which must be a number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        refuse(f"{where} must be a number", value)
    try:
        return float(value)
    except OverflowError:
        refuse(f"{where} must be a number", "one beyond all measure")


def check_keys(found: dict[str, Any], keys: frozenset[str], where: str) -> None:
    """Refuse an object that has other keys than these."""
    if found.keys() != keys:
        refuse(f"{where} must have exactly " + ", ".join(sorted(keys)), sorted(found))
