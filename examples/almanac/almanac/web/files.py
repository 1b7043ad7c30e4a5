"""Templates and static files, read from inside the package wherever it was installed to."""

from __future__ import annotations

import functools
from importlib.resources import files

from flask import Blueprint, Response, abort, request
from werkzeug.wrappers import Response as AnyResponse

from almanac.errors import AlmanacError

pages = Blueprint("files", __name__)
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@functools.cache
def _read(folder: str, name: str) -> str | None:
    if "/" in name or "\\" in name or name.startswith("."):
        return None
    path = files("almanac.web") / folder / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


def template(name: str) -> str | None:
    """Return the source of a template, for Jinja."""
    return _read("templates", name)


def require() -> None:
    """Raise if the program was packed without its pages."""
    if template("base.html") is None or _read("static", "style.css") is None:
        raise AlmanacError("This program was packed without the files of almanac.web.")


@pages.get("/static/<name>")
def static(name: str) -> AnyResponse:
    """Send a style sheet, a script or a picture."""
    text, kind = _read("static", name), TYPES.get(name.rpartition(".")[2])
    if text is None or kind is None:
        abort(404)
    response = Response(text, mimetype=kind)
    response.add_etag()
    response.cache_control.no_cache = True
    return response.make_conditional(request)
