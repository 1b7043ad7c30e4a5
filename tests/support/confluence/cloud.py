"""Confluence Cloud, from its documents of v2 and v1."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

from .routes import TEXT, VERSION, Answer, Edition, Request, shape
from .site import Page, Refused

_BODY = shape({"representation": {"const": "storage"}, "value": TEXT})
_STATUS = {"enum": ["current", "draft"]}


class Cloud(Edition):
    base = "/wiki"
    token = "cloud-token-3141"

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        pair = f"{self.site.account}:{self.token}".encode()
        self.authorization = f"Basic {base64.b64encode(pair).decode()}"
        self.operations = [("create", "page"), ("create", "attachment"), ("read", "space")]
        v1, v2 = "/rest/api/content/{id}", "/api/v2/pages"
        self.route("GET", "/rest/api/user/current", self.user, "expand")
        self.route("GET", "/api/v2/spaces", self.spaces, "keys limit cursor")
        self.route("GET", "/api/v2/spaces/{id}/operations", self.rights)
        self.route("GET", v2, self.find, "space-id title status limit cursor body-format sort")
        new = shape(
            {"spaceId": TEXT}, {"status": _STATUS, "title": TEXT, "parentId": TEXT, "body": _BODY}
        )
        self.route("POST", v2, self.create, "private embedded", new)
        self.route("GET", f"{v2}/{{id}}", self.get, "body-format get-draft version")
        old = {"id": TEXT, "status": _STATUS, "title": TEXT, "body": _BODY, "version": VERSION}
        self.route("PUT", f"{v2}/{{id}}", self.update, "", shape(old, {"parentId": TEXT}))
        self.route("DELETE", f"{v2}/{{id}}", self.remove)
        self.route("GET", f"{v2}/{{id}}/children", self.children, "cursor limit sort")
        paged = "depth sort status title body-format cursor limit"
        self.route("GET", "/api/v2/spaces/{id}/pages", self.all_pages, paged)
        listed = "limit cursor filename status mediaType sort"
        self.route("GET", f"{v2}/{{id}}/attachments", self.attachments, listed)
        self.route("GET", f"{v2}/{{id}}/properties", self.properties, "key sort cursor limit")
        noted = shape({"key": TEXT, "value": {}})
        self.route("POST", f"{v2}/{{id}}/properties", self.add_property, "", noted)
        again = shape({"key": TEXT, "value": {}, "version": VERSION})
        self.route("PUT", f"{v2}/{{id}}/properties/{{number}}", self.set_property, "", again)
        self.route("POST", f"{v1}/child/attachment", self.post_attachment, "status", "file")
        self.route("PUT", f"{v1}/child/attachment", self.put_attachment, "status", "file")
        self.route("GET", f"{v1}/child/attachment/{{file}}/download", self.download, "version")
        self.route("GET", f"{v1}/restriction/byOperation/read", self.get_restriction, "expand")
        self.route("DELETE", f"{v1}/restriction", self.unrestrict, "expand")

    def error(self, code: int, text: str) -> Answer:
        """Answer as v2 does."""
        return Answer(code, {"errors": [{"status": code, "code": "ERROR", "title": text}]})

    def listing(self, request: Request, found: list[dict[str, Any]]) -> Answer:
        """Answer with a part of a list, and a cursor for the next one."""
        begin, size = int(request.one("cursor", "0")), self.part_size
        links = {}
        if begin + size < len(found):
            query = request.query | {"cursor": [str(begin + size)]}
            links = {"next": f"{request.path}?{urlencode(query, doseq=True)}"}
        return Answer(200, {"results": found[begin : begin + size], "_links": links})

    def shown(self, page: Page) -> dict[str, Any]:
        return {
            "id": page.id,
            "status": page.status,
            "title": page.title,
            "spaceId": self.site.number,
            "parentId": page.parent,
            "version": {"number": page.version, "createdAt": "2026-01-01T00:00:00Z"},
            "_links": {"webui": f"/spaces/REL/pages/{page.id}"},
        }

    def user(self, _request: Request) -> Answer:
        return Answer(200, {"type": "known", "accountId": "557058:1", "email": self.site.account})

    def spaces(self, request: Request) -> Answer:
        known = [{"id": self.site.number, "key": self.site.key}, {"id": "66", "key": "OTHER"}]
        return self.listing(request, [one for one in known if one["key"] in request.query["keys"]])

    def rights(self, _request: Request, id: str) -> Answer:  # noqa: A002
        given = [{"operation": verb, "targetType": kind} for verb, kind in self.operations]
        return Answer(200, {"operations": given})

    def find(self, request: Request) -> Answer:
        if set(request.query["status"]) - {"current", "archived", "deleted", "trashed"}:
            self.problems.append(f"no such status: {request.query['status']}")
        found = [
            self.shown(page)
            for page in self.site.pages.values()
            if page.title.casefold() == request.one("title").casefold()
            and page.status in request.query["status"]
            and request.one("space-id") == self.site.number
        ]
        return self.listing(request, found)

    def create(self, request: Request) -> Answer:
        given = request.json
        if given["spaceId"] != self.site.number:
            raise Refused(404, "There is no such space")
        private = request.one("private") == "true"
        title, body = given["title"], given["body"]["value"]
        page = self.site.create(title, body, given.get("parentId"), private=private)
        return Answer(200, self.shown(page))

    def get(self, _request: Request, id: str) -> Answer:  # noqa: A002
        return Answer(200, self.shown(self.site.page(id)))

    def update(self, request: Request, id: str) -> Answer:  # noqa: A002
        given = request.json
        body, version = given["body"]["value"], given["version"]["number"]
        return Answer(200, self.shown(self.site.update(id, given["title"], body, version)))

    def remove(self, _request: Request, id: str) -> Answer:  # noqa: A002
        self.site.remove(id)
        return Answer(204)

    def children(self, request: Request, id: str) -> Answer:  # noqa: A002
        below = [page for page in self.site.pages.values() if page.parent == id]
        keys = ("id", "status", "title", "spaceId")
        found = [{key: self.shown(page)[key] for key in keys} for page in below]
        return self.listing(request, [one for one in found if one["status"] == "current"])

    def all_pages(self, request: Request, id: str) -> Answer:  # noqa: A002
        pages = [page for page in self.site.pages.values() if page.status == "current"]
        return self.listing(request, [self.shown(page) for page in pages])

    def attachments(self, request: Request, id: str) -> Answer:  # noqa: A002
        found = [
            {
                "id": one.id,
                "title": one.name,
                "status": "current",
                "fileSize": len(one.data),
                "comment": one.comment,
                "mediaType": one.media_type,
                "version": {"number": len(one.versions)},
                "downloadLink": f"/download/attachments/{id}/{one.name}",
            }
            for one in self.site.page(id).files.values()
        ]
        return self.listing(request, found)

    def put_attachment(self, request: Request, id: str) -> Answer:  # noqa: A002
        """Create or update."""
        name, media_type, comment, data = self.uploaded(request)
        page = self.site.page(id)
        if name in page.files:
            file = self.site.replace_file(id, name, comment, data)
        else:
            file = self.site.add_file(id, name, media_type, comment, data)
        return Answer(200, {"results": [self.attachment(page, file)], "size": 1})

    def download(self, _request: Request, id: str, file: str) -> Answer:  # noqa: A002
        page = self.site.page(id)
        for one in page.files.values():
            if one.id == file:
                return self.sent_on(page, one)
        raise Refused(404, "no such attachment")

    def unrestrict(self, _request: Request, id: str) -> Answer:  # noqa: A002
        self.site.restrict(id, set())
        return Answer(200, {"results": []})

    def noted(self, key: str, kept: tuple[str, int, Any]) -> dict[str, Any]:
        number, version, value = kept
        return {"id": number, "key": key, "value": value, "version": {"number": version}}

    def properties(self, request: Request, id: str) -> Answer:  # noqa: A002
        found = self.site.page(id).properties
        wanted = [one for one in found if one == request.one("key")]
        return self.listing(request, [self.noted(one, found[one]) for one in wanted])

    def add_property(self, request: Request, id: str) -> Answer:  # noqa: A002
        key, value = request.json["key"], json.loads(json.dumps(request.json["value"]))
        return Answer(200, self.noted(key, self.site.note(id, key, value, 1)))

    def set_property(self, request: Request, id: str, number: str) -> Answer:  # noqa: A002
        key, version = request.json["key"], request.json["version"]["number"]
        there = self.site.page(id).properties.get(key)
        if there is None or there[0] != number:
            raise Refused(404, "no such property")
        return Answer(200, self.noted(key, self.site.note(id, key, request.json["value"], version)))
