"""What both kinds share: routes, what a request may hold, and how answers look."""

from __future__ import annotations

import dataclasses
import email.message
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import jsonschema

from .site import File, Page, Refused, Site

TEXT = {"type": "string"}


def shape(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the schema of an object that may have these keys and no others."""
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


VERSION = shape(
    {"number": {"type": "integer"}}, {"message": TEXT, "minorEdit": {"type": "boolean"}}
)


@dataclasses.dataclass
class Part:
    name: str
    filename: str
    media_type: str
    data: bytes


@dataclasses.dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: email.message.Message
    json: Any = None
    parts: dict[str, Part] = dataclasses.field(default_factory=dict)

    def one(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]


@dataclasses.dataclass
class Answer:
    code: int = 200
    json: Any = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    data: bytes = b""


@dataclasses.dataclass
class Route:
    method: str
    pattern: re.Pattern[str]
    answer: Callable[..., Answer]
    query: set[str]
    body: dict[str, Any] | None


class Edition:
    """The API of one kind of Confluence."""

    base = ""
    authorization = ""

    def __init__(self, site: Site, part_size: int = 2) -> None:
        self.site, self.part_size = site, part_size
        self.problems: list[str] = []
        self.routes: list[Route] = []
        self.media_host = ""
        """Where downloads are sent on to; empty: they are served at once."""

    def route(self, method: str, path: str, answer: Any, query: str = "", body: Any = None) -> None:
        pattern = re.compile(self.base + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
        self.routes.append(Route(method, pattern, answer, set(query.split()), body))

    def respond(self, request: Request) -> Answer:
        """Answer a request, after validating it."""
        if request.headers.get("Authorization") != self.authorization:
            return self.error(401, "Unauthorized")
        fitting = [one for one in self.routes if one.pattern.fullmatch(request.path)]
        route = next((one for one in fitting if one.method == request.method), None)
        if route is None:
            if request.path.startswith(f"{self.base}/rest/api/content") and fitting:
                return self.error(405, "Method Not Allowed")
            self.problems.append(f"{request.method} {request.path} is in no document")
            return self.error(404, "null for uri")
        try:
            self._validate(request, route)
            with self.site.lock:
                found = route.pattern.fullmatch(request.path)
                return route.answer(request, **(found.groupdict() if found else {}))
        except Refused as refusal:
            return self.error(refusal.code, refusal.text)

    def _validate(self, request: Request, route: Route) -> None:
        here = f"{request.method} {request.path}"
        if unknown := set(request.query) - route.query:
            self.problems.append(f"{here}: no such parameters: {unknown}")
        if route.body == "file":
            self._validate_upload(request, here)
        elif route.body is not None:
            try:
                jsonschema.validate(request.json, route.body)
            except jsonschema.ValidationError as error:
                self.problems.append(f"{here}: {error.message}")
        elif request.json is not None or request.parts:
            self.problems.append(f"{here}: it takes no body")

    def _validate_upload(self, request: Request, here: str) -> None:
        if set(request.parts) != {"file", "comment", "minorEdit"}:
            self.problems.append(f"{here}: the parts are {sorted(request.parts)}")
        elif request.parts["minorEdit"].data not in (b"true", b"false"):
            self.problems.append(f"{here}: minorEdit is {request.parts['minorEdit'].data!r}")
        elif request.parts["comment"].media_type != "text/plain; charset=utf-8":
            self.problems.append(f"{here}: the comment's charset is not said")
        if request.headers.get("X-Atlassian-Token") not in ("no-check", "nocheck"):
            raise Refused(403, "XSRF check failed")

    def error(self, code: int, text: str) -> Answer:
        return Answer(code, {"statusCode": code, "message": text})

    # ---- the API v1, which both have

    def attachment(self, page: Page, file: File) -> dict[str, Any]:
        return {
            "id": file.id,
            "type": "attachment",
            "status": "current",
            "title": file.name,
            "version": {"number": len(file.versions)},
            "metadata": {"comment": file.comment, "mediaType": file.media_type},
            "extensions": {"fileSize": len(file.data), "comment": file.comment},
            "_links": {
                "download": f"/download/attachments/{page.id}/{quote(file.name)}"
                f"?version={len(file.versions)}"
            },
        }

    def uploaded(self, request: Request) -> tuple[str, str, str, bytes]:
        file, comment = request.parts["file"], request.parts["comment"]
        return file.filename, file.media_type, comment.data.decode(), file.data

    def post_attachment(self, request: Request, id: str) -> Answer:  # noqa: A002
        name, media_type, comment, data = self.uploaded(request)
        file = self.site.add_file(id, name, media_type, comment, data)
        return Answer(200, {"results": [self.attachment(self.site.page(id), file)], "size": 1})

    def get_restriction(self, _request: Request, id: str) -> Answer:  # noqa: A002
        users = [{"type": "known", "username": one} for one in self.site.page(id).readers]
        lists = {"user": {"results": users}, "group": {"results": []}}
        return Answer(200, {"operation": "read", "restrictions": lists})

    def sent_on(self, page: Page, file: File) -> Answer:
        """Send a download on to where files are kept."""
        if not self.media_host:
            return Answer(200, data=file.data, headers={"Content-Type": file.media_type})
        return Answer(
            302, headers={"Location": f"{self.media_host}/{page.id}/{file.id}?sig=secret"}
        )

    def kept(self, path: str) -> bytes | None:
        """Return what the host of files has under a path."""
        _, number, file = path.split("/")
        page = self.site.pages.get(number)
        found = [one for one in (page.files.values() if page else ()) if one.id == file]
        return found[0].data if found else None
