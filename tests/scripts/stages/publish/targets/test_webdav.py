"""The target `webdav` against nginx, Apache and wsgidav, and against servers that mean no good."""

import base64
import gzip
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import ValidationError

from slipway.model.errors import SlipwayError, StageFailed
from slipway.scripts.releases.outgoing import OutgoingFile, Pointers
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.stages.publish.targets.webdav import places
from slipway.scripts.stages.publish.targets.webdav.listing import Unreadable, read_entries
from slipway.scripts.stages.publish.targets.webdav.settings import WebdavTarget
from slipway.scripts.stages.publish.targets.webdav.target import WebdavCopy
from tests.scripts.stages.publish.test_run import job
from tests.support import old_releases, release_targets
from tests.support.cut_connection import relay
from tests.support.dav_servers import (
    Apache,
    Nginx,
    Wsgidav,
    certificate,
    needs_apache,
    needs_nginx,
)
from tests.support.release_targets import CHECKS, Place, bring, content, make_release

pytestmark = pytest.mark.slow
KINDS = [
    pytest.param(Nginx, marks=needs_nginx, id="nginx"),
    pytest.param(Apache, marks=needs_apache, id="apache"),
    pytest.param(Wsgidav, id="wsgidav"),
]


class Far:
    """A folder at a server, as a target."""

    def __init__(self, server, folder, **changes):
        self.folder, self.server = folder, server
        self.settings = WebdavTarget(**server.settings(**changes))
        self.secrets = {"PASSWORD": server.word}
        self.home = server.files / "almanac"
        self.place = Place(self.connect, self.readers_see, folder / "releases", self.alter)

    def connect(self, release, report=None):
        stage = {"uses": "publish", "needs": ["archive"], "env": self.secrets}
        made = job(self.folder / "job", version=release.version, stage=stage)
        return WebdavCopy(self.settings, made, report)

    def readers_see(self, version):
        folder = self.home / version
        there = folder.iterdir() if folder.exists() else ()
        return {path.name: path.read_bytes() for path in there}

    def alter(self, _version, name):
        (path,) = self.home.glob(f".*.staged/{name}")
        path.write_bytes(b"altered" + path.read_bytes()[7:])

    def check(self, version="1.0+1", size=1):
        target = self.connect(self.place.release(version))
        try:
            target.check(version, size)
        finally:
            target.close()

    def left(self):
        """Return what lies aside. wsgidav itself writes on for a moment when an upload was cut."""
        found = sorted(one.name for one in self.home.rglob(".*.staged"))
        cut = ".upload." if isinstance(self.server, Wsgidav) else "-"
        return [one for one in found if not one.startswith(cut)]


@pytest.fixture(scope="module", params=KINDS)
def server(request, tmp_path_factory):
    made = request.param(tmp_path_factory.mktemp("dav")).start()
    yield made
    made.stop()


@pytest.fixture
def far(server, tmp_path):
    """A folder of its own at the server."""
    folder = server.files / tmp_path.name
    folder.mkdir()
    folder.chmod(0o777)
    made = Far(server, tmp_path, url=f"{server.url}/{tmp_path.name}/")
    made.home = folder / "almanac"
    return made


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_it_holds_to_the_contract(far, check):
    check(far.place)
    assert far.left() == []


def test_what_a_disk_altered_is_found(far):
    release_targets.check_alteration_is_found(far.place)


def test_a_part_of_a_release_is_not_made_public(far):
    release_targets.check_part_is_never_public(
        far.place, lambda name: next(far.home.glob(f".*.staged/{name}")).unlink()
    )


def test_old_releases_go_as_keep_says(far):
    if isinstance(far.server, Nginx):
        target = far.connect(far.place.release("1.0+1"))
        with pytest.raises(StageFailed, match="the server lists no folders, so no old release is"):
            list(target.versions())
        target.close()
        return
    old_releases.check_old_releases_are_removed(far.place)
    assert far.left() == []
    release = far.place.release("9.0")
    bring(far.place, release)
    target = far.connect(release)
    with pytest.raises(StageFailed, match=r"latest\.json shows 9\.0"):
        target.remove("9.0")
    with pytest.raises(SlipwayError, match="cannot name a file"):
        target.remove("../x")
    target.remove("9.1")
    target.close()


def test_a_check_leaves_nothing(far):
    far.check()
    assert list(far.home.parent.iterdir()) == []


def test_latest_moves_on_and_pages_are_put_in_place(far, tmp_path):
    bring(far.place, far.place.release("1.0+1"))
    release = far.place.release("1.0+2")
    bring(far.place, release)
    facts = {"version": "1.0+2", "run": 7, "revision": "ab" * 20}
    assert json.loads((far.home / "latest.json").read_text()) == facts
    page = tmp_path / "page"
    page.write_text("beta is 1.0+1")
    digest = release_targets._hash(page.read_bytes())

    def pages(*names):
        return tuple(OutgoingFile(name, page, page.stat().st_size, digest) for name in names)

    target = far.connect(release)
    target.look(release)
    target.point(Pointers("9.9", {}, pages("index.html", "channels/beta.json")))
    assert (far.home / "channels" / "beta.json").read_text() == "beta is 1.0+1"
    assert json.loads((far.home / "latest.json").read_text()) == facts
    target.point(Pointers("1.0+1", {}, pages("index.html")))
    assert json.loads((far.home / "latest.json").read_text()) == {"version": "1.0+1"}
    with pytest.raises(SlipwayError, match=r"'\.\.' cannot name a file"):
        target.point(Pointers("1.0+1", {}, pages("a/../../x")))
    target.close()
    assert far.left() == []


@pytest.mark.parametrize("tenth", range(0, 11, 2))
def test_a_connection_cut_anywhere_is_tried_again(server, far, tmp_path, tenth):
    with relay("127.0.0.1", server.port) as way:
        url = far.settings.url.replace(f":{server.port}/", f":{way.port}/")
        cut = Far(server, tmp_path, url=url)
        cut.home = far.home
        release = cut.place.release("1.0+1", {"big.zip": b"\r\n\0." * 200_000, "s": b"s"})
        cut.check()
        way.cut_after(3_000 + release.size * tenth // 10)
        bring(cut.place, release)
        assert dict(cut.readers_see("1.0+1")) == content(release)
        assert cut.left() == []


def test_a_release_that_lost_files_is_completed_and_none_is_mixed_with_another(far):
    release = far.place.release("1.0+1")
    bring(far.place, release)
    for name in ("almanac.dump", "release.json"):
        (far.home / "1.0+1" / name).unlink()
    bring(far.place, release)
    assert dict(far.readers_see("1.0+1")) == content(release)
    assert far.left() == []


def test_several_that_publish_at_once_make_one_release(far, tmp_path):
    for turn, words in enumerate(("xxx", "xy")):
        made = [
            make_release(
                tmp_path / f"{turn}{place}", f"1.{turn}", {"a": b"a" * 2_000_000, "b": one}
            )
            for place, one in enumerate(word.encode() for word in words)
        ]
        ended = []

        def publish(one, ended=ended):
            try:
                bring(far.place, one)
                ended.append("done")
            except StageFailed as error:
                ended.append(str(error))

        threads = [threading.Thread(target=publish, args=(one,)) for one in made]
        for one in threads:
            one.start()
        for one in threads:
            one.join(60)
        others = [one for one in ended if one != "done"]
        assert len(others) == len(set(words)) - 1, ended
        assert all("releases never change" in one for one in others), others
        assert dict(far.readers_see(f"1.{turn}")) in [content(one) for one in made]


@pytest.mark.parametrize(
    ("secret", "change", "why"),
    [
        ("guessed-wrong", {}, r'refuses the user "ann" with the password of the secret "PASSWORD"'),
        ("", {}, r'password: the stage has no secret "PASSWORD"; name it below'),
        ("a\nb", {}, r'the secret "PASSWORD" holds a line break'),
        (None, {"user": None, "password": None}, r"refuses to let anybody in without a login"),
        (None, {"user": None, "password": None, "token": "PASSWORD"}, r"refuses the token of the"),
        (None, {"url": "/no where"}, r"there is no folder http.*/no where|there is no folder"),
    ],
)
def test_who_may_not_is_told_in_one_sentence(server, tmp_path, secret, change, why):
    if change.get("url"):
        change = {"url": f"{server.url}{change['url']}".replace(" ", "%20")}
    far = Far(server, tmp_path, **change)
    if secret is not None:
        far.secrets = {"PASSWORD": secret}
    elif change.get("token"):
        far.secrets = {"PASSWORD": "a-token"}
    with pytest.raises(SlipwayError, match=why) as told:
        far.check()
    assert "\n" not in str(told.value)
    assert "guessed" not in str(told.value)


# What servers answer.


@pytest.fixture
def started(tmp_path):
    servers = []

    def start(**changes):
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        servers.append(Nginx(folder, **changes).start())
        return servers[-1]

    yield start
    for one in servers:
        one.stop()


def when(method, answer):
    return f"if ($request_method = {method}) {{ {answer} }}"


@needs_nginx
@pytest.mark.parametrize(
    ("rule", "kind", "why"),
    [
        (
            when("MKCOL", "return 403;"),
            StageFailed,
            r"making a folder at .* 403 Forbidden; see",
        ),
        (
            when("PUT", "return 403;"),
            StageFailed,
            r"uploading a file at .* 403 Forbidden; see",
        ),
        (
            when("MOVE", "return 403;"),
            StageFailed,
            r"moving a folder at .* 403 Forbidden; see",
        ),
        (when("MOVE", "return 405;"), StageFailed, r"moving a folder at .*; turn WebDAV on there$"),
        (when("MKCOL", "return 405;"), StageFailed, r"turn WebDAV on there|answers 4"),
        (when("PUT", "return 507;"), StageFailed, r"507 .*: the disk or the quota is full there$"),
        ("client_max_body_size 9;", StageFailed, r"413 .*: it takes no file of that size; raise"),
        (when("MKCOL", "return 503;"), TryAgain, r"making a folder at .* 503 Service Temporarily"),
        (when("PUT", "return 429;"), TryAgain, r"uploading a file at .* 429 Too Many Requests"),
        (
            when("PUT", "return 444;"),
            TryAgain,
            r"uploading a file to .* failed: Server disc",
        ),
        (
            when("MKCOL", "return 301 https://elsewhere.example/x;"),
            StageFailed,
            r"301 .*: it sends us to 'https://elsewhere\.example/x'; write that address as url$",
        ),
    ],
)
def test_a_server_that_refuses_something_is_understood(started, tmp_path, rule, kind, why):
    far = Far(started(location=rule), tmp_path)
    with pytest.raises(StageFailed, match=why) as told:
        far.check()
    assert type(told.value) is kind
    assert "<" not in str(told.value)
    assert list(far.server.files.iterdir()) == []


@needs_nginx
def test_a_server_that_asks_to_wait_is_waited_for(started, tmp_path):
    rule = "add_header Retry-After 7 always; " + when("PUT", "return 503;")
    far = Far(started(location=rule), tmp_path)
    with pytest.raises(TryAgain) as told:
        far.check()
    assert told.value.after == 7


@needs_nginx
def test_nobody_listens(started, tmp_path):
    server = started()
    far = Far(server, tmp_path)
    server.stop()
    with pytest.raises(TryAgain, match=r"looking at the folder to 127\.0\.0\.1:.* failed: "):
        far.check()


@needs_nginx
@pytest.mark.parametrize(
    ("made", "known", "why"),
    [
        ({"days": 1}, True, None),
        ({"days": -1}, True, r"certificate has expired.*not one that this machine trusts"),
        ({"days": 1, "host": "127.0.0.9"}, True, r"IP address mismatch.*not one that this machine"),
        ({"days": 1}, False, r"unable to get local issuer.*not one that this machine trusts"),
    ],
)
def test_the_servers_certificate_is_checked(started, tmp_path, made, known, why):
    authority = certificate(tmp_path, name="authority")
    foreign = certificate(tmp_path, name="foreign")
    pair = certificate(tmp_path, authority=authority, **made)
    trusted = (authority if known else foreign)[0]
    readers = "location /open/ { rewrite ^/open/(.*)$ /$1 break; }"
    server = started(tls=pair, server=readers)
    public = server.url.replace("/files", "/open/files")
    far = Far(server, tmp_path, authorities=str(trusted), public_url=public)
    if why is None:
        release = far.place.release("1.0+1")
        bring(far.place, release)
        assert dict(far.readers_see("1.0+1")) == content(release)
        return
    with pytest.raises(StageFailed, match=why) as told:
        far.check()
    assert type(told.value) is StageFailed


@needs_nginx
def test_a_file_of_authorities_without_any_is_told(started, tmp_path):
    (tmp_path / "none.pem").write_text("nothing")
    server = started(tls=certificate(tmp_path))
    with pytest.raises(SlipwayError, match=r"none\.pem holds no certificates in PEM"):
        Far(server, tmp_path, authorities=str(tmp_path / "none.pem")).check()
    with pytest.raises(SlipwayError, match=r"authorities: .*away\.pem cannot be read on this"):
        Far(server, tmp_path, authorities=str(tmp_path / "away.pem")).check()


@needs_nginx
def test_readers_get_the_files_from_a_public_address(started, tmp_path):
    public = "location /open/ { auth_basic off; alias %s/; }"
    server = started(server=public % (tmp_path / "server0" / "root" / "files"))
    url = f"http://127.0.0.1:{server.port}/open/"
    far = Far(server, tmp_path, public_url=url)
    release = far.place.release("1.0+1")
    bring(far.place, release)
    target = far.connect(release)
    assert target.public_url("Grüße 1.txt") == f"{url}almanac/1.0+1/Gr%C3%BC%C3%9Fe%201.txt"
    target.close()


@needs_apache
def test_a_server_that_calls_an_archive_encoded_is_read_as_it_is(tmp_path):
    server = Apache(tmp_path, readers="all granted").start()
    try:
        far = Far(server, tmp_path, public_url=server.url)
        files = {"almanac.tar.gz": gzip.compress(b"a tar file"), "plain.gz": b"no gzip"}
        release = far.place.release("1.0+1", files)
        bring(far.place, release)
        bring(far.place, release)
        assert dict(far.readers_see("1.0+1")) == content(release)
    finally:
        server.stop()


def test_a_strange_file_is_not_made_public(tmp_path):
    server = Wsgidav(tmp_path).start()
    try:
        far = Far(server, tmp_path)
        release = far.place.release("1.0+1")
        part = far.home / f".1.0+1.{release.files[-1].sha256[:16]}.staged"
        part.mkdir(parents=True)
        (part / "stranger.exe").write_text("bad")
        with pytest.raises(StageFailed, match=r"'stranger\.exe', which is not of this release"):
            bring(far.place, release)
        assert not far.readers_see("1.0+1")
    finally:
        server.stop()


def test_what_was_given_up_a_day_ago_is_removed(tmp_path, monkeypatch):
    server = Wsgidav(tmp_path).start()
    try:
        far = Far(server, tmp_path)
        left = far.home / ".old.0123456789abcdef.staged"
        left.mkdir(parents=True)
        bring(far.place, far.place.release("1.0+1"))
        assert left.exists()
        monkeypatch.setattr(places, "_DAY", -10)
        bring(far.place, far.place.release("1.0+2"))
        assert not left.exists()
    finally:
        server.stop()


# Servers that mean no good.


class Scripted:
    """A server that answers each method as a test says."""

    word, user = "hush-hush", "ann"

    def __init__(self, answers):
        seen = self.seen = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self):
                length = int(self.headers.get("content-length") or 0)
                self.rfile.read(length)
                seen.append((self.command, dict(self.headers)))
                code, headers, body = answers.get(self.command, (404, {}, b""))
                self.send_response(code)
                endless = callable(body)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Connection", "close")
                self.close_connection = True
                if not endless:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    for block in body() if endless else [body]:
                        self.wfile.write(block)
                except OSError:
                    pass

            def log_message(self, *_args):
                pass

        for method in ("PROPFIND", "MKCOL", "PUT", "MOVE", "DELETE", "GET", "HEAD"):
            setattr(Handler, f"do_{method}", Handler.do)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def files(self):
        return self

    def __truediv__(self, name):
        return self

    def settings(self, **changes):
        url = f"http://127.0.0.1:{self.port}/files"
        return {"kind": "webdav", "url": url, "user": "ann", "password": "PASSWORD", **changes}

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def scripted():
    servers = []

    def make(**answers):
        servers.append(Scripted(answers))
        return servers[-1]

    yield make
    for one in servers:
        one.close()


def endless(block):
    def blocks():
        while True:
            yield block

    return blocks


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><multistatus xmlns="DAV:"/>'


@pytest.mark.parametrize(
    "answer",
    [
        (207, {}, b"<multistatus"),
        (207, {}, b"<html/>"),
        (207, {}, ENTITIES),
        (207, {}, ENTITIES.decode().encode("utf-16")),
        (207, {"Content-Encoding": "gzip"}, b"no gzip"),
        (207, {}, endless(b" " * (1 << 20))),
        (403, {"Content-Type": "text/plain"}, b"no lists \x1b[2J\n for you"),
        (500, {}, endless(b"x" * 10_000)),
    ],
)
def test_answers_that_make_no_sense_are_told_in_one_sentence(scripted, tmp_path, answer):
    far = Far(scripted(PROPFIND=answer, MKCOL=answer), tmp_path)
    with pytest.raises(StageFailed, match=r"^[^\x00-\x1f]{20,600}$"):
        far.check()


def test_the_login_goes_nowhere_else(scripted, tmp_path):
    other = scripted()
    away = {"Location": f"http://127.0.0.1:{other.port}/files"}
    for code in (301, 302, 307, 308):
        far = Far(scripted(PROPFIND=(code, away, b"")), tmp_path)
        with pytest.raises(StageFailed, match="it sends us to"):
            far.check()
    assert other.seen == []


def test_a_server_that_keeps_other_bytes_than_it_says_is_found_out(scripted, tmp_path):
    done = (201, {}, b"")
    says = {"PROPFIND": (405, {}, b""), "MKCOL": done, "PUT": done, "MOVE": done, "DELETE": done}
    far = Far(scripted(**says, GET=(200, {}, endless(b"other bytes"))), tmp_path)
    with pytest.raises(StageFailed, match="what was uploaded there is not what is read there"):
        far.check()
    release = far.place.release("1.0+1")
    target = far.connect(release)
    target.look(release)
    assert len(b"".join(target.read_back(release.files[2]))) < 100_000
    target.close()


def test_the_token_is_sent_as_such(scripted, tmp_path):
    server = scripted()
    far = Far(server, tmp_path, user=None, password=None, token="TOKEN")
    far.secrets = {"TOKEN": "t0k3n\n"}
    with pytest.raises(StageFailed):
        far.check()
    assert server.seen[0][1]["Authorization"] == "Bearer t0k3n"
    far = Far(server, tmp_path)
    with pytest.raises(StageFailed):
        far.check()
    word = base64.b64encode(b"ann:hush-hush").decode()
    assert server.seen[-1][1]["Authorization"] == f"Basic {word}"


QUOTA = """<d:multistatus xmlns:d="DAV:"><d:response><d:href>/files/</d:href><d:propstat><d:prop>
<d:resourcetype><d:collection/></d:resourcetype><d:quota-available-bytes>%s</d:quota-available-bytes>
</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"""


@pytest.mark.parametrize(("left", "fits"), [("99", False), ("100", True), ("-3", True), ("", True)])
def test_a_quota_that_is_too_small_is_told_before(scripted, tmp_path, left, fits):
    done = (201, {}, b"")
    says = {"MKCOL": done, "PUT": done, "MOVE": done, "DELETE": done}
    says["PROPFIND"] = (207, {}, (QUOTA % left).encode())
    says["GET"] = (200, {}, b"Slipway looks whether it may write here.\n")
    far = Far(scripted(**says), tmp_path)
    if fits:
        far.check(size=100)
        return
    with pytest.raises(StageFailed, match=r"has room for 99 bytes, and 100 are needed$"):
        far.check(size=100)


def test_what_servers_list_is_read_by_its_last_part():
    listed = b"""<?xml version="1.0"?><multistatus xmlns="DAV:">
    <response><href>http://inside:81/dav/x/a%20b.zip</href><propstat><prop><resourcetype/>
    <getcontentlength>12</getcontentlength></prop><status>HTTP/1.1 200 OK</status></propstat>
    <propstat><prop><getlastmodified/></prop><status>HTTP/1.1 404 Not Found</status></propstat>
    </response><response><href>/x/%2E%2E%2Fy</href></response><response/></multistatus>"""
    found = read_entries(listed)
    assert [(one.name, one.size, one.is_folder) for one in found] == [
        ("a b.zip", 12, False),
        ("y", None, False),
        ("", None, False),
    ]
    with pytest.raises(Unreadable):
        read_entries(b"")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            {"url": "http://files.example.org/x"},
            "would send the password in the clear; write",
        ),
        ({"url": "https://ann:word@files.example.org/x"}, "without a user, a question mark"),
        ({"url": "https://files.example.org/x?y"}, "without a user, a question mark"),
        ({"url": "https://files.example.org:x/"}, "is no address"),
        ({"url": "ftp://files.example.org/"}, "should match pattern"),
        ({"url": "https://files.example.org/a b"}, "should match pattern"),
        ({"password": None}, "user and password go together"),
        ({"token": "TOKEN"}, "write one of user and token"),
        ({"user": "a:b"}, "should match pattern"),
        ({"password": "my password!"}, "should match pattern"),
        ({"login": "ntlm"}, "'basic' or 'digest'"),
    ],
)
def test_settings_that_cannot_be_are_told(change, why):
    given = {"kind": "webdav", "url": "https://files.example.org/x", "user": "u", "password": "P"}
    with pytest.raises(ValidationError, match=why):
        WebdavTarget(**{**given, **change})


def test_a_password_in_the_clear_may_go_to_this_machine_and_by_digest():
    given = {"kind": "webdav", "user": "u", "password": "P"}
    assert WebdavTarget(**given, url="http://localhost:8080/x").needed_secrets == ("P",)
    assert WebdavTarget(**given, url="http://files.example.org/x", login="digest").user == "u"


def test_ssl_checks_names_and_dates_also_with_ones_own_authority(tmp_path):
    from slipway.scripts.stages.publish.targets.webdav.dav import _trust

    authority = certificate(tmp_path)[0]
    settings = {"kind": "webdav", "url": "https://x.example", "authorities": str(authority)}
    made = _trust(WebdavTarget(**settings), tmp_path)
    assert made.check_hostname
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert len(made.get_ca_certs()) == 1
