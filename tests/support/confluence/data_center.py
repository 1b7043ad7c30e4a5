"""Confluence Data Center, from its documents of the REST API."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlencode

from .routes import TEXT, VERSION, Answer, Edition, Request, shape
from .site import Page, Refused

_STORAGE = shape({"storage": shape({"value": TEXT, "representation": {"const": "storage"}})})
_CONTENT = {
    "type": {"const": "page"},
    "title": TEXT,
    "space": shape({"key": TEXT}),
    "body": _STORAGE,
}
_USER = shape({"type": {"const": "known"}, "username": TEXT})
_RESTRICTED = shape(
    {
        "user": {"type": "array", "items": _USER},
        "group": {"type": "array", "items": shape({"type": {"const": "group"}, "name": TEXT})},
    }
)


class DataCenter(Edition):
    base = "/confluence"
    token = "personal-access-token-2718"

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.authorization = f"Bearer {self.token}"
        content, one = "/rest/api/content", "/rest/api/content/{id}"
        self.route("GET", "/rest/api/user/current", self.user, "expand")
        self.route("GET", "/rest/api/accessmode", self.mode)
        self.route("GET", "/rest/api/space/{key}", self.space, "expand")
        self.route("GET", content, self.find, "spaceKey title type status expand start limit")
        new = shape(_CONTENT, {"ancestors": {"type": "array", "items": shape({"id": TEXT})}})
        self.route("POST", content, self.create, "expand status", new)
        self.route("GET", one, self.get, "expand status version")
        old = shape(_CONTENT | {"id": TEXT, "status": {"const": "current"}, "version": VERSION})
        self.route("PUT", one, self.update, "status", old)
        self.route("DELETE", one, self.remove, "status")
        self.route("GET", f"{one}/child/page", self.children, "expand start limit")
        files = f"{one}/child/attachment"
        self.route("GET", files, self.attachments, "expand start limit filename mediaType")
        self.route("POST", files, self.post_attachment, "allowDuplicated status expand", "file")
        self.route("POST", f"{files}/{{file}}/data", self.post_data, "expand", "file")
        self.route("GET", f"{one}/restriction/byOperation/read", self.get_restriction, "expand")
        limits = {"type": "array", "items": shape({"operation": TEXT, "restrictions": _RESTRICTED})}
        self.put_restriction = (f"{one}/restriction", self.restrict, "expand", limits)
        self.route("PUT", *self.put_restriction)
        self.route("GET", f"{one}/property/{{key}}", self.get_property, "expand")
        self.route(
            "POST", f"{one}/property", self.add_property, "", shape({"key": TEXT, "value": {}})
        )
        again = shape({"key": TEXT, "value": {}, "version": VERSION})
        self.route("PUT", f"{one}/property/{{key}}", self.set_property, "", again)
        self.route("GET", "/download/attachments/{id}/{name}", self.download, "version")

    def be_older(self) -> None:
        """Have restrictions in the experimental API alone, as versions before 8 have."""
        self.routes = [
            one for one in self.routes if (one.method, one.answer) != ("PUT", self.restrict)
        ]
        path, *rest = self.put_restriction
        self.route("PUT", path, self.unknown, "expand", rest[-1])
        self.route("PUT", path.replace("/rest/api/", "/rest/experimental/"), *rest)

    def unknown(self, _request: Request, id: str) -> Answer:  # noqa: A002
        raise Refused(404, f"null for uri: {id}")

    def listing(self, request: Request, found: list[dict[str, Any]]) -> Answer:
        """Answer with a part of a list, of fewer than were asked for: a fixed system limit."""
        begin = int(request.one("start", "0"))
        size = min(int(request.one("limit", "25")), self.part_size)
        part = found[begin : begin + size]
        links = {}
        if begin + size < len(found):
            query = request.query | {"start": [str(begin + size)], "limit": [str(size)]}
            path = request.path.removeprefix(self.base)
            links = {"next": f"{path}?{urlencode(query, doseq=True)}"}
        return Answer(
            200,
            {"results": part, "start": begin, "limit": size, "size": len(part), "_links": links},
        )

    def shown(self, page: Page) -> dict[str, Any]:
        return {
            "id": page.id,
            "type": "page",
            "status": page.status,
            "title": page.title,
            "version": {"number": page.version},
            "_links": {"webui": f"/pages/viewpage.action?pageId={page.id}"},
        }

    def user(self, _request: Request) -> Answer:
        return Answer(200, {"type": "known", "username": "publisher", "userKey": "ff8080"})

    def mode(self, _request: Request) -> Answer:
        return Answer(200, "READ_ONLY" if self.site.is_read_only else "READ_WRITE")

    def space(self, _request: Request, key: str) -> Answer:
        if key != self.site.key:
            raise Refused(404, f"No space found with key : {key}")
        return Answer(200, {"id": 65, "key": key, "type": "global"})

    def find(self, request: Request) -> Answer:
        found = [
            self.shown(page)
            for page in self.site.pages.values()
            if request.one("title", page.title).casefold() == page.title.casefold()
            and page.status == "current"
            and request.one("spaceKey") == self.site.key
        ]
        return self.listing(request, found)

    def children(self, request: Request, id: str) -> Answer:  # noqa: A002
        found = [page for page in self.site.pages.values() if page.parent == id]
        return self.listing(request, [self.shown(one) for one in found if one.status == "current"])

    def create(self, request: Request) -> Answer:
        given = request.json
        parent = given["ancestors"][0]["id"] if "ancestors" in given else None
        page = self.site.create(given["title"], given["body"]["storage"]["value"], parent)
        return Answer(200, self.shown(page))

    def get(self, _request: Request, id: str) -> Answer:  # noqa: A002
        return Answer(200, self.shown(self.site.page(id)))

    def update(self, request: Request, id: str) -> Answer:  # noqa: A002
        given = request.json
        body, version = given["body"]["storage"]["value"], given["version"]["number"]
        return Answer(200, self.shown(self.site.update(id, given["title"], body, version)))

    def remove(self, _request: Request, id: str) -> Answer:  # noqa: A002
        self.site.remove(id)
        return Answer(204)

    def attachments(self, request: Request, id: str) -> Answer:  # noqa: A002
        page = self.site.page(id)
        return self.listing(request, [self.attachment(page, one) for one in page.files.values()])

    def post_data(self, request: Request, id: str, file: str) -> Answer:  # noqa: A002
        _, _, comment, data = self.uploaded(request)
        page = self.site.page(id)
        for one in page.files.values():
            if one.id == file:
                return Answer(
                    200,
                    self.attachment(page, self.site.replace_file(id, one.name, comment, data)),
                )
        raise Refused(404, "no such attachment")

    def restrict(self, request: Request, id: str) -> Answer:  # noqa: A002
        users = request.json[0]["restrictions"]["user"]
        self.site.restrict(id, {one["username"] for one in users})
        return Answer(200, {"results": []})

    def noted(self, key: str, kept: tuple[str, int, Any]) -> Answer:
        number, version, value = kept
        told = {"id": number, "key": key, "value": value, "version": {"number": version}}
        return Answer(200, told)

    def get_property(self, _request: Request, id: str, key: str) -> Answer:  # noqa: A002
        found = self.site.page(id).properties
        if key not in found:
            raise Refused(404, "no such property")
        return self.noted(key, found[key])

    def add_property(self, request: Request, id: str) -> Answer:  # noqa: A002
        key = request.json["key"]
        return self.noted(key, self.site.note(id, key, request.json["value"], 1))

    def set_property(self, request: Request, id: str, key: str) -> Answer:  # noqa: A002
        version = request.json["version"]["number"]
        return self.noted(key, self.site.note(id, key, request.json["value"], version))

    def download(self, _request: Request, id: str, name: str) -> Answer:  # noqa: A002
        page = self.site.page(id)
        if unquote(name) not in page.files:
            raise Refused(404, "no such attachment")
        return self.sent_on(page, page.files[unquote(name)])
