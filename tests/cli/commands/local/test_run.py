"""`slipway run`: a pipeline of commands on this machine, for real."""

import signal
import subprocess
import time

import psutil
import pytest
from packaging.version import Version

from slipway.config import parse
from slipway.local.working_tree import choose, run_facts
from slipway.model.errors import WrongInput
from slipway.model.versions.release import local_version

pytestmark = pytest.mark.slow


GRAPH = """\
[project.demo]
repository = "code"
[project.demo.stages]
a = { uses = "command", argv = ["true"] }
b = { uses = "command", argv = ["true"], needs = ["a"] }
c = { uses = "command", argv = ["true"], needs = ["b"] }
gate = { uses = "command", argv = ["true"], needs = ["a"], manual = true }
after = { uses = "command", argv = ["true"], needs = ["gate"] }
other = { uses = "command", argv = ["true"] }
[workers.local]
"""


@pytest.fixture
def project():
    return parse(GRAPH).project["demo"]


@pytest.mark.parametrize(
    ("asked", "alone", "chosen"),
    [
        ([], False, ["a", "b", "c", "other"]),
        (["c"], False, ["a", "b", "c"]),
        (["c"], True, ["c"]),
        (["other", "b"], False, ["a", "b", "other"]),
        (["after"], False, ["a", "gate", "after"]),
        (["gate"], True, ["gate"]),
    ],
)
def test_choose(project, asked, alone, chosen):
    assert choose(project, asked, alone=alone) == chosen


def test_choose_tells_what_is_not_there(project):
    with pytest.raises(WrongInput, match=r'no stage "gat"; there are a, b, c, .* mean "gate"\?'):
        choose(project, ["gat"], alone=False)


DEPLOYS = GRAPH.replace(
    "[workers.local]",
    """publish = { uses = "publish", needs = ["a"] }
staging = { uses = "deploy", environment = "here", needs = ["publish"] }
smoke = { uses = "command", argv = ["true"], needs = ["staging"] }
[project.demo.environments.here]
deployer = { kind = "folder", path = "here" }
[workers.local]""",
)


def test_nothing_is_deployed_from_a_working_tree():
    project = parse(DEPLOYS).project["demo"]
    assert choose(project, [], alone=False) == ["a", "b", "c", "other", "publish"]
    assert choose(project, ["smoke"], alone=True) == ["smoke"]
    with pytest.raises(WrongInput, match=r"it is not for a working tree$"):
        choose(project, ["staging"], alone=True)
    with pytest.raises(WrongInput, match=r'"staging" deploys .* without it: --alone$'):
        choose(project, ["smoke"], alone=False)


def test_facts_of_a_repository_and_of_a_plain_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    code = tmp_path / "code"
    code.mkdir()
    plain = run_facts(code, 3)
    version = "0.0.0+local.3.dirty"
    assert (plain.revision, plain.version, plain.committed_at) == ("", version, 1_700_000_000)
    (code / "pyproject.toml").write_text('[project]\nversion = "1.4.0"\n')
    git = ["git", "-c", "user.name=Ann", "-c", "user.email=a@b", "-C", str(code)]
    subprocess.check_call([*git, "init", "--quiet", "--initial-branch=main"])
    subprocess.check_call([*git, "add", "--all"])
    subprocess.check_call([*git, "commit", "--quiet", "-m", "the first"])
    facts = run_facts(code, 4)
    assert (facts.version, facts.branch, facts.subject) == ("1.4.0+local.4", "main", "the first")
    assert len(facts.revision) == 40
    assert (facts.local, facts.dirty) == (True, False)
    state = code / ".slipway"
    (state / "local").mkdir(parents=True)
    (state / "local" / "log").write_text("ours")
    assert run_facts(code, 5, state).version == "1.4.0+local.5"
    (code / "new.py").write_text("")
    assert run_facts(code, 6, state).version == "1.4.0+local.6.dirty"
    (code / "new.py").unlink()
    (code / "pyproject.toml").write_text('[project]\nversion = "1.5.0"\n')
    changed = run_facts(code, 7, state)
    assert (changed.version, changed.revision) == ("1.5.0+local.7.dirty", facts.revision)


def test_a_local_version_is_older_than_any_of_a_site():
    ordered = ["1.4.0+local.3", "1.4.0+local.3.dirty", "1.4.0+local.12", "1.4.0+1", "1.4.0+7"]
    assert sorted(ordered, key=Version) == ordered
    assert [str(Version(one)) for one in ordered] == ordered
    made = [local_version("1.4.0", 3, dirty=False), local_version("1.4.0", 3, dirty=True)]
    assert made == ordered[:2]


def test_a_chain_passes_its_artefacts_on(place):
    place.write(
        make=("open('made.txt', 'w').write('42')", "artefacts = ['made.txt']"),
        use=(
            "import json, os; path, = json.loads(os.environ['SLIPWAY_INPUTS']); print(open(path))",
            "needs = ['make']",
        ),
    )
    code, out, err = place.slipway("run", "--source", "code")
    assert (code, err) == (0, "")
    assert out.startswith(f"demo 0.0.0+local.1.dirty in {place.folder / 'code'}\n")
    assert "✓ make" in out
    assert "✓ use" in out
    log = place.folder / ".slipway" / "local" / "demo" / "logs" / "use.log"
    assert "made.txt" in log.read_text("utf-8")
    assert place.slipway("run", "--source", "code", "--alone", "use")[0] == 0


def test_needs_that_never_ran_are_told(place):
    place.write(a=("pass", ""), b=("pass", "needs = ['a']"))
    code, _, err = place.slipway("run", "--source", "code", "--alone", "b")
    assert code == 2
    assert err == 'what "a" leaves is not here; run it too: leave out --alone\n'


def test_stages_run_side_by_side(place):
    meet = (
        "import pathlib, time; pathlib.Path('{0}').touch(); end = time.time() + 20\n"
        "while not pathlib.Path('{1}').exists(): assert time.time() < end; time.sleep(0.01)"
    )
    place.write(a=(meet.format("a", "b"), ""), b=(meet.format("b", "a"), ""))
    assert place.slipway("run", "--source", "code", "--jobs", "2")[0] == 0


def test_what_waits_for_a_failure_is_skipped_and_the_rest_runs(place):
    place.write(
        bad=("import sys; print('it is broken'); sys.exit(9)", ""),
        next=("open('next', 'w')", "needs = ['bad']"),
        last=("open('last', 'w')", "needs = ['next']"),
        good=("open('good', 'w')", ""),
    )
    code, out, _ = place.slipway("run", "--source", "code")
    assert code == 1
    lines = {line.split()[1]: line for line in out.splitlines() if line.strip()}
    assert lines["bad"].startswith("✗ bad")
    assert "it is broken" in lines["bad"]
    assert "bad did not pass" in lines["next"]
    assert "next did not pass" in lines["last"]
    assert lines["good"].startswith("✓ good")
    assert {path.name for path in (place.folder / "code").iterdir()} == {"good"}


def test_a_program_that_is_not_there_is_something_missing(place):
    place.write(a=("pass", ""))
    text = place.config.read_text("utf-8")
    start, end = text.index("argv"), text.index("\n[workers")
    place.config.write_text(f"{text[:start]}argv = ['no-such-program']\n{text[end:]}", "utf-8")
    code, out, _ = place.slipway("run", "--source", "code")
    assert code == 3
    assert "no-such-program is not on this machine" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere"], 'there is no stage "nowhere"; there are a.'),
        (["--source", "nowhere"], "--source nowhere is no folder; name the project's working tree"),
    ],
)
def test_wrong_input_is_told(place, words, told):
    place.write(a=("pass", ""))
    code, _, err = place.slipway("run", *words)
    assert code == 2
    assert told in err


def test_a_repository_that_is_not_there_is_told(place):
    place.write(a=("pass", ""))
    (place.folder / "code").rmdir()
    code, _, err = place.slipway("run")
    assert code == 2
    assert 'the repository "code" is not there; name the project\'s working tree' in err


def test_a_repository_elsewhere_by_ssh_is_run_here(place):
    place.write(a=("pass", ""))
    text = place.config.read_text("utf-8").replace('"code"', '"git@example.org:demo.git"')
    place.config.write_text(text, "utf-8")
    assert place.slipway("run")[0] == 0


SLEEPER = (
    "import pathlib, subprocess, sys, time; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "pathlib.Path('{0}.part').write_text(str(child.pid)); "
    "pathlib.Path('{0}.part').rename('{0}.pid'); time.sleep(60)"
)


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_no_process(place, start, number):
    place.write(a=(SLEEPER.format("a"), ""), b=(SLEEPER.format("b"), ""))
    files = [place.folder / "code" / name for name in ("a.pid", "b.pid")]
    process = start("run", "--source", "code", "--jobs", "2")
    wait_for(lambda: all(file.exists() for file in files))
    pids = [int(file.read_text()) for file in files]
    pids += [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    assert len(set(pids)) >= 6
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err == "stopped\n"
    assert [pid for pid in pids if alive(pid)] == []


def test_two_at_once_are_not_let_into_each_others_way(place, start):
    place.write(a=(SLEEPER.format("a"), ""))
    process = start("run", "--source", "code")
    wait_for((place.folder / "code" / "a.pid").exists)
    code, _, err = place.slipway("run", "--source", "code")
    assert code == 2
    assert "another `slipway run` of demo is at work in" in err
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=20)


def test_ctrl_c_starts_nothing_more(place, start):
    place.write(a=(SLEEPER.format("a"), ""), b=("open('b', 'w')", ""))
    code = place.folder / "code"
    process = start("run", "--source", "code", "--jobs", "1")
    wait_for((code / "a.pid").exists)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert not (code / "b").exists()


def test_secrets_are_read_here_masked_and_in_no_file(place, monkeypatch):
    monkeypatch.setenv("HERE_TOKEN", "hunter2-hunter3")
    told = "import os; print('it is', os.environ['TOKEN'], 'HERE_TOKEN' in os.environ)"
    place.write(
        a=(f"{told}; os.write(2, b'to stderr')", "secrets = { TOKEN = { env = 'HERE_TOKEN' } }"),
        b=("import os; print(sorted(os.environ))", ""),
    )
    code, out, err = place.slipway("run", "--source", "code")
    assert (code, err) == (0, "")
    home = place.folder / ".slipway"
    logs = home / "local" / "demo" / "logs"
    assert "it is **** False" in (logs / "a.log").read_text("utf-8")
    assert "TOKEN" not in (logs / "b.log").read_text("utf-8")
    assert "hunter2" not in out
    for file in home.rglob("*"):
        if file.is_file():
            assert b"hunter2-hunter3" not in file.read_bytes(), file
    monkeypatch.delenv("HERE_TOKEN")
    code, out, err = place.slipway("run", "--source", "code")
    assert code == 3
    assert err == (
        "project.demo.stages.a.secrets.TOKEN: the environment variable HERE_TOKEN is not set; "
        "export it\n"
    )
    assert place.slipway("run", "--source", "code", "b")[0] == 0


def test_check_warns_of_secrets_that_are_missing_here(place, monkeypatch):
    monkeypatch.setenv("HERE_TOKEN", "abc")
    place.write(
        a=(
            "pass",
            (
                "secrets = { A = { env = 'NOT_HERE' }, B = { file = 'no-file' }, "
                "C = { command = ['no-such-program', 'x'] }, D = { env = 'HERE_TOKEN' } }"
            ),
        )
    )
    git = ["git", "-c", "user.name=Ann", "-c", "user.email=a@b", "-C", str(place.folder / "code")]
    subprocess.check_call([*git, "init", "--quiet", "--initial-branch=main"])
    subprocess.check_call([*git, "commit", "--quiet", "--allow-empty", "-m", "the first"])
    code, _, err = place.slipway("check")
    assert code == 0, err
    for name, told in (
        ("A", "the environment variable NOT_HERE is not set"),
        ("B", "no-file cannot be read"),
        ("C", "no-such-program is not on this machine"),
        ("D", "fewer than 4 characters"),
    ):
        assert f"secrets.{name}: " in err
        assert told in " ".join(err.split())
    assert place.slipway("check", "--strict")[0] == 2


def states(out):
    """Return each line of the summary by what it is about."""
    return {
        line.split()[1]: line for line in out.splitlines() if line[:1] and not line[0].isalnum()
    }


def test_each_cell_is_run_with_its_values(place):
    place.write(
        make=(
            "import os; open(os.environ['SLIPWAY_MATRIX_SIZE'] + '.txt', 'w').write('x')",
            "matrix = { size = ['small', 'big'] }\nartefacts = ['*.txt']",
        ),
        part=(
            "import os; print(os.environ['SLIPWAY_SHARD'], os.environ['SLIPWAY_SHARDS'])",
            "shards = 2",
        ),
        use=(
            # Both run in the one working tree; either may find what the other has left.
            "import json, os; print({p[-7:] for p in json.loads(os.environ['SLIPWAY_INPUTS'])})",
            "needs = ['make']",
        ),
    )
    code, out, err = place.slipway("run", "--source", "code")
    assert (code, err) == (0, ""), out
    assert {"make[small]", "make[big]", "part[1of2]", "part[2of2]", "use"} <= set(states(out))
    logs = place.folder / ".slipway" / "local" / "demo" / "logs"
    given = (logs / "use.log").read_text("utf-8")
    assert "all.txt" in given
    assert "big.txt" in given
    assert "1 2" in (logs / "part[1of2].log").read_text("utf-8")
    assert "2 2" in (logs / "part[2of2].log").read_text("utf-8")
    alone = place.slipway("run", "--source", "code", "--alone", "use")
    assert alone[0] == 0, alone


def test_what_waits_for_a_failure_starts_then_and_only_then(place):
    place.write(
        good=("pass", ""),
        bad=("raise SystemExit(4)", "allow-failure = true"),
        never=("open('never', 'w')", "on-failure = ['good']"),
        clean=("open('clean', 'w')", "on-failure = ['bad']"),
        after=("open('after', 'w')", "needs = ['bad']"),
    )
    code, out, _ = place.slipway("run", "--source", "code")
    assert code == 0, out
    assert "nothing failed of good" in states(out)["never"]
    assert {path.name for path in (place.folder / "code").iterdir()} == {"clean", "after"}
    # Who asks for it by name wants it now.
    assert place.slipway("run", "--source", "code", "never")[0] == 0
    assert (place.folder / "code" / "never").exists()


def test_a_machine_that_was_to_blame_gets_another_try(place):
    program = (
        "import os, sys\nnumber = len(os.listdir())\nopen(str(number), 'w').close()\n"
        "sys.exit(0 if number else 3)"
    )
    place.write(again=(program, "retries = 1"))
    config = place.config.read_text("utf-8")
    code, out, _ = place.slipway("run", "--source", "code")
    # A program's own exit code is the application's failure: only a script says 3.
    assert code == 1, out
    assert "tried again" not in out
    start, end = config.index("argv"), config.index("\nretries")
    place.config.write_text(f"{config[:start]}argv = ['no-such-program']{config[end:]}", "utf-8")
    code, out, _ = place.slipway("run", "--source", "code")
    assert code == 3
    assert "tried again by itself, 1 of 1" in out
