"""A stand-in for GitHub's REST API, as far as releases go.

Written from the OpenAPI description in github/rest-api-description (api.github.com, version
2022-11-28): the paths under /repos/{owner}/{repo} for releases, assets, git/ref, git/tags and
commits, with their bodies and statuses. What that leaves open is as users have reported it: the
names that assets get, `starter` assets of uploads that were cut, and immutable releases.
"""

import re
from pathlib import Path

from tests.support.forges.server import Answer, StandIn

TOKEN = "github_pat_11SECRET"
REVISION = "ab" * 20

_STRING, _TRUTH = {"type": "string"}, {"type": "boolean"}
_RELEASE = {
    "tag_name": _STRING,
    "target_commitish": _STRING,
    "name": _STRING,
    "body": {"type": "string", "maxLength": 125_000},
    "draft": _TRUTH,
    "prerelease": _TRUTH,
    "discussion_category_name": _STRING,
    "make_latest": {"enum": ["true", "false", "legacy"]},
}
_NEW = {
    "type": "object",
    "required": ["tag_name"],
    "properties": {**_RELEASE, "generate_release_notes": _TRUTH},
    "additionalProperties": False,
}
_CHANGED = {"type": "object", "properties": _RELEASE, "additionalProperties": False}


def stored_name(name: str) -> str:
    """Return the name that an asset gets: signs become dots, several in a row one."""
    plain = re.sub(r"\.+", ".", re.sub(r"[^A-Za-z0-9_.+-]", ".", name))
    return plain.strip(".") or "default"


def invalid(resource, code, field, message="Validation Failed"):
    entry = {"resource": resource, "code": code, "field": field}
    return Answer(422, {"message": message, "errors": [entry], "status": "422"})


class GitHub(StandIn):
    """One repository."""

    _REPO = r"/api/v3/repos/([^/]+/[^/]+)"
    routes = (
        ("GET", _REPO, "repository", None),
        ("GET", _REPO + r"/commits/([^/]+)", "commit", None),
        ("GET", _REPO + r"/git/ref/tags/(.+)", "reference", None),
        ("GET", _REPO + r"/git/tags/([^/]+)", "tag_object", None),
        ("GET", _REPO + r"/releases", "list_releases", None),
        ("POST", _REPO + r"/releases", "create_release", _NEW),
        ("GET", _REPO + r"/releases/latest", "latest_release", None),
        ("GET", _REPO + r"/releases/tags/(.+)", "release_by_tag", None),
        ("GET", _REPO + r"/releases/assets/(\d+)", "asset", None),
        ("DELETE", _REPO + r"/releases/assets/(\d+)", "delete_asset", None),
        ("GET", _REPO + r"/releases/(\d+)", "release", None),
        ("PATCH", _REPO + r"/releases/(\d+)", "update_release", _CHANGED),
        ("DELETE", _REPO + r"/releases/(\d+)", "delete_release", None),
        ("GET", _REPO + r"/releases/(\d+)/assets", "list_assets", None),
        ("POST", r"/api/uploads/repos/([^/]+/[^/]+)/releases/(\d+)/assets", "upload", None),
        ("GET", r"/([^/]+/[^/]+)/releases/download/([^/]+)/([^/]+)", "public_asset", None),
        ("GET", r"/storage/(\d+)", "storage", None),
    )

    def __init__(self, folder: Path, name="example/almanac", **how):
        super().__init__(folder, **how)
        self.name, self.private, self.archived, self.may_push = name, False, False, True
        self.immutable, self.digests = False, True
        self.may_delete = False
        """Whether a test expects that published releases are deleted."""
        self.commits, self.tags, self.tag_objects = {REVISION}, {}, {}
        self.burned: set[str] = set()
        self.releases: dict[int, dict] = {}
        self.assets: dict[int, dict] = {}
        self.latest: int | None = None
        self.upload_base = self.here
        self.url = f"{self.here}/api/v3"

    # ---- what tests ask

    @property
    def published(self):
        return [one for one in self.releases.values() if not one["draft"]]

    @property
    def drafts(self):
        return [one for one in self.releases.values() if one["draft"]]

    def files(self, release):
        mine = [one for one in self.assets.values() if one["release"] == release["id"]]
        return {one["name"]: one["file"].read_bytes() for one in mine}

    # ---- who asks

    def known(self, asked, *, upload=False):
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Answer(401, {"message": "Bad credentials", "status": "401"})
        self.need(asked, x_github_api_version="2022-11-28")
        if not upload and "octet-stream" not in asked.headers.get("accept", ""):
            self.need(asked, accept="application/vnd.github+json")
        if not asked.headers.get("user-agent"):
            self.problems.append(f"{asked.path}: no User-Agent")
        if asked.parts[0].lower() != self.name.lower():
            raise Answer(404, {"message": "Not Found", "status": "404"})

    def writing(self, asked):
        self.known(asked, upload="/uploads/" in asked.path)
        if not self.may_push:
            text = "Resource not accessible by personal access token"
            raise Answer(403, {"message": text, "status": "403"})

    # ---- the repository

    def repository(self, asked):
        self.known(asked)
        raise Answer(
            200,
            {
                "id": 1,
                "full_name": self.name,
                "private": self.private,
                "archived": self.archived,
                "permissions": {"admin": False, "push": self.may_push, "pull": True},
            },
        )

    def commit(self, asked):
        self.known(asked)
        if asked.parts[1] not in self.commits:
            raise Answer(422, {"message": f"No commit found for SHA: {asked.parts[1]}"})
        raise Answer(200, {"sha": asked.parts[1]})

    def reference(self, asked):
        self.known(asked)
        if asked.parts[1] not in self.tags:
            raise Answer(404, {"message": "Not Found"})
        sha = self.tags[asked.parts[1]]
        kind = "tag" if sha in self.tag_objects else "commit"
        raise Answer(
            200, {"ref": f"refs/tags/{asked.parts[1]}", "object": {"type": kind, "sha": sha}}
        )

    def tag_object(self, asked):
        self.known(asked)
        target = self.tag_objects.get(asked.parts[1])
        if target is None:
            raise Answer(404, {"message": "Not Found"})
        kind = "tag" if target in self.tag_objects else "commit"
        raise Answer(200, {"sha": asked.parts[1], "object": {"type": kind, "sha": target}})

    # ---- releases

    def shown(self, one):
        place = f"tag/{one['tag_name']}" if not one["draft"] else f"tag/untagged-{one['id']}"
        repo = f"repos/{self.name}/releases/{one['id']}"
        return {
            **one,
            "html_url": f"{self.here}/{self.name}/releases/{place}",
            "upload_url": f"{self.upload_base}/api/uploads/{repo}/assets{{?name,label}}",
            "assets_url": f"{self.url}/{repo}/assets",
        }

    def find(self, asked):
        found = self.releases.get(int(asked.parts[1]))
        if found is None:
            raise Answer(404, {"message": "Not Found"})
        return found

    def list_releases(self, asked):
        self.known(asked)
        newest = sorted(self.releases.values(), key=lambda one: -one["id"])
        if not self.may_push:
            newest = [one for one in newest if not one["draft"]]
        self.paged(asked, [self.shown(one) for one in newest])

    def release_by_tag(self, asked):
        self.known(asked)
        for one in self.published:
            if one["tag_name"] == asked.parts[1]:
                raise Answer(200, self.shown(one))
        raise Answer(404, {"message": "Not Found"})

    def latest_release(self, asked):
        self.known(asked)
        if self.latest is None:
            raise Answer(404, {"message": "Not Found"})
        raise Answer(200, self.shown(self.releases[self.latest]))

    def release(self, asked):
        self.known(asked)
        raise Answer(200, self.shown(self.find(asked)))

    def create_release(self, asked):
        self.writing(asked)
        given = dict(asked.data)
        if given["tag_name"] in self.burned:
            raise invalid(
                "Release", "custom", "tag_name: tag_name was used by an immutable release"
            )
        one = {
            "id": self.new_number(),
            "tag_name": given["tag_name"],
            "target_commitish": given.get("target_commitish", "main"),
            "name": given.get("name"),
            "body": given.get("body"),
            "draft": True,
            "prerelease": given.get("prerelease", False),
            "immutable": False,
        }
        self.releases[one["id"]] = one
        if not given.get("draft", False):
            self.publish(one, given)
        raise Answer(201, self.shown(one))

    def update_release(self, asked):
        self.writing(asked)
        one, given = self.find(asked), dict(asked.data)
        if one["immutable"] and set(given) - {"name", "body"}:
            raise invalid("Release", "custom", "immutable", "Cannot change an immutable release")
        make_latest = given.pop("make_latest", None)
        draft = given.pop("draft", one["draft"])
        if not one["draft"] and draft:
            self.problems.append("a release was made a draft again")
        published = one["draft"] and not draft
        if published and any(o["tag_name"] == given["tag_name"] for o in self.published):
            raise invalid("Release", "already_exists", "tag_name")
        one.update(given)
        if published:
            self.publish(one, {"make_latest": make_latest})
        elif make_latest == "true":
            self.latest = one["id"]
        raise Answer(200, self.shown(one))

    def publish(self, one, given):
        broken = [
            a
            for a in self.assets.values()
            if a["release"] == one["id"] and a["state"] != "uploaded"
        ]
        if broken:
            self.problems.append(f"published with {broken[0]['name']} in pieces")
        one["draft"], one["immutable"] = False, self.immutable
        if one["tag_name"] not in self.tags:
            if one["target_commitish"] not in self.commits:
                raise invalid("Release", "invalid", "target_commitish")
            self.tags[one["tag_name"]] = one["target_commitish"]
        if not one["prerelease"] and (given.get("make_latest") or "true") != "false":
            self.latest = one["id"]

    def delete_release(self, asked):
        self.writing(asked)
        one = self.find(asked)
        if not one["draft"] and not self.may_delete:
            self.problems.append(f"the published release {one['tag_name']} was deleted")
        if one["immutable"]:
            self.burned.add(one["tag_name"])
        if self.latest == one["id"]:
            self.latest = None
        del self.releases[one["id"]]
        self.assets = {k: a for k, a in self.assets.items() if a["release"] != one["id"]}
        raise Answer(204)

    # ---- assets

    def shown_asset(self, one):
        release = self.releases[one["release"]]
        tag = release["tag_name"] if not release["draft"] else f"untagged-{release['id']}"
        download = f"{self.here}/{self.name}/releases/download"
        return {
            "url": f"{self.url}/repos/{self.name}/releases/assets/{one['id']}",
            "browser_download_url": f"{download}/{tag}/{one['name']}",
            "id": one["id"],
            "name": one["name"],
            "label": one["label"],
            "state": one["state"],
            "content_type": one["content_type"],
            "size": one["size"],
            "digest": f"sha256:{one['sha256']}" if self.digests else None,
        }

    def list_assets(self, asked):
        self.known(asked)
        release = self.find(asked)
        mine = [a for a in self.assets.values() if a["release"] == release["id"]]
        self.paged(asked, [self.shown_asset(one) for one in mine])

    def upload(self, asked):
        self.writing(asked)
        release = self.find(asked)
        if set(asked.query) - {"name", "label"} or not asked.query.get("name"):
            self.problems.append(f"upload with {asked.query}")
        if not asked.headers.get("content-type") or "content-length" not in asked.headers:
            self.problems.append("upload without Content-Type or Content-Length")
        if release["immutable"] or not release["draft"]:
            self.problems.append("a file was added to a published release")
            raise Answer(422, {"message": "Cannot upload assets to an immutable release."})
        name = stored_name(asked.query["name"])
        if any(
            one["release"] == release["id"] and one["name"] == name for one in self.assets.values()
        ):
            raise invalid("ReleaseAsset", "already_exists", "name")
        raise Answer(201, self.shown_asset(self.add(asked, release, name, "uploaded")))

    def add(self, asked, release, name, state):
        number = self.new_number()
        self.assets[number] = {
            "id": number,
            "release": release["id"],
            "name": name,
            "label": asked.query.get("label"),
            "state": state,
            "content_type": asked.headers.get("content-type"),
            "size": asked.size,
            "sha256": asked.sha256,
            "file": asked.stored,
        }
        return self.assets[number]

    def cut(self, asked):
        """Keep what an upload that was cut leaves: an empty asset that is called `starter`."""
        match = re.fullmatch(r"/api/uploads/repos/[^/]+/[^/]+/releases/(\d+)/assets", asked.path)
        if match and int(match[1]) in self.releases:
            asked.size = 0
            name, release = stored_name(asked.query["name"]), self.releases[int(match[1])]
            with self._lock:
                # The next try may be quicker than the news of the cut.
                if name not in self.files(release):
                    self.add(asked, release, name, "starter")

    def asset(self, asked):
        self.known(asked)
        one = self.assets.get(int(asked.parts[1]))
        if one is None:
            raise Answer(404, {"message": "Not Found"})
        if asked.headers.get("accept") == "application/octet-stream":
            raise Answer(302, headers={"Location": f"{self.elsewhere}/storage/{one['id']}"})
        raise Answer(200, self.shown_asset(one))

    def delete_asset(self, asked):
        self.writing(asked)
        one = self.assets.get(int(asked.parts[1]))
        if one is None:
            raise Answer(404, {"message": "Not Found"})
        if not self.releases[one["release"]]["draft"]:
            self.problems.append(f"{one['name']} of a published release was deleted")
            raise Answer(422, {"message": "Cannot delete asset from an immutable release"})
        del self.assets[one["id"]]
        raise Answer(204)

    def public_asset(self, asked):
        for one in self.assets.values():
            release = self.releases[one["release"]]
            if (release["tag_name"], one["name"]) == asked.parts[1:] and not release["draft"]:
                raise Answer(302, headers={"Location": f"{self.elsewhere}/storage/{one['id']}"})
        raise Answer(404, b"Not Found", headers={"Content-Type": "text/plain"})

    def storage(self, asked):
        if "authorization" in asked.headers:
            self.problems.append("the token went to the storage of files")
        one = self.assets.get(int(asked.parts[0]))
        if one is None:
            raise Answer(404, b"", headers={"Content-Type": "text/plain"})
        raise Answer(200, headers={"Content-Type": "application/octet-stream"}, file=one["file"])
