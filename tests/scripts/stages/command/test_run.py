"""The command stage: any program, told of its run, its files copied and checked."""

import json
import sys
from pathlib import Path

import pytest

from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.model.protocol.event import ArtefactLeft
from slipway.model.protocol.job import Input
from slipway.scripts import stage
from slipway.scripts.stages.command.run import check_pattern, run

WRITE = """
import os, pathlib, sys
for name in sys.argv[1:]:
    path = pathlib.Path(name.replace("OUTPUT", os.environ["SLIPWAY_OUTPUT"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name)
"""


@pytest.fixture
def command(project, make_job, recorder):
    def start(*argv, job=None, **stage):
        project({"write.py": WRITE})
        run(make_job({"uses": "command", "argv": argv} | stage, **(job or {})), recorder)
        return recorder

    return start


def test_the_program_is_told_of_its_run(command, tmp_path):
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    given = Input(stage="a", uses="tests", name="x", path="x", sha256="0" * 64, size=0)
    said = command(sys.executable, "-c", show, env={"MINE": "1"}, job={"inputs": (given,)})
    seen = json.loads(said.lines[-1])
    expected = {
        "SLIPWAY_PROJECT": "almanac",
        "SLIPWAY_STAGE": "command",
        "SLIPWAY_RUN": "7",
        "SLIPWAY_REVISION": "a" * 40,
        "SLIPWAY_BRANCH": "main",
        "SLIPWAY_VERSION": "1.4.0+7",
        "SLIPWAY_OUTPUT": str(tmp_path / "output"),
        "SOURCE_DATE_EPOCH": "1700000000",
        "MINE": "1",
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert json.loads(seen["SLIPWAY_INPUTS"]) == [str(Path("x").resolve())]
    assert said.closing.text.endswith("s")


def test_arguments_never_meet_a_shell(command):
    said = command(
        sys.executable, "-c", "import sys; print(sys.argv[1:])", "a b", "$HOME", "*", ";"
    )
    assert said.lines[-1] == "['a b', '$HOME', '*', ';']"


def test_artefacts_are_copied_from_the_project_and_the_output(command, tmp_path):
    said = command(
        sys.executable,
        "write.py",
        "dist/a.whl",
        "dist/deep/b.txt",
        "OUTPUT/c.bin",
        artefacts=("dist/*.whl", "dist/**/*.txt", "c.*"),
    )
    left = {one.name: Path(one.path) for one in said.of(ArtefactLeft)}
    assert sorted(left) == ["a.whl", "b.txt", "c.bin"]
    assert all(path.parent == tmp_path / "output" for path in left.values())
    Path("dist/a.whl").write_text("later")
    assert left["a.whl"].read_text() == "dist/a.whl"
    assert said.closing.facts["artefacts"] == 3
    assert said.closing.text.endswith("3 artefacts")


def test_two_stars_take_all_files(command):
    said = command(sys.executable, "write.py", "d/a", "d/.b", "d/e/c", artefacts=("d/**",))
    assert sorted(one.name for one in said.of(ArtefactLeft)) == [".b", "a", "c"]


def test_a_pattern_without_a_match(command):
    with pytest.raises(StageFailed) as caught:
        command(sys.executable, "write.py", "dist/a.zip", artefacts=("dist/*.whl",))
    assert str(caught.value) == (
        'artefacts: no file matches "dist/*.whl"; in dist there are: a.zip'
    )


def test_a_folder_is_no_match(command):
    with pytest.raises(StageFailed, match="no file matches"):
        command(sys.executable, "write.py", "dist/a.zip", artefacts=("dist",))


@pytest.mark.parametrize(
    "pattern", ["/etc/passwd", "../x", "a/../../x", "C:\\x", "C:x", "\\x", "..\\x", "//h/x"]
)
def test_patterns_that_leave_the_project(command, pattern):
    with pytest.raises(WrongInput, match="leads out of the project"):
        command(sys.executable, "write.py", "never", artefacts=(pattern,))
    assert not Path("never").exists()


def test_a_name_with_dots_is_no_climb():
    check_pattern("a..b/*.txt")


def test_a_link_that_leaves_the_project(command, tmp_path):
    (tmp_path / "secret").write_text("s")
    Path("link").symlink_to(tmp_path / "secret")
    with pytest.raises(WrongInput, match=r"is a link to .*secret, which is not in"):
        command(sys.executable, "write.py", artefacts=("link",))


def test_two_files_of_one_name(command):
    with pytest.raises(WrongInput, match='are both called "x"'):
        command(sys.executable, "write.py", "a/x", "b/x", artefacts=("*/x",))


def test_failure_carries_the_last_lines(command):
    code = "print('first'); print('no disk'); raise SystemExit(7)"
    with pytest.raises(StageFailed, match=r"ended with exit code 7; .*first \| no disk"):
        command(sys.executable, "-c", code)


def test_death_by_signal(command):
    with pytest.raises(StageFailed, match="was ended by signal 9"):
        command(sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")


def test_no_such_program(command):
    with pytest.raises(MissingTool, match="nosuchprogram is not on this machine"):
        command("nosuchprogram")


@pytest.mark.slow
def test_in_the_applications_environment(command, project):
    project({"requirements.txt": "iniconfig\n"})
    said = command("python", "-c", "import iniconfig, os; print(os.name)", environment=True)
    assert said.lines[-1] in {"posix", "nt"}
    with pytest.raises(StageFailed, match="No module named 'pydantic'"):
        command("python", "-c", "import pydantic", environment=True)


@pytest.mark.parametrize("code", [0, 1])
def test_a_gates_secrets_are_never_shown(project, make_job, recorder, code):
    project({})
    show = "import os, sys; print(*map(os.environ.get, ('SLIPWAY_PARAM_KEY', 'SLIPWAY_PARAM_WHY')))"
    answers = {"SLIPWAY_PARAM_KEY": "hush-hush", "SLIPWAY_PARAM_WHY": "the fair"}
    job = make_job(
        {"uses": "command", "argv": [sys.executable, "-c", f"{show}; sys.exit({code})"]},
        answers=answers,
        secrets=("SLIPWAY_PARAM_KEY",),
    )
    assert stage.do(job, recorder) == code
    assert recorder.lines == ["**** the fair"]
    assert "hush" not in repr(recorder.events)


@pytest.mark.parametrize("code", [0, 1])
def test_the_last_line_is_told_also_where_a_secret_could_begin_with_it(
    project, make_job, recorder, code
):
    project({})
    show = f"print('first'); print('the last is h'); raise SystemExit({code})"
    job = make_job(
        {"uses": "command", "argv": [sys.executable, "-c", show]},
        answers={"TOKEN": "hunter2"},
        secrets=("TOKEN",),
    )
    assert stage.do(job, recorder) == code
    assert recorder.said.splitlines()[:2] == ["first", "the last is h"]
