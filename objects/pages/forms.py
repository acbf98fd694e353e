"""The forms of the pages."""

from typing import Any

from django import forms

from objects.exceptions import IncompleteBody, InvalidId, TooLarge
from objects.identifiers import PATTERN, parse_id
from problems.problem import Problem

_WORDS = "1 to 32 letters and digits (A-Z, a-z, 0-9)"


class UploadForm(forms.Form):
    """An id and a file. The browser checks both before it sends anything."""

    id = forms.CharField(
        label="Id",
        help_text=f"{_WORDS}.",
        widget=forms.TextInput(
            {
                "pattern": PATTERN.strip("^$"),
                # Browsers show it with their complaint.
                "title": _WORDS,
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )
    file = forms.FileField(
        label="File",
        help_text="It replaces the object that has this id, if there is one.",
        allow_empty_file=True,
    )

    def __init__(self, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files, label_suffix="")

    def clean_id(self) -> str:
        try:
            return parse_id(self.cleaned_data["id"])
        except InvalidId as problem:
            raise forms.ValidationError(problem.detail) from problem

    def refuse(self, problem: Problem) -> None:
        """Show a problem that came up later, beside the field that it is about."""
        self.add_error(field_of(problem), problem.detail)


def field_of(problem: Problem) -> str | None:
    """The field that a problem is about, None for what is not about what was filled in."""
    match problem:
        case InvalidId():
            return "id"
        case TooLarge() | IncompleteBody():
            return "file"
        case _:
            return None
