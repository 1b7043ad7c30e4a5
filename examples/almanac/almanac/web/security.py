"""Tokens against forged forms, and protective headers."""

from __future__ import annotations

import hmac
import secrets

from flask import Response, abort, request, session

FIELD = "csrf_token"


def csrf_token() -> str:
    """Return this visitor's token, which every form sends back."""
    if FIELD not in session:
        session[FIELD] = secrets.token_hex(16)
    token: str = session[FIELD]
    return token


def check_csrf() -> None:
    """Refuse a form that does not carry its visitor's token."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    expected, sent = session.get(FIELD, ""), request.form.get(FIELD, "")
    if not expected or not hmac.compare_digest(expected.encode(), sent.encode()):
        abort(400, "This form is too old or comes from elsewhere. Open it again, please.")


def add_headers(response: Response) -> Response:
    """Allow only our own styles and scripts, and no framing."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response
