"""A stand-in for GitLab's REST API, as far as packages and releases go.

Written from GitLab's documentation (gitlab-org/gitlab): doc/api/releases/_index.md,
doc/api/releases/links.md, doc/api/packages.md, doc/user/packages/generic_packages/_index.md, with
the patterns of names from lib/gitlab/regex/packages.rb and app/models/releases/link.rb.
"""

import re
from pathlib import Path
from urllib.parse import unquote

from tests.support.forges.server import Answer, StandIn

TOKENS = {
    "PRIVATE-TOKEN": "glpat-SECRETpersonal",
    "JOB-TOKEN": "glcbt-SECRETjob",
    "DEPLOY-TOKEN": "gldt-SECRETdeploy",
}
REVISION = "ab" * 20

_STRING = {"type": "string"}
_LINK = {
    "type": "object",
    "required": ["name", "url"],
    "properties": {
        "name": _STRING,
        "url": {"type": "string", "pattern": "^(https?|ftp)://"},
        "direct_asset_path": {
            "type": "string",
            "pattern": r"^/(?:[\-\.\w]+/?)*[0-9a-zA-Z]+$",
            "maxLength": 128,
        },
        "link_type": {"enum": ["other", "runbook", "image", "package"]},
    },
    "additionalProperties": False,
}
_NEW = {
    "type": "object",
    "required": ["tag_name"],
    "properties": {
        "name": _STRING,
        "tag_name": _STRING,
        "tag_message": _STRING,
        "description": _STRING,
        "ref": _STRING,
        "milestones": {"type": "array", "items": _STRING},
        "assets": {
            "type": "object",
            "properties": {"links": {"type": "array", "items": _LINK}},
            "additionalProperties": False,
        },
        "released_at": _STRING,
    },
    "additionalProperties": False,
}
_FILE = re.compile(r"(?!~)[A-Za-z0-9._\-+~@]+(?<!~)")
_PACKAGE = re.compile(r"[A-Za-z0-9._\-+]+")
_VERSION = re.compile(r"(?!.*\.\.)[\w+.-]+")


class GitLab(StandIn):
    """One project."""

    _PROJECT = r"/api/v4/projects/([^/]+)"
    routes = (
        ("GET", _PROJECT, "project", None),
        ("GET", _PROJECT + r"/repository/tags/([^/]+)", "tag", None),
        ("GET", _PROJECT + r"/repository/commits/([^/]+)", "commit", None),
        ("GET", _PROJECT + r"/packages", "list_packages", None),
        ("DELETE", _PROJECT + r"/packages/(\d+)", "delete_package", None),
        ("GET", _PROJECT + r"/packages/(\d+)/package_files", "list_files", None),
        ("PUT", _PROJECT + r"/packages/generic/([^/]+)/([^/]+)/([^/]+)", "upload", None),
        ("GET", _PROJECT + r"/packages/generic/([^/]+)/([^/]+)/([^/]+)", "file", None),
        ("GET", _PROJECT + r"/releases", "list_releases", None),
        ("POST", _PROJECT + r"/releases", "create_release", _NEW),
        ("GET", _PROJECT + r"/releases/([^/]+)", "release", None),
        ("DELETE", _PROJECT + r"/releases/([^/]+)", "delete_release", None),
        ("POST", _PROJECT + r"/releases/([^/]+)/assets/links", "add_link", _LINK),
        ("GET", r"/storage/(\d+)", "storage", None),
    )

    def __init__(self, folder: Path, name="example/almanac", **how):
        super().__init__(folder, **how)
        self.name, self.visibility, self.archived, self.level = name, "public", False, 30
        self.duplicates = True
        self.commits, self.tags = {REVISION}, {}
        self.files: list[dict] = []
        self.packages: dict[tuple, int] = {}
        self.releases: dict[str, dict] = {}
        self.url = self.here

    # ---- who asks

    def kind(self, asked):
        """Return the header by which somebody asks; None: without a token."""
        given = [name for name in TOKENS if name.lower() in asked.headers]
        if len(given) > 1:
            self.problems.append("more than one token was sent")
        return given[0] if given else None

    def known(self, asked, *kinds, public=False):
        kind = self.kind(asked)
        if asked.parts[0] not in {self.name, "24"}:
            raise Answer(404, {"message": "404 Project Not Found"})
        if kind is None:
            if public and self.visibility == "public":
                return
            raise Answer(401, {"message": "401 Unauthorized"})
        if asked.headers[kind.lower()] != TOKENS[kind]:
            raise Answer(401, {"message": "401 Unauthorized"})
        if kind.partition("-")[0].lower() not in {one.lower() for one in kinds}:
            self.problems.append(f"{asked.method} {asked.path} with a {kind}")
            raise Answer(401, {"message": "401 Unauthorized"})

    def writing(self, asked, *kinds):
        self.known(asked, *kinds)
        if self.level < 30:
            raise Answer(403, {"message": "403 Forbidden"})

    def removing(self, asked, *kinds):
        """Let the role Maintainer and higher ones remove, as doc/user/permissions.md says."""
        self.known(asked, *kinds)
        if self.level < 40:
            raise Answer(403, {"message": "403 Forbidden"})

    # ---- the project

    def project(self, asked):
        self.known(asked, "private")
        raise Answer(
            200,
            {
                "id": 24,
                "path_with_namespace": self.name,
                "visibility": self.visibility,
                "archived": self.archived,
                "web_url": f"{self.here}/{self.name}",
                "permissions": {
                    "project_access": {"access_level": self.level, "notification_level": 3},
                    "group_access": None,
                },
            },
        )

    def tag(self, asked):
        self.known(asked, "private")
        if asked.parts[1] not in self.tags:
            raise Answer(404, {"message": "404 Tag Not Found"})
        name = asked.parts[1]
        raise Answer(200, {"name": name, "commit": {"id": self.tags[name]}, "protected": False})

    def commit(self, asked):
        self.known(asked, "private")
        if asked.parts[1] not in self.commits:
            raise Answer(404, {"message": "404 Commit Not Found"})
        raise Answer(200, {"id": asked.parts[1]})

    # ---- packages

    def package_numbers(self):
        for one in self.files:
            key = one["package"], one["version"]
            self.packages.setdefault(key, len(self.packages) + 1)
        there = {(one["package"], one["version"]) for one in self.files}
        return {key: number for key, number in self.packages.items() if key in there}

    def list_packages(self, asked):
        self.known(asked, "private", "job")
        wanted = asked.query.get("package_name", "")
        if asked.query.get("package_type", "generic") not in {"generic", "pypi", "npm"}:
            self.problems.append(f"package_type {asked.query['package_type']}")
        found = [
            {"id": number, "name": name, "version": version, "package_type": "generic"}
            for (name, version), number in self.package_numbers().items()
            if wanted in name
        ]
        self.paged(asked, found)

    def delete_package(self, asked):
        self.removing(asked, "private", "job")
        number = int(asked.parts[1])
        key = next((k for k, n in self.package_numbers().items() if n == number), None)
        if key is None:
            raise Answer(404, {"message": "404 Not Found"})
        self.files = [one for one in self.files if (one["package"], one["version"]) != key]
        raise Answer(204)

    def list_files(self, asked):
        self.known(asked, "private", "job")
        number = int(asked.parts[1])
        key = next((k for k, n in self.package_numbers().items() if n == number), None)
        mine = [
            {
                "id": one["id"],
                "package_id": number,
                "file_name": one["name"],
                "size": one["size"],
                "file_sha256": one["sha256"],
            }
            for one in self.files
            if (one["package"], one["version"]) == key
        ]
        self.paged(asked, mine)

    def upload(self, asked):
        self.writing(asked, "private", "job", "deploy")
        _, package, version, name = asked.parts
        if set(asked.query) - {"status", "select"}:
            self.problems.append(f"upload with {asked.query}")
        for pattern, value in ((_PACKAGE, package), (_VERSION, version), (_FILE, name)):
            if not pattern.fullmatch(value):
                self.problems.append(f"upload: {value!r} is invalid")
                raise Answer(400, {"error": f"{value} is invalid"})
        key = (package, version, name)
        if any((one["package"], one["version"], one["name"]) == key for one in self.files):
            if not self.duplicates:
                raise Answer(400, {"message": "400 Bad request - Duplicate package is not allowed"})
            self.problems.append(f"a second {name} was sent")
        self.add(package, version, name, asked.stored, asked.sha256, asked.size)
        raise Answer(201, {"message": "201 Created"})

    def add(self, package, version, name, stored, sha256, size):
        self.files.append(
            {
                "id": self.new_number(),
                "package": package,
                "version": version,
                "name": name,
                "file": stored,
                "sha256": sha256,
                "size": size,
            }
        )

    def file(self, asked):
        self.known(asked, "private", "job", "deploy", public=True)
        key = asked.parts[1:]
        mine = [o for o in self.files if (o["package"], o["version"], o["name"]) == key]
        if not mine:
            raise Answer(404, {"message": "404 Not found"})
        # The newest one; from object storage, which is another host.
        raise Answer(302, headers={"Location": f"{self.elsewhere}/storage/{mine[-1]['id']}"})

    def storage(self, asked):
        if self.kind(asked) is not None or "authorization" in asked.headers:
            self.problems.append("the token went to the storage of files")
        one = next(one for one in self.files if one["id"] == int(asked.parts[0]))
        raise Answer(200, headers={"Content-Type": "application/octet-stream"}, file=one["file"])

    # ---- releases

    def shown(self, one):
        return {
            **one,
            "commit": {"id": self.tags[one["tag_name"]]},
            "_links": {"self": f"{self.here}/{self.name}/-/releases/{one['tag_name']}"},
        }

    def list_releases(self, asked):
        self.known(asked, "private", "job")
        self.paged(asked, [self.shown(one) for one in self.releases.values()])

    def release(self, asked):
        self.known(asked, "private", "job")
        if asked.parts[1] not in self.releases:
            raise Answer(404, {"message": "404 Not Found"})
        raise Answer(200, self.shown(self.releases[asked.parts[1]]))

    def create_release(self, asked):
        self.writing(asked, "private", "job")
        given = asked.data
        tag = given["tag_name"]
        if tag in self.releases:
            raise Answer(409, {"message": "Release already exists"})
        if tag not in self.tags:
            if given.get("ref") not in self.commits:
                raise Answer(422, {"message": "Ref is not specified"})
            self.tags[tag] = given["ref"]
        links = given.get("assets", {}).get("links", [])
        self.check_links(links)
        self.releases[tag] = {
            "tag_name": tag,
            "name": given.get("name"),
            "description": given.get("description"),
            "assets": {"links": [self.link(one) for one in links]},
        }
        raise Answer(201, self.shown(self.releases[tag]))

    def delete_release(self, asked):
        self.removing(asked, "private", "job")
        if asked.parts[1] not in self.releases:
            raise Answer(404, {"message": "404 Not Found"})
        raise Answer(200, self.shown(self.releases.pop(asked.parts[1])))

    def add_link(self, asked):
        self.writing(asked, "private", "job")
        one = self.releases.get(asked.parts[1])
        if one is None:
            raise Answer(404, {"message": "404 Not Found"})
        links = one["assets"]["links"]
        self.check_links([*links, asked.data])
        links.append(self.link(asked.data))
        raise Answer(201, links[-1])

    def link(self, given):
        path = given.get("direct_asset_path")
        return {
            "id": self.new_number(),
            **given,
            "direct_asset_url": f"{self.here}/downloads{path}" if path else given["url"],
        }

    def check_links(self, links):
        for key in ("name", "url", "direct_asset_path"):
            values = [one[key] for one in links if key in one]
            if len(values) != len(set(values)):
                self.problems.append(f"links have the same {key}: {values}")
                raise Answer(400, {"message": f"{key} has already been taken"})

    # ---- what tests ask

    def linked(self, tag):
        """Return the files that a release links to, by name."""
        found = {}
        for one in self.releases[tag]["assets"]["links"] if tag in self.releases else []:
            key = tuple(map(unquote, one["url"].split("/packages/generic/")[1].split("/")))
            mine = [o for o in self.files if (o["package"], o["version"], o["name"]) == key]
            found[one["name"]] = mine[-1]["file"].read_bytes()
        return found
