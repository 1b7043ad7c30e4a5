"""Generate the endpoints' reference as a Markdown page: `python -m slipway.www.api.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from slipway.model.access import ACTIONS
from slipway.www.api.route import Route
from slipway.www.api.routes import CONTROL, READING

__all__ = ["page"]

_HEAD = """# Endpoints

What scripts, the command line and the pages ask a master, below `/plugins/slipway/api/`. Made
from the routes by `make docs`; every shape is in the OpenAPI document, `openapi.json` in the same
place.

- **The person** is known by `Authorization: Bearer TOKEN` (`slipway token create`), by a session's
  cookie, or by a reverse proxy: see [access](access.md). A gate is opened, approved and rejected
  by the roles that it names.
- **Answers** are JSON. Times are seconds since 1970, spans are seconds. Lists have `items` and
  `next`, to be given as `before` for the next part. Reading has an `ETag`: send `If-None-Match`,
  and get 304 where nothing has changed.
- **Bodies** are JSON objects of at most 256 KiB, announced as `application/json`. Keys and query
  parameters that are not known are refused.
- **Refusals** are `{"error": "one sentence", "fields": {"name": "a sentence for that field"}}`:
  400 wrong input, 401 not signed in, 403 may not, 404 no such thing, 409 the state of things
  refuses it (the gate is decided, the run has ended, the project is frozen), 413, 415, 503 the
  master is starting.
- **Changes**: on Buildbot's websocket, `/ws`, path `slipway/*/*` sends `{"project": ..., "runs":
  [...]}` after each change; what has changed is to be read again.

"""


def page() -> str:
    """Return the page."""
    return _HEAD + _section("Reading", READING) + "\n" + _section("Doing", CONTROL)


def _section(title: str, routes: Iterable[Route]) -> str:
    lines = [f"## {title}", "", "| | takes | what | query or body |", "| --- | --- | --- | --- |"]
    for route in routes:
        role = ACTIONS[route.action].role
        what = f"`{route.method} {route.path}` | {role} | {route.summary} | {_given(route)}"
        lines.append(f"| {what} |")
    return "\n".join(lines) + "\n"


def _given(route: Route) -> str:
    shape = route.body or route.query
    names = [
        f"`{name}`" if field.is_required() else f"`{name}`?"
        for name, field in shape.model_fields.items()
    ]
    return ", ".join(names)


if __name__ == "__main__":
    sys.stdout.write(page())
