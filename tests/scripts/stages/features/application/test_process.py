"""The application under test: it starts, is told to be well or not, and says why not."""

import http.client
import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.scripts.stages.features.application.process import Application, ApplicationSettings
from tests.support.processes import alive

pytestmark = pytest.mark.slow


SERVER = Path(__file__).parents[4] / "data" / "application" / "server.py"
PYTHON = (sys.executable, "-I", "-S", str(SERVER))


def get(url, path="/"):
    parts = urlsplit(url)
    asked = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        asked.request("GET", path)
        response = asked.getresponse()
        return response.status, response.read().decode()
    finally:
        asked.close()


@pytest.fixture
def settings(tmp_path):
    def make(*words, **more):
        return ApplicationSettings((*PYTHON, *words), log=tmp_path / "app.log", **more)

    return make


def test_it_starts_and_ends(settings, tmp_path):
    with Application(settings("port={port}")) as app:
        status, body = get(app.url)
        pid = int(body.split()[1])
        assert status == 200
        assert alive(pid)
        assert app.url == f"http://127.0.0.1:{app.port}"
        app.check()
    assert not alive(pid)
    with pytest.raises(StageFailed, match="not running; start it first"):
        app.check()
    with pytest.raises(StageFailed, match="not running"):
        _ = app.url
    app.stop()


def test_it_may_be_started_again_and_twice(settings):
    app = Application(settings())
    try:
        app.start()
        first = get(app.url)[1]
        app.start()
        assert get(app.url)[1] == first
        app.stop()
        app.start()
        assert get(app.url)[1] != first
    finally:
        app.stop()


def test_a_restart_keeps_the_port_and_ends_what_was(settings):
    with Application(settings()) as app:
        url, first = app.url, get(app.url)[1]
        app.restart()
        assert app.url == url
        assert get(app.url)[1] != first
        assert not alive(int(first.split()[1]))


def test_placeholders_are_filled_in_arguments_and_environment(settings):
    made = settings(
        'body={host}|{port}|{url}|{"a": 1}|{id}',
        "show=X",
        env={"X": "{url}/{token}"},
        base_env={"PATH": os.environ["PATH"], "KEPT": "{port}"},
    )
    with Application(made) as app:
        assert get(app.url)[1] == f'127.0.0.1|{app.port}|{app.url}|{{"a": 1}}|{{id}}'
        url, token = get(app.url, "/env")[1].rsplit("/", 1)
        assert url == app.url
        assert len(token) >= 24


def test_no_shell_reads_the_command(settings, tmp_path):
    body = f"body=$HOME;`id`&&touch {tmp_path}/made|*"
    with Application(settings(body)) as app:
        assert get(app.url)[1] == body[5:]
    assert not (tmp_path / "made").exists()


def test_the_port_variable_may_have_another_name_and_be_left_out(settings):
    with Application(settings("port={port}", "show=MY_PORT", port_env="MY_PORT")) as app:
        assert get(app.url, "/env")[1] == str(app.port)
    base = {name: value for name, value in os.environ.items() if name != "PORT"}
    with Application(settings("port={port}", port_env=None, base_env=base)) as app:
        assert get(app.url, "/env")[1] == ""


def test_an_application_that_dies_before_it_is_healthy(settings):
    with pytest.raises(StageFailed) as caught:
        Application(settings("say=no database", "exit=3")).start()
    assert str(caught.value) == (
        "the application ended with exit code 3 before it was healthy: no database"
    )


def test_an_application_that_ends_well_before_it_is_healthy(settings):
    with pytest.raises(StageFailed, match="exit code 0 before it was healthy: nothing"):
        Application(settings("exit=0")).start()


def test_an_application_that_is_killed_says_by_what(settings, tmp_path):
    with Application(settings()) as app:
        psutil.Process(int(get(app.url)[1].split()[1])).kill()
        with pytest.raises(StageFailed, match=r"exit code -9 \(SIGKILL\) during the features"):
            wait_for_end(app)


def wait_for_end(app):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        app.check()
        time.sleep(0.02)


def test_an_application_that_dies_midway(settings):
    with Application(settings("say=hello")) as app:
        app.mark()
        get(app.url, "/say/last-words")
        with pytest.raises(http.client.HTTPException):
            get(app.url, "/end")
        for _ in range(2):
            with pytest.raises(StageFailed) as caught:
                wait_for_end(app)
            assert str(caught.value) == (
                "the application ended with exit code 7 during the features: last-words"
            )


@pytest.mark.parametrize(
    ("words", "more", "last"),
    [
        (("status=503",), {}, "status 503"),
        (("status=404",), {"health_status": 200}, "status 404"),
        (("idle",), {}, "connection refused"),
        (("dumb",), {}, "no answer within"),
        (("garbage",), {}, r"no HTTP answer \(BadStatusLine\)"),
    ],
)
def test_never_healthy_says_the_last_answer_and_the_log(settings, words, more, last):
    began = time.monotonic()
    with pytest.raises(StageFailed, match=last) as caught:
        Application(settings("say=starting up", *words, patience=1.0, **more)).start()
    assert time.monotonic() - began < 10
    text = str(caught.value)
    assert text.startswith("the application was not healthy within 1.0s: http://127.0.0.1:")
    assert text.endswith("it said: starting up")


def test_another_port_than_the_given_one_is_told(settings, tmp_path):
    with pytest.raises(StageFailed, match=r"listens on 127.0.0.1 port \d+ instead of port \d+"):
        Application(settings("port=0", port_env="NOT_READ", patience=1.5)).start()


@pytest.mark.parametrize(("status", "more"), [(404, {}), (302, {}), (503, {"health_status": 503})])
def test_healthy_is_what_the_settings_say(settings, status, more):
    with Application(settings(f"status={status}", **more)) as app:
        assert get(app.url)[0] == status


@pytest.mark.parametrize("health", ["http://[", "http://:80", "http://a:b/", "http://a b/"])
def test_a_health_address_that_cannot_be(settings, health):
    with pytest.raises(WrongInput, match=r"application: health .* is no address; write one"):
        Application(settings(health=health)).start()


def test_a_health_path_of_any_letters(settings):
    with Application(settings(health="/grün und gut?wie=größer")) as app:
        assert get(app.url)[0] == 200


def test_it_waits_for_a_slow_application_at_another_url(settings):
    with Application(settings("wait=0.5", health="http://localhost:{port}/health")) as app:
        assert get(app.url)[0] == 200


def test_the_log_is_kept_and_read_from_the_mark(settings, tmp_path):
    made = settings("say=first")
    (tmp_path / "app.log").write_text("older\n")
    with Application(made) as app:
        assert app.log_tail() == "first"
        app.mark()
        assert app.log_tail() == ""
        for number in range(5):
            get(app.url, f"/say/line{number}")
        assert app.log_tail() == "line0\nline1\nline2\nline3\nline4"
        assert app.log_tail(2) == "line3\nline4"
        assert app.log_tail(0) == ""
    assert (tmp_path / "app.log").read_text().startswith("older\nfirst\nline0\n")


def test_a_huge_log_is_read_from_its_end(settings, tmp_path):
    with Application(settings()) as app:
        with (tmp_path / "app.log").open("ab") as stream:
            stream.write(b"x" * 300_000 + b"\n" + b"\xff\xfe last\n")
        assert app.log_tail().endswith("last")
        assert len(app.log_tail(1000)) <= 65536


def test_the_token_is_never_shown(settings, tmp_path):
    with pytest.raises(StageFailed) as caught:
        Application(settings("say=token {token}", "exit=1")).start()
    assert str(caught.value).endswith("before it was healthy: token ***")
    with Application(settings("say=token {token}")) as app:
        assert app.log_tail() == "token ***"


def test_a_program_that_is_nowhere(tmp_path):
    made = ApplicationSettings(("no-such-program-here",), log=tmp_path / "log")
    with pytest.raises(MissingTool, match=r"^no-such-program-here is not on this machine; install"):
        Application(made).start()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("./serve", r'command "./serve" is not in '),
        ("./text", r'command "./text" may not be run; chmod \+x it'),
        ("./broken", r"cannot be started: "),
    ],
)
def test_a_program_that_cannot_be_started(tmp_path, command, said):
    (tmp_path / "text").write_text("no program")
    (tmp_path / "broken").write_text("no program")
    (tmp_path / "broken").chmod(0o755)
    made = ApplicationSettings((command,), log=tmp_path / "log", cwd=tmp_path)
    with pytest.raises(WrongInput, match=said):
        Application(made).start()


def test_a_program_is_found_in_its_own_folder_and_environment(tmp_path):
    program = tmp_path / "serve"
    program.write_text(f"#!{sys.executable} -IS\n" + SERVER.read_text())
    program.chmod(0o755)
    for command, env in (("./serve", {}), ("serve", {"PATH": str(tmp_path)})):
        made = ApplicationSettings((command,), log=tmp_path / "log", cwd=tmp_path, env=env)
        with Application(made) as app:
            assert get(app.url)[0] == 200


def test_folders_and_logs_that_cannot_be(settings, tmp_path):
    with pytest.raises(WrongInput, match=r"cwd .*/nowhere is no folder"):
        Application(settings(cwd=tmp_path / "nowhere")).start()
    with pytest.raises(WrongInput, match=r"log .* cannot be written: Is a directory"):
        Application(ApplicationSettings(PYTHON, log=tmp_path)).start()
    with pytest.raises(WrongInput, match=r'host "192.0.2.1" is no address of this machine'):
        Application(settings(host="192.0.2.1")).start()
    with pytest.raises(WrongInput, match=r'host "no.such.invalid" is no address'):
        Application(settings(host="no.such.invalid")).start()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"command": ()}, "must be a list of words"),
        ({"command": ("",)}, "must be a list of words"),
        ({"command": "serve --port 1"}, "no shell reads it"),
        ({"command": ("a", "b\0c")}, "NUL"),
        ({"patience": 0}, "patience 0 must be more than 0"),
        ({"patience": float("nan")}, "patience nan must be more than 0"),
        ({"grace": -1}, "grace -1 must be 0"),
        ({"health": "health"}, 'health "health" must be a path such as "/health"'),
        ({"health_status": 20}, "health-status 20 is no HTTP status; allowed are 100 to 599"),
        ({"token_path": "_token"}, 'token-path "_token" must begin with "/"'),
        ({"token_path": "/_token", "token_env": None}, "nothing tells the application its token"),
        ({"port_env": ""}, "'' is no name of an environment variable"),
        ({"env": {"A=B": "1"}}, "'A=B' is no name"),
        ({"env": {"A": "\0"}}, "env A holds a NUL"),
        ({"seeds": {"shop": Path("nowhere.sqlite")}}, 'seed "shop": nowhere.sqlite is no file'),
    ],
)
def test_settings_that_cannot_be(values, said):
    with pytest.raises(WrongInput, match=said):
        ApplicationSettings(**({"command": ("x",), "log": Path("log")} | values))
