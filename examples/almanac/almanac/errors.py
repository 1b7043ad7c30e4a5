"""What can go wrong, said in one sentence."""

from __future__ import annotations


class AlmanacError(Exception):
    """Something the program cannot do; its text is shown to the user."""


class InvalidInputError(AlmanacError):
    """Wrong input: one message for each field that is wrong."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__(" ".join(f"{field}: {text}" for field, text in problems.items()))


class BulkChangeError(AlmanacError):
    """A bulk statement would have changed logged rows behind the change log's back."""
