"""Check the permissions of the person who sent a request."""

from __future__ import annotations

from slipway.model.access import Person, may, refusal
from slipway.www.api.http_errors import Refused


def demand(person: Person, action: str) -> None:
    """Raise if a person may not do an action.

    Raises:
        Refused: 401 without sign-in, else 403.
    """
    if not may(person, action):
        raise Refused(401 if person.anonymous else 403, refusal(person, action))
