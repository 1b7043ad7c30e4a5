"""Routes: map methods and paths to handlers and shapes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from slipway.www.api.call import Call
from slipway.www.api.http_errors import Refused, not_found
from slipway.www.shapes.base import Asked, NoQuery

__all__ = ["ENVIRONMENT", "ID", "NUMBER", "RUN", "SHA256", "STAGE", "Route", "Router"]

#: Patterns of a path's parts; other values get 404 before they reach the ledger.
ID = r"[1-9][0-9]{0,8}"
NUMBER = rf"{ID}|latest"
SHA256 = r"[0-9a-f]{64}"
#: Paths that several endpoints begin with.
RUN = "runs/{project}/{number}"
STAGE = RUN + "/stages/{stage}"
ENVIRONMENT = "environments/{project}/{name}"
_PARTS = {"id": ID, "number": NUMBER, "sha256": SHA256}
_ANY = r"[^/\x00-\x1f\x7f]{1,80}"


@dataclass(frozen=True)
class Route:
    """One endpoint."""

    method: str
    path: str
    """For example "runs/{project}/{number}"."""
    action: str
    """The permission that a caller needs, by its name in the table of actions."""
    handler: Callable[[Call], Awaitable[Any]]
    answer: Any
    """The shape of the answer; None: bytes that the handler has sent itself."""
    summary: str
    query: type[Asked] = NoQuery
    body: type[Asked] | None = None
    status: int = 200
    files: tuple[str, ...] = ()
    """Media types of answers besides JSON."""
    wrong: int = 409
    """The HTTP status if the ledger refuses the action."""

    @property
    def names(self) -> list[str]:
        """The names of the path's parameters."""
        return re.findall(r"{(\w+)}", self.path)

    def pattern(self) -> re.Pattern[str]:
        """Return the pattern of this route's paths."""
        text = re.sub(
            r"{(\w+)}", lambda found: f"(?P<{found[1]}>{_PARTS.get(found[1], _ANY)})", self.path
        )
        return re.compile(text)


class Router:
    """Find the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(route.pattern(), route) for route in routes]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route of a method and a path, with the path's parts.

        Raises:
            Refused: 404 if no route has this path, 405 if its routes have other methods.
        """
        methods = set()
        wanted = "GET" if method == "HEAD" else method
        for pattern, route in self._routes:
            found = pattern.fullmatch(path)
            if found and route.method == wanted:
                return route, found.groupdict()
            if found:
                methods.add(route.method)
        if methods:
            raise Refused(405, f"this takes {' or '.join(sorted(methods))}, not {method[:20]}")
        raise not_found("there is nothing here; openapi.json lists what there is")
