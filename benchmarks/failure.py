"""Why there is no number."""


class CannotMeasure(Exception):
    """A measurement would be wrong or is impossible; the text says why."""
