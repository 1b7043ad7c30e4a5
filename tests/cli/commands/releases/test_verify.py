"""`slipway verify` of what a web server has; what it finds in a folder is in tests/scripts."""

import contextlib
import hashlib
import http.server
import json
import threading
from pathlib import Path

import httpx
import pytest

from slipway.cli.lib import fetched_release
from slipway.scripts.releases import manifest

pytestmark = pytest.mark.slow


def entry(folder, name, text):
    (folder / name).write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"name": name, "size": len(text), "sha256": digest}


def publish(folder, names=("program", "no #te.txt")):
    folder.mkdir(parents=True)
    made = manifest.Manifest(
        project="demo",
        version="1.0+1",
        revision="a" * 40,
        run=1,
        committed_at=1,
        published_at=1,
        artefacts=[manifest.Artefact(**entry(folder, name, f"the {name}")) for name in names],
        pages=[manifest.ReleaseFile(**entry(folder, "index.html", "<p>"))],
    )
    (folder / "release.json").write_text(made.text())
    (folder / "SHA256SUMS").write_text(made.sums())


@pytest.fixture
def web(tmp_path, server):
    """A server of a folder with a release that nobody signed."""
    root = tmp_path / "web"
    publish(root / "demo" / "1.0+1")
    return root / "demo" / "1.0+1", f"http://127.0.0.1:{server.server_port}/demo"


def test_a_release_is_checked_from_elsewhere(place, web):
    folder, url = web
    for at in (f"{url}/1.0+1", f"{url}/1.0+1/", f"{url}/1.0+1/release.json"):
        code, out, err = place.slipway("verify", at, "--unsigned")
        assert (code, err) == (0, "")
        assert "demo 1.0+1 is as it was published: 4 files" in out
    assert place.slipway("verify", url)[0] == 2
    (folder.parent / "latest.json").write_text('{"version": "1.0+1"}')
    assert place.slipway("verify", url, "--unsigned")[0] == 0
    (folder.parent / "latest.json").unlink()
    (folder.parent / "latest").symlink_to("1.0+1")
    assert place.slipway("verify", url, "--unsigned")[0] == 0
    code, out, _ = place.slipway("verify", url, "--json", "--unsigned")
    found = json.loads(out)
    assert (code, found["good"], found["run"], found["place"]) == (0, True, 1, url)
    here = json.loads(place.slipway("verify", folder.parent, "--json", "--unsigned")[1])
    assert here["files"] == found["files"]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("program", "THE program", "altered: sha256"),
        ("program", "the program and more of it", "altered: 12 instead of 11 bytes"),
        ("program", "the", "truncated: 3 of 11 bytes"),
        ("no #te.txt", None, "missing"),
        ("SHA256SUMS", None, "missing"),
        ("SHA256SUMS", "0", "disagrees with release.json"),
        ("release.json", "{}", "release.json"),
        ("release.json", "[" * 5000, "no such file"),
        ("release.json", "9" * 5000, "no such file"),
    ],
)
def test_what_is_not_as_published_is_told(place, web, name, text, told):
    folder, url = web
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text)
    code, out, err = place.slipway("verify", f"{url}/1.0+1", "--unsigned")
    assert (code, err) == (1, "")
    assert told in out
    assert f"{url}/1.0+1 is not as it was published" in out
    code, out, _ = place.slipway("verify", f"{url}/1.0+1", "--json", "--unsigned")
    assert (code, json.loads(out)["good"]) == (1, False)


def test_names_of_a_hostile_manifest_leave_no_folder(place, web, tmp_path):
    folder, url = web
    (folder.parent / "escaped").write_text("x")
    text = (folder / "release.json").read_text().replace("no #te.txt", "../escaped")
    (folder / "release.json").write_text(text)
    assert place.slipway("verify", f"{url}/1.0+1")[0] == 1
    (folder.parent / "latest.json").write_text('{"version": "../../secret"}')
    assert place.slipway("verify", url)[0] == 2
    for text in ('{"version": 1}', "[" * 5000, "9" * 5000, "[]", "\xff"):
        (folder.parent / "latest.json").write_text(text, "latin-1")
        assert place.slipway("verify", url)[0] == 2
        assert place.slipway("verify", folder.parent)[0] == 2
    assert not list(Path(tmp_path / "temporary").rglob("escaped"))


@pytest.mark.parametrize("at", ["http://127.0.0.1:9/demo", "http://[::", "https://"])
def test_no_server_is_one_sentence(place, at):
    code, out, err = place.slipway("verify", at, "--unsigned")
    assert code in {2, 3}
    assert (out, len(err.splitlines())) == ("", 1)
    assert at in err


@pytest.mark.parametrize("at", ["file:///srv/demo", "ftp://127.0.0.1/demo", "HTTPX://127.0.0.1/"])
def test_a_url_of_another_kind_is_refused(place, at):
    code, out, err = place.slipway("verify", at, "--unsigned")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "no URL of http:// or https://" in err


class Hostile(http.server.BaseHTTPRequestHandler):
    """A server that leads round and round, sends without an end, or a byte now and then."""

    def log_message(self, *_words):
        """Say nothing."""

    def do_GET(self):
        """Answer as the path's first part says."""
        kind = self.path.split("/")[1]
        if kind == "round":
            self.send_response(302)
            self.send_header("Location", f"/round/{len(self.path)}{self.path[6:]}")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.server.ended.wait(0.05 if kind == "drip" else 0):
                self.wfile.write(b" " if kind == "drip" else b" " * (1 << 16))


@pytest.fixture
def hostile():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        server.ended = threading.Event()
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.ended.set()
        server.shutdown()
        thread.join()


def test_a_hostile_server_is_given_up(place, hostile, server, monkeypatch):
    """`server` looks that no temporary folder is left."""
    monkeypatch.setattr(fetched_release, "_SLOW_AFTER", 1.0)
    monkeypatch.setattr(fetched_release, "_MOST", 1 << 20)
    for kind, expected, told in (
        ("round", 3, "redirect"),
        ("drip", 3, "bytes a second are not waited for"),
        ("endless", 1, "is not readable as JSON"),
    ):
        code, out, err = place.slipway("verify", f"{hostile}/{kind}", "--unsigned")
        assert (code, told in (out + err)) == (expected, True), (kind, out, err)


def test_a_release_of_too_many_files_is_not_fetched(place, web, server, monkeypatch):
    _, url = web
    monkeypatch.setattr(fetched_release, "_MOST_FILES", 2)
    code, out, err = place.slipway("verify", f"{url}/1.0+1", "--unsigned")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "is said to have 3 files, and at most 2 are downloaded" in err
    assert not [path for path in server.asked if "program" in path]


def test_nobody_is_led_from_https_to_http():
    def answer(request):
        if request.url.scheme == "https":
            return httpx.Response(302, headers={"Location": "http://other.example.org/x"})
        return httpx.Response(200)

    with (
        httpx.Client(
            transport=httpx.MockTransport(answer),
            follow_redirects=True,
            event_hooks={"response": [fetched_release._stay_secret]},
        ) as client,
        pytest.raises(httpx.HTTPError, match=r"from https:// to http://other\.example\.org"),
    ):
        client.get("https://example.org/")
