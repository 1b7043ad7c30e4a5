"""The command line: exit codes, and what is said."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from slipway.config.schema import reference, schema_text
from tests.support.machine import lease_ports

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "check",
    "up",
    "poll",
    "trigger",
    "runs",
    "releases",
    "schema",
    "run",
    "stage",
    "verify",
]
JOB = {
    "project": "demo",
    "name": "unit",
    "stage": {"uses": "command", "argv": ["true"]},
    "run": {"number": 1, "revision": "", "branch": "", "committed_at": 1, "version": "1+1"},
    "output": "out",
    "cache": "cache",
    "state": "state",
}


def test_help_names_every_command_and_exit_code(place):
    code, out, _ = place.slipway("--help")
    assert code == 0
    assert not [name for name in [*COMMANDS, "example", "worker"] if f"  {name} " not in out]
    assert "0 passed, 1 the thing under test failed, 2 wrong input" in out


@pytest.mark.parametrize("command", [*COMMANDS, "example", "worker"])
def test_every_command_has_help(place, command):
    code, out, _ = place.slipway(command, "--help")
    assert code == 0
    assert out.startswith(f"usage: slipway {command} ")


def test_the_version(place):
    assert place.slipway("--version") == (0, f"slipway {version('slipway')}\n", "")


@pytest.mark.parametrize("words", [["chekc"], ["check", "--colour"], ["runs", "--limit", "x"]])
def test_what_it_does_not_know_is_wrong_input(place, words):
    code, out, err = place.slipway(*words)
    assert (code, out) == (2, "")
    assert err.startswith("usage: slipway")


@pytest.fixture
def almanac(place):
    """The example site, with a folder where its repository shall lie."""
    place.config.write_text((ROOT / "pipeline.toml").read_text("utf-8"), "utf-8")
    made = place.slipway("example", ROOT / "examples" / "almanac", ".slipway/almanac")
    assert made[0] == 0
    return place


@pytest.mark.slow
def test_check_draws_the_graph(almanac):
    code, out, err = almanac.slipway("check")
    assert (code, err) == (0, "")
    for name in ("almanac", "tests", "freeze", "databases", "archive", "publish", "workers"):
        assert name in out
    assert "also after" in out
    assert out.rstrip().endswith("pipeline.toml: good")


@pytest.mark.slow
def test_check_as_json_is_the_model(almanac):
    code, out, _ = almanac.slipway("check", "--json")
    assert code == 0
    assert json.loads(out)["project"]["almanac"]["stages"]["archive"]["needs"]


def test_check_tells_all_errors(place):
    text = (ROOT / "pipeline.toml").read_text("utf-8")
    bad = text.replace("title =", "titel =").replace('"linux"', "3")
    place.config.write_text(bad, "utf-8")
    code, out, err = place.slipway("check")
    assert (code, out) == (2, "")
    first, second = err.splitlines()
    assert first.endswith('site.titel: unknown key "titel". Did you mean "title"?')
    assert "workers.local.labels[0]: 3 is not allowed" in second


@pytest.mark.parametrize("repository", ["srv/[old]/almanac", "srv/[/]x"])
def test_check_shows_what_is_written(place, repository):
    place.write(a=("pass", ""))
    subprocess.run(["git", "init", "--quiet", place.folder / repository], check=True)
    text = place.config.read_text("utf-8").replace('"code"', f'"{repository}"')
    place.config.write_text(text, "utf-8")
    code, out, _ = place.slipway("check")
    assert code == 0
    assert repository in out


@pytest.mark.parametrize("command", ["check", "runs", "releases", "poll", "trigger", "run", "up"])
def test_without_a_file_each_says_so(place, command):
    code, out, err = place.slipway(command)
    assert (code, out) == (2, "")
    assert err.startswith("pipeline.toml is not there; write one")
    assert ("--url" in err) == (command not in {"check", "run", "up"})


@pytest.mark.parametrize("command", ["runs", "releases", "run"])
def test_an_unknown_project_is_told(place, command):
    place.write(a=("pass", ""))
    code, _, err = place.slipway(command, "--project", "demmo")
    assert code == 2
    assert err == (
        '--project "demmo" is not in pipeline.toml; there are demo. Did you mean "demo"?\n'
    )


@pytest.mark.slow
def test_schema(place):
    assert place.slipway("schema") == (0, schema_text(), "")
    assert place.slipway("schema", "--reference") == (0, reference(), "")


@pytest.mark.parametrize(
    ("command", "nothing"), [("runs", "no runs yet; "), ("releases", "no releases yet; ")]
)
def test_without_a_ledger_lists_are_empty(place, command, nothing):
    place.write(a=("pass", ""))
    code, out, _ = place.slipway(command)
    assert code == 0
    assert out.startswith(nothing)
    assert place.slipway(command, "--json")[1] == "[]\n"
    assert not (place.folder / ".slipway").exists()


@pytest.mark.parametrize("command", ["poll", "trigger"])
def test_without_a_master_there_is_one_sentence(place, command):
    place.write(a=("pass", ""))
    code, out, err = place.slipway(command)
    assert (code, out) == (3, "")
    assert "admin-password is not there; start the site first (slipway up), or name a" in err
    secret = place.folder / ".slipway" / "admin-password"
    secret.parent.mkdir()
    secret.write_text("x\n")
    port = lease_ports(1)[0]
    url = f"[site]\nurl = 'http://localhost:{port}/'\n"
    place.config.write_text(url + place.config.read_text("utf-8"), "utf-8")
    code, out, err = place.slipway(command)
    assert (code, out, len(err.splitlines())) == (3, "", 1)
    assert err.startswith(f"no master answers at http://127.0.0.1:{port}/ (")


def stage(place, uses, settings, text=None):
    """Run `slipway stage` as a process of its own: it ends what it finds below it."""
    done = subprocess.run(
        [sys.executable, "-m", "slipway.cli", "stage", uses, "--settings", settings],
        cwd=place.folder,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    events = [json.loads(line[1:]) for line in done.stdout.split("\n") if line[:1] == "\x1e"]
    return done.returncode, events[-1]["text"], done.stderr


@pytest.mark.slow
def test_stage_does_what_a_job_says(place):
    code, told, err = stage(place, "command", "-", json.dumps(JOB))
    assert (code, err) == (0, "")
    assert told.startswith("true passed in ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("uses", "text", "told"),
    [
        ("command", "{", "standard input: the whole file: Invalid JSON"),
        ("command", "{}", "standard input: project: Field required (in all 7 wrong settings)"),
        ("tests", json.dumps(JOB), 'is a job for "command", but "tests" was asked for'),
        ("dance", json.dumps(JOB), '"dance" is no kind of stage here; there are archive, '),
    ],
)
def test_stage_refuses_a_wrong_job(place, uses, text, told):
    code, said, err = stage(place, uses, "-", text)
    assert (code, err) == (2, "")
    assert told in said


@pytest.mark.slow
def test_stage_refuses_a_job_that_is_not_there(place):
    code, said, _ = stage(place, "command", "nowhere.json")
    assert (code, said) == (
        2,
        "nowhere.json: the settings cannot be read: No such file or directory",
    )


def test_stage_refuses_a_job_that_is_no_text(place):
    (place.folder / "job.json").write_bytes(b"\xff\xfe")
    code, said, _ = place.slipway("stage", "command", "--settings", "job.json")
    assert (code, "job.json: the settings are not UTF-8 at byte 0" in said) == (2, True)


@pytest.mark.slow
def test_a_full_disk_behind_the_output_is_told(place):
    place.write(unit=("pass", ""))
    argv = [sys.executable, "-m", "slipway.cli", "check"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            argv, cwd=place.folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert "Traceback" not in done.stderr
    assert done.returncode != 0


def test_an_example_is_not_made_over_a_file(place):
    (place.folder / "code").mkdir()
    (place.folder / "made").write_text("")
    code, _, err = place.slipway("example", "code", "made")
    assert (code, "made is there and no git repository" in err) == (2, True)


@pytest.mark.parametrize("words", [("run", "--jobs", "-1"), ("runs", "--limit", "0")])
def test_numbers_start_at_one(place, words):
    place.write(unit=("pass", ""))
    code, _, err = place.slipway(*words)
    assert (code, f'"{words[2]}" is no whole number from 1 on' in err) == (2, True)


def test_a_state_folder_that_is_a_file_is_told(place, monkeypatch):
    place.write(unit=("pass", ""))
    (place.folder / "state").write_text("")
    monkeypatch.setenv("SLIPWAY_STATE", str(place.folder / "state"))
    code, _, err = place.slipway("up")
    assert code == 2
    assert "state cannot be made: File exists; set SLIPWAY_STATE to another" in err


def test_verify_refuses_what_is_no_release(place):
    code, out, err = place.slipway("verify", place.folder)
    assert (code, out) == (2, "")
    assert f"{place.folder} is no release: give a folder that holds release.json" in err
    assert place.slipway("verify", place.folder / "nowhere")[0] == 2


def test_an_example_can_be_committed_to_where_git_knows_nobody(place, monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("EMAIL", "")
    (place.folder / "code").mkdir()
    (place.folder / "code" / "file").write_text("one")
    assert place.slipway("example", "code", "made")[0] == 0
    commit = ["git", "commit", "--quiet", "--allow-empty", "-m", "mine"]
    subprocess.run(commit, cwd=place.folder / "made", check=True, capture_output=True)


def test_example_makes_a_repository_once(place):
    source, target = place.folder / "demo", place.folder / "state" / "demo"
    (source / "__pycache__").mkdir(parents=True)
    (source / "a.py").write_text("print()\n", "utf-8")
    assert place.slipway("example", source, target) == (0, "", "")
    git = ["git", "-C", str(target)]
    log = subprocess.check_output([*git, "log", "--format=%s|%D"], text=True)
    assert log == "The demo example|HEAD -> main\n"
    assert subprocess.check_output([*git, "ls-files"], text=True) == "a.py\n"
    assert subprocess.check_output([*git, "status", "--porcelain"], text=True) == ""
    (source / "b.py").write_text("", "utf-8")
    assert place.slipway("example", source, target)[0] == 0
    assert subprocess.check_output([*git, "log", "--format=%s|%D"], text=True) == log


def test_example_refuses_what_is_in_the_way(place):
    target = place.folder / "target"
    target.mkdir()
    code, _, err = place.slipway("example", place.folder / "nowhere", target)
    assert code == 2
    assert "is no folder; name the project to copy" in err
    (target / "file").write_text("mine")
    (place.folder / "source").mkdir()
    code, _, err = place.slipway("example", place.folder / "source", target)
    assert code == 2
    assert "is there and no git repository; name another or delete it" in err
    assert (target / "file").read_text() == "mine"
