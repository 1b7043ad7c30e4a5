"""A stand-in for PyPI: its form of uploads and its simple index.

Written from PyPI's documentation of the upload API (docs.pypi.org/api/upload) and of the index API
(docs.pypi.org/api/index-api, PEP 503 and PEP 691), with the refusals that its users know.
"""

import base64
import email
import email.policy
import hashlib
import html
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.forges.server import Answer, StandIn

TOKEN = "pypi-AgEIcHlwaS5vcmcSECRET"


class PyPI(StandIn):
    """An index with other people's projects in it."""

    routes = (
        ("POST", r"/legacy/", "upload", None),
        ("GET", r"/simple/([^/]+)/", "page", None),
        ("GET", r"/files/([^/]+)", "file", None),
    )

    def __init__(self, folder: Path, **how):
        super().__init__(folder, **how)
        self.files: dict[str, bytes] = {}
        self.forms: list[dict[str, list[str]]] = []
        self.others = {"numpy"}
        self.gone: set[str] = set()
        self.as_json, self.hashes, self.private, self.delay = True, True, False, 0
        self.url, self.index = f"{self.here}/legacy/", f"{self.elsewhere}/simple/"

    def is_known(self, asked):
        pair = base64.b64encode(f"__token__:{TOKEN}".encode()).decode()
        return asked.headers.get("authorization") == f"Basic {pair}"

    def upload(self, asked):
        if not self.is_known(asked):
            text = "403 Invalid or non-existent authentication information."
            raise Answer(403, text, headers={"Content-Type": "text/plain"})
        form, name, data = self.form(asked)
        if "content" not in form:
            raise self.wrong("Upload payload does not have a file.")
        self.forms.append(form)
        self.hold_to_form(form, name, data)
        project = canonicalize_name(form["name"][0])
        if project in self.others:
            text = f"The user 'ada' isn't allowed to upload to project '{project}'."
            raise Answer(403, text, headers={"Content-Type": "text/plain"})
        if Version(form["version"][0]).local:
            raise self.wrong(f"The use of local versions in {form['version'][0]} is not allowed.")
        if name in self.gone:
            raise self.wrong("This filename has already been used, use a different version.")
        if name in self.files and self.files[name] != data:
            raise self.wrong(f"File already exists ('{name}', with blake2_256 hash '...').")
        self.files[name] = data
        raise Answer(200, b"")

    def wrong(self, text):
        return Answer(400, text, headers={"Content-Type": "text/plain"})

    def form(self, asked):
        head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
        message = email.message_from_bytes(
            head + asked.stored.read_bytes(), policy=email.policy.HTTP
        )
        form, name, data = {}, "", b""
        for part in message.iter_parts():
            key = part.get_param("name", header="content-disposition")
            body = part.get_payload(decode=True)
            if part.get_filename() is not None:
                name, data, body = part.get_filename(), body, b"(file)"
            form.setdefault(key, []).append(body.decode())
        return form, name, data

    def hold_to_form(self, form, name, data):
        wanted = {
            ":action": ["file_upload"],
            "protocol_version": ["1"],
            "sha256_digest": [hashlib.sha256(data).hexdigest()],
            "blake2_256_digest": [hashlib.blake2b(data, digest_size=32).hexdigest()],
            "filetype": ["bdist_wheel" if name.endswith(".whl") else "sdist"],
            "pyversion": ["py3" if name.endswith(".whl") else "source"],
        }
        for key, value in wanted.items():
            if form.get(key) != value:
                self.problems.append(f"{name}: {key} is {form.get(key)} and not {value}")
        for key in ("metadata_version", "name", "version"):
            if len(form.get(key, ())) != 1:
                self.problems.append(f"{name}: {key} is {form.get(key)}")

    def page(self, asked):
        if self.private and not self.is_known(asked):
            raise Answer(401, {"message": "who are you?"})
        if asked.headers["host"].startswith("localhost") and "authorization" in asked.headers:
            self.problems.append("the token went to another server")
        project = asked.parts[0]
        if project != canonicalize_name(project):
            self.problems.append(f"{project} is not normalized")
        mine = [one for one in self.files if canonicalize_name(one.split("-")[0]) == project]
        if self.delay:
            self.delay, mine = self.delay - 1, []
        if not mine:
            raise Answer(404, b"Not Found", headers={"Content-Type": "text/plain"})
        sums = {one: hashlib.sha256(self.files[one]).hexdigest() for one in mine}
        if self.as_json:
            files = [
                {
                    "filename": one,
                    "url": f"../../files/{one}",
                    "hashes": {"sha256": sums[one]} if self.hashes else {},
                }
                for one in mine
            ]
            kind = "application/vnd.pypi.simple.v1+json"
            raise Answer(
                200,
                {"meta": {"api-version": "1.0"}, "name": project, "files": files},
                headers={"Content-Type": kind},
            )
        links = "".join(
            f'<a href="{html.escape(self.link(one, sums))}">{html.escape(one)}</a><br>'
            for one in mine
        )
        text = f"<!DOCTYPE html><html><body>{links}</body></html>"
        raise Answer(200, text, headers={"Content-Type": "text/html"})

    def link(self, name, sums):
        mark = f"#sha256={sums[name]}" if self.hashes else ""
        return f"{self.elsewhere}/files/{name}{mark}"

    def file(self, asked):
        if asked.parts[0] not in self.files:
            raise Answer(404, b"", headers={"Content-Type": "text/plain"})
        kind = {"Content-Type": "application/octet-stream"}
        raise Answer(200, self.files[asked.parts[0]], headers=kind)
