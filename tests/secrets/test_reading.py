"""Secrets read from where they are: files, variables, commands; no sentence tells one."""

import os
import sys
import threading
import time

import psutil
import pytest

from slipway.model.errors import MissingTool, SlipwayError, WrongInput
from slipway.model.secrets.location import SecretPlace, StageSecret
from slipway.model.site import Site
from slipway.secrets import reading as given
from slipway.secrets.programs import end_programs
from slipway.secrets.reading import given_here, given_secret, given_to_stage, variables_of

PEM = "-----BEGIN KEY-----\nabcdefgh\n-----END KEY-----"


def python(code):
    return {"command": [sys.executable, "-c", code]}


def private(path, text, mode=0o600):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def read(tmp_path, place):
    return given_secret(SecretPlace(**place), tmp_path, "workers.w.password")


def stage(tmp_path, branch="main", **places):
    secrets = {name: StageSecret(**place) for name, place in places.items()}
    return given_to_stage(secrets, branch, tmp_path, "project.d.stages.a.secrets")


def test_each_place(tmp_path, monkeypatch):
    monkeypatch.setenv("A_SECRET", "from the variable")
    private(tmp_path / "file", "from the file\nand more\n")
    assert read(tmp_path, {"env": "A_SECRET"}) == "from the variable"
    assert read(tmp_path, {"file": "file"}) == "from the file"
    assert read(tmp_path, python("print('from the command'); print('more')")) == "from the command"


def test_a_stage_gets_all_of_a_file_and_of_what_a_command_prints(tmp_path):
    private(tmp_path / "key", f"{PEM}\n")
    found = stage(tmp_path, KEY={"file": "key"}, TOO=python(f"print({PEM!r})"))
    assert found.values == {"KEY": PEM, "TOO": PEM}
    assert found.withheld == ()
    assert PEM not in repr(found)


def test_a_command_runs_beside_pipeline_toml_without_input(tmp_path):
    code = "import os, sys; print(os.getcwd() + sys.stdin.read() + '.')"
    assert read(tmp_path, python(code)) == f"{tmp_path}."


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ({"env": "NO_SUCH_VARIABLE"}, "the environment variable NO_SUCH_VARIABLE is not set"),
        ({"file": "nothing"}, "cannot be read: No such file or directory"),
        ({"file": "open"}, "others may read"),
        ({"file": "empty"}, "is empty"),
        ({"file": "binary"}, "is not UTF-8 text"),
        ({"file": "large"}, "holds more than 65,536 bytes"),
        ({"file": "."}, "cannot be read"),
        ({"file": "pipe"}, "is no plain file"),
        ({"file": "/dev/zero"}, "is no plain file"),
        ({"command": ["no-such-program", "hunter2"]}, "cannot be started on this machine"),
        (python("import sys; sys.exit('hunter2')"), "ended with exit code 1"),
        (python("print('hunter2'); raise SystemExit(4)"), "ended with exit code 4"),
        (python("pass"), "prints nothing"),
        (python("print()"), "prints nothing"),
        (python("import sys; sys.stdout.buffer.write(b'hunter2\\xff')"), "not UTF-8 text"),
        (python("print('hunter2' * 100_000)"), "holds more than 65,536 bytes"),
    ],
)
def test_what_is_missing_is_told_with_its_key_and_never_with_a_value(tmp_path, place, told):
    private(tmp_path / "open", "hunter2", 0o644)
    private(tmp_path / "empty", "")
    private(tmp_path / "binary", b"hunter2\xff")
    private(tmp_path / "large", "hunter2" * 10_000)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SlipwayError, match=told) as one:
        read(tmp_path, place)
    assert str(one.value).startswith("workers.w.password: ")
    with pytest.raises(MissingTool, match=told) as other:
        stage(tmp_path, TOKEN=place)
    assert str(other.value).startswith("project.d.stages.a.secrets.TOKEN: ")
    for raised in (one, other):
        assert "hunter2" not in str(raised.value)
        assert raised.value.__cause__ is None


@pytest.mark.slow
def test_a_command_that_hangs_is_ended_with_all_it_has_started(tmp_path, monkeypatch):
    monkeypatch.setattr(given, "_PATIENCE", 2.0)
    sleep = "import time; time.sleep(600)"
    start = f"subprocess.Popen([sys.executable, '-c', '{sleep}', '{tmp_path}'])"
    code = f"import subprocess, sys; {start}; {sleep}"
    with pytest.raises(MissingTool, match="did not end within 2 seconds"):
        read(tmp_path, python(code))
    deadline = time.monotonic() + 30
    while alive(str(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(str(tmp_path)) == []


@pytest.mark.slow
def test_a_service_that_a_command_leaves_behind_is_not_waited_for(tmp_path):
    code = (
        "import subprocess, sys; print('hunter2', flush=True); subprocess.Popen([sys.executable, "
        f"'-c', 'import time; time.sleep(60)', '{tmp_path}'], start_new_session=True)"
    )
    began = time.monotonic()
    try:
        assert read(tmp_path, python(code)) == "hunter2"
        assert time.monotonic() - began < 25
    finally:
        for pid in alive(str(tmp_path)):
            psutil.Process(pid).kill()


def test_no_shell_reads_the_words_of_a_command(tmp_path):
    words = "$(touch shell) `touch shell` ; touch shell > shell | touch shell"
    place = python("import sys; print(sys.argv[1])")
    assert read(tmp_path, {"command": [*place["command"], words]}) == words
    with pytest.raises(MissingTool, match="cannot be started on this machine"):
        read(tmp_path, {"command": ["echo hunter2; touch shell"]})
    assert list(tmp_path.iterdir()) == []


def test_all_commands_can_be_ended(tmp_path):
    code = f"import time; open('{tmp_path / 'begun'}', 'w'); time.sleep(600)"
    raised = []

    def ask():
        try:
            read(tmp_path, python(code))
        except MissingTool as error:
            raised.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    end_programs()
    thread.join(20)
    assert "ended with exit code -9" in raised[0]


def alive(word):
    told = psutil.process_iter(["cmdline", "status"])
    return [one.pid for one in told if word in str(one.info["cmdline"]) and one.pid != os.getpid()]


@pytest.mark.parametrize("value", ["abc", " a b c ", "x"])
def test_one_that_is_too_short_to_be_masked_is_refused(tmp_path, monkeypatch, value):
    monkeypatch.setenv("A_SECRET", value)
    with pytest.raises(MissingTool, match="fewer than 4 characters") as raised:
        stage(tmp_path, TOKEN={"env": "A_SECRET"})
    assert f" {value} " not in str(raised.value)


def test_one_that_is_no_text_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("A_SECRET", "hunter2\udcff")
    with pytest.raises(MissingTool, match="A_SECRET is not UTF-8 text") as raised:
        stage(tmp_path, TOKEN={"env": "A_SECRET"})
    assert "hunter2" not in str(raised.value)


def test_all_that_are_missing_are_told_at_once(tmp_path):
    with pytest.raises(MissingTool) as raised:
        stage(tmp_path, A={"env": "NO_SUCH_A"}, B={"file": "no-such-b"})
    assert "NO_SUCH_A" in str(raised.value)
    assert "no-such-b" in str(raised.value)


def test_a_branch_that_others_push_to_gets_none(tmp_path):
    place = {**python("open('was-run', 'w'); print('hunter2')"), "branches": ["main", "release/*"]}
    found = stage(tmp_path, "feature/x", TOKEN=place)
    assert found.values == {}
    (told,) = found.withheld
    assert told == ("the secret TOKEN is for main, release/* alone; a run of feature/x has none")
    assert not (tmp_path / "was-run").exists()
    assert stage(tmp_path, "release/1", TOKEN=place).values == {"TOKEN": "hunter2"}


@pytest.mark.slow
def test_a_revision_that_is_not_on_the_branch_gets_none_either(tmp_path):
    secrets = {
        "SOME": StageSecret(**python("print('hunter2')"), branches=("main",)),
        "ALL": StageSecret(**python("print('hunter3')")),
    }
    for is_on_it, names in ((True, ["SOME", "ALL"]), (False, ["ALL"])):
        found = given_to_stage(secrets, "main", tmp_path, "key", lambda it=is_on_it: it)
        assert list(found.values) == names
    (told,) = found.withheld
    assert told == "the secret SOME is for main alone; the revision of this run is not on main"


SITE = {
    "project": {
        "d": {
            "repository": "r",
            "stages": {
                "a": {
                    "uses": "command",
                    "argv": ["x"],
                    "secrets": {
                        "A": {"env": "ONE", "branches": ["main"]},
                        "B": {"file": "two"},
                    },
                },
                "b": {"uses": "command", "argv": ["x"]},
            },
        }
    },
    "workers": {"w": {"password": {"env": "THREE"}}, "v": {}},
    "people": {"ann": {"password-from": {"env": "FOUR"}}},
}


def test_the_variables_of_a_site_are_those_that_no_stage_may_see():
    site = Site.model_validate(SITE)
    assert variables_of(site) == {"ONE", "THREE", "FOUR"}
    assert site.secret_files == ["two"]


def test_on_a_persons_own_machine_the_branch_does_not_matter(tmp_path, monkeypatch):
    project = Site.model_validate(SITE).project["d"]
    monkeypatch.setenv("ONE", "the first one")
    private(tmp_path / "two", "the second one")
    found = given_here(project, ["a", "b"], tmp_path, "d")
    assert found == {"a": {"A": "the first one", "B": "the second one"}, "b": {}}
    monkeypatch.delenv("ONE")
    with pytest.raises(MissingTool, match=r"project\.d\.stages\.a\.secrets\.A: the environment va"):
        given_here(project, ["b", "a"], tmp_path, "d")


def test_a_wrong_file_is_wrong_input_for_those_who_read_one_line(tmp_path):
    private(tmp_path / "open", "hunter2", 0o644)
    with pytest.raises(WrongInput, match="chmod 600"):
        read(tmp_path, {"file": "open"})
