"""Faults, produced for real: docs/operations.md has the table that this suite prints."""
