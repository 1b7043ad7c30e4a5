"""Serve the endpoints as a resource of Buildbot's web server."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ValidationError
from twisted.internet import defer
from twisted.python import log
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from slipway.master.access.identify import identify
from slipway.model.errors import SlipwayError
from slipway.www.api.call import Call, demand
from slipway.www.api.graph_columns import Outlines
from slipway.www.api.http_errors import Refused, of_error, of_validation
from slipway.www.api.request_parsing import read_body, read_query
from slipway.www.api.route import Route, Router
from slipway.www.shapes.base import Problem

__all__ = ["Api", "dumped"]


class Api(Resource):
    """Everything below `/plugins/slipway/api/`."""

    isLeaf = True  # noqa: N815  Twisted's name

    def __init__(self, master: Any, router: Router, config: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._master, self._router, self._config = master, router, config
        self._outlines = Outlines(config.get("workers", {}))

    def render(self, request: Any) -> Any:
        """Answer a request, synchronously or later."""
        request.setHeader("x-content-type-options", "nosniff")
        answering = defer.ensureDeferred(self._answer(request))
        # Writes are not cancelled when the client disconnects: after a gate's request is recorded,
        # its secrets must be kept and its stage started.
        reading = request.method in {b"GET", b"HEAD"}
        request.notifyFinish().addErrback(lambda _: answering.cancel() if reading else None)
        answering.addErrback(self._failed, request)
        return NOT_DONE_YET

    async def _answer(self, request: Any) -> None:
        try:
            route, found = await self._do(request)
        except Refused as refused:
            problem = Problem(error=refused.sentence, fields=refused.fields)
            _send(request, refused.status, problem.model_dump_json().encode())
            return
        if found is not None:
            _send_found(request, route, found)

    async def _do(self, request: Any) -> tuple[Route, Any]:
        method = request.method.decode("ascii", "replace")
        route, path = self._router.find(method, _path(request))
        person = identify(request)
        demand(person, route.action)
        call = Call(self._master, person, self._outlines, self._config, request, path)
        try:
            call.query = route.query.model_validate(read_query(request, route.query))
        except ValidationError as error:
            raise of_validation(error, "query") from None
        if route.body is not None:
            try:
                call.body = route.body.model_validate(read_body(request))
            except ValidationError as error:
                raise of_validation(error, "body") from None
        try:
            return route, await route.handler(call)
        except Refused:
            raise
        except SlipwayError as error:
            raise of_error(error, signed_in=bool(person.name), wrong=route.wrong) from None

    def _failed(self, failure: Any, request: Any) -> None:
        if failure.check(defer.CancelledError) or request.finished or request.channel is None:
            return
        log.err(failure, f"while answering {request.method!r} {request.path!r}")
        problem = Problem(error="something went wrong in the master; its log says what")
        _send(request, 500, problem.model_dump_json().encode())


def _path(request: Any) -> str:
    try:
        return b"/".join(request.postpath).decode().rstrip("/")
    except UnicodeDecodeError:
        raise Refused(404, "the path is no UTF-8 text") from None


def _send_found(request: Any, route: Route, found: Any) -> None:
    body = dumped(found)
    if route.method == "GET":
        tag = b'W/"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'
        request.setHeader("etag", tag)
        request.setHeader("cache-control", "private, no-cache")
        known = (request.getHeader(b"if-none-match") or b"").split(b",")
        if tag in {one.strip() for one in known}:
            request.setResponseCode(304)
            request.finish()
            return
    _send(request, route.status, body)


def dumped(found: Any) -> bytes:
    """Serialize an answer as JSON."""
    if isinstance(found, BaseModel):
        return found.model_dump_json(by_alias=True).encode()
    return json.dumps(found, ensure_ascii=False).encode()


def _send(request: Any, status: int, body: bytes) -> None:
    if request.channel is None:
        # The client has disconnected.
        return
    request.setResponseCode(status)
    request.setHeader("content-type", "application/json; charset=utf-8")
    if status == 401:  # noqa: PLR2004  RFC 9110 wants the scheme named
        request.setHeader("www-authenticate", 'Bearer realm="slipway"')
    if not request.responseHeaders.hasHeader("cache-control"):
        request.setHeader("cache-control", "no-store")
    request.setHeader("content-length", str(len(body)))
    if request.method != b"HEAD":
        request.write(body)
    request.finish()
