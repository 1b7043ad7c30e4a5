"""The book as web pages; they work without JavaScript."""

from __future__ import annotations

import os
import secrets
from datetime import date

from flask import Flask
from jinja2 import FunctionLoader
from werkzeug.exceptions import HTTPException

from almanac import __version__, zoom
from almanac.database import Sessions
from almanac.errors import AlmanacError
from almanac.web import appointments, days, files, people, security, service
from almanac.web.database import EXTENSION, close_session

__all__ = ["create_app"]


def create_app(sessions: Sessions, secret: str | None = None) -> Flask:
    """Return the WSGI application over a book."""
    app = Flask("almanac", static_folder=None, template_folder=None)
    app.config.update(
        SECRET_KEY=secret or os.environ.get("ALMANAC_SECRET") or secrets.token_hex(),
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=64 * 1024,
    )
    app.extensions[EXTENSION] = sessions
    app.jinja_options = {"loader": FunctionLoader(files.template), "trim_blocks": True}
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(version=__version__, csrf_token=security.csrf_token)
    app.jinja_env.globals["today"] = date.today
    app.jinja_env.filters["long_name"] = zoom.long_name
    for part in (days, appointments, people, service, files):
        app.register_blueprint(part.pages)
    app.before_request(security.check_csrf)
    app.after_request(security.add_headers)
    app.teardown_appcontext(close_session)
    app.register_error_handler(HTTPException, service.show_problem)
    app.register_error_handler(AlmanacError, service.show_refusal)
    return app
