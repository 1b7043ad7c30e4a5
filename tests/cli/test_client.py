"""`slipway poll` and `slipway trigger` where the master does not do what is asked."""

import http.server
import json
import threading

import pytest

KEYS = 'listen = "127.0.0.1"\nurl = "http://127.0.0.1:{port}/"\nworker-port = 1\n'


class Master(http.server.BaseHTTPRequestHandler):
    """Answers as told; the real master is in tests/live."""

    answers: dict = {}  # noqa: RUF012  set for each test

    def _answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body = self.answers.get(self.path.split("?")[0], (200, "{}"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def master(place):
    """Return a site whose master answers as it is told: path=(status, body)."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Master)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place.write(unit=("pass", ""))
    text = place.config.read_text()
    place.config.write_text("[site]\n" + KEYS.format(port=server.server_port) + text)
    (place.folder / ".slipway").mkdir()
    (place.folder / ".slipway" / "admin-password").write_text("secret-word")

    def answer(**answers):
        Master.answers = {
            {
                "force": "/api/v2/forceschedulers/demo-run",
                "poll": "/change_hook/poller",
            }[name]: told
            for name, told in answers.items()
        }

    answer()
    yield answer
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("command", ["poll", "trigger"])
def test_a_site_that_was_never_started(place, command):
    place.write(unit=("pass", ""))
    code, out, err = place.slipway(command)
    assert (code, out) == (3, "")
    assert "admin-password is not there; start the site first: slipway up" in err


@pytest.mark.parametrize("command", ["poll", "trigger"])
def test_no_master_answers(place, master, command):
    text = place.config.read_text()
    place.config.write_text(text.replace('listen = "127.0.0.1"', 'listen = "127.0.0.9"'))
    code, out, err = place.slipway(command)
    assert (code, out) == (3, "")
    assert "no master answers at http://127.0.0.9:" in err
    assert err.endswith("start the site: slipway up\n")


@pytest.mark.parametrize(("command", "door"), [("poll", "poll"), ("trigger", "force")])
def test_the_password_is_refused(place, master, command, door):
    master(**{door: (401, "no")})
    code, _, err = place.slipway(command)
    assert code == 2
    assert "refused the password in" in err
    assert "secret-word" not in err


@pytest.mark.parametrize(("command", "door"), [("poll", "poll"), ("trigger", "force")])
def test_the_master_fails(place, master, command, door):
    master(**{door: (500, "it burns")})
    code, _, err = place.slipway(command)
    assert code == 1
    assert "answered 500: it burns" in err


def test_a_value_is_refused_in_the_master_s_words(place, master):
    told = {"revision": 'the repository has no commit "x"'}
    master(force=(400, json.dumps({"error": {"message": told}})))
    code, _, err = place.slipway("trigger", "--revision", "x")
    assert (code, err) == (2, 'the repository has no commit "x"\n')
    master(force=(400, json.dumps({"error": {"message": "no such builder"}})))
    assert place.slipway("trigger")[2] == "no such builder\n"
    master(force=(400, "not JSON"))
    assert place.slipway("trigger")[2] == "not JSON\n"


def test_an_order_that_leads_to_no_run(place, master):
    code, _, err = place.slipway("trigger")
    assert code == 1
    assert "the ledger has no new run of demo" in err


def test_a_poll_that_does_not_end(place, master, monkeypatch):
    monkeypatch.setattr("slipway.cli.poll.PATIENCE", 0.3)
    code, _, err = place.slipway("poll")
    assert code == 1
    assert "the poll of demo has not ended within 0.3 seconds" in err


def test_trigger_wants_one_project(place, master):
    text = place.config.read_text()
    second = '[project.other]\nrepository = "code"\n[project.other.stages.unit]\nuses = "tests"\n'
    place.config.write_text(text + second)
    code, _, err = place.slipway("trigger")
    assert code == 2
    assert "several projects, demo, other: name one with --project" in err
    code, _, err = place.slipway("trigger", "--project", "othr")
    assert code == 2
    assert 'Did you mean "other"?' in err
