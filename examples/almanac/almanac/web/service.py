"""Pages for machines, and the page that says what went wrong."""

from __future__ import annotations

import os

from flask import Blueprint, Response, abort, jsonify, render_template
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError

from almanac import __version__
from almanac.errors import AlmanacError
from almanac.web.database import session

pages = Blueprint("service", __name__)


@pages.get("/health")
def health() -> tuple[Response, int]:
    """Say if the program and its database work."""
    try:
        session().execute(text("SELECT 1 FROM people LIMIT 1"))
    except SQLAlchemyError:
        return jsonify(status="no database", version=__version__), 503
    return jsonify(status="ok", version=__version__), 200


@pages.get("/_token")
def token() -> Response:
    """Answer the token this process was started with, so that tests know whom they talk to."""
    expected = os.environ.get("APP_TOKEN")
    if not expected:
        abort(404)
    return Response(expected, mimetype="text/plain")


def show_refusal(error: AlmanacError) -> tuple[str, int]:
    """Show as a page what the program could not do."""
    return render_template("problem.html", error=InternalServerError(str(error))), 500


def show_problem(error: HTTPException) -> tuple[str, int] | HTTPException:
    """Show an error as a page; redirects pass."""
    if error.code is None or error.code < 400:
        return error
    return render_template("problem.html", error=error), error.code
