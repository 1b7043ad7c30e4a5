"""One database session for each request."""

from __future__ import annotations

from flask import current_app, g
from sqlalchemy.orm import Session

from almanac.changes import AUTHOR

EXTENSION = "almanac.sessions"


def session() -> Session:
    """Return this request's session."""
    if "session" not in g:
        g.session = current_app.extensions[EXTENSION]()
        g.session.info[AUTHOR] = "web"
    found: Session = g.session
    return found


def close_session(error: BaseException | None = None) -> None:
    """Close it; whatever was not committed is rolled back."""
    opened = g.pop("session", None)
    if opened is not None:
        opened.close()
