"""Walking features for real: behave, processes side by side, an application each."""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.model.protocol.event import Picture, Progress, TestResult
from slipway.scripts.stages.features.application.process import Application, ApplicationSettings
from slipway.scripts.stages.features.outcome import judge, leave
from tests.scripts.stages.features.project import Project

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


SERVED = {"command": ("python", "application.py", "{port}")}


def test_all_is_told(project):
    project.feature("a", "one: all is well", "@js two: all is well").feature("b", "three: 1 is 1")
    assert project.walk() == {"one": "passed", "two": "passed", "three": "passed"}
    judge(project.walked)
    page = leave(project.walked.run, project.output, project.report, epoch=1)
    assert "3 scenarios" in page.read_text("utf-8")
    rows = json.loads((project.output / "tests.json").read_text("utf-8"))
    assert [row["name"] for row in rows] == ["a: one", "a: two", "b: three"]
    assert (project.output / "junit.zip").is_file()
    assert [test.status for test in project.report.of(TestResult)] == ["passed"] * 3
    last = project.report.of(Progress)[-1]
    assert (last.done, last.total) == (3, 3)


def test_the_report_tells_an_address_without_its_password(project):
    project.feature("a", "one: all is well")
    with Application(
        ApplicationSettings(
            (sys.executable, "application.py", "{port}"),
            log=project.folder / "served.log",
            cwd=project.folder,
        )
    ) as served:
        place = f"127.0.0.1:{served.port}"
        assert project.walk(base_url=f"http://ann:secret@{place}") == {"one": "passed"}
    page = leave(project.walked.run, project.output, project.report, epoch=1).read_text("utf-8")
    assert f"http://{place}" in page
    assert "secret" not in page


@pytest.mark.parametrize("tags", ["~@js", "not @js", "-@js"])
def test_tags_of_any_spelling(project, tags):
    project.feature("a", "one: all is well", "@js two: all is well")
    assert project.walk(f"--tags={tags}") == {"one": "passed"}
    assert project.walk(tags=(tags,)) == {"one": "passed"}


def test_a_failure_fails(project):
    project.feature("a", "one: 1 is 2", "two: all is well")
    assert project.walk() == {"one": "failed", "two": "passed"}
    with pytest.raises(StageFailed, match=r"1 failed: features/a.feature:2 one$"):
        judge(project.walked)
    (failed,) = [one for one in project.report.of(TestResult) if one.status == "failed"]
    assert "1 is not 2" in failed.message


def test_nothing_is_a_failure(project):
    project.feature("a", "one: all is well")
    project.walk("--tags=@none")
    with pytest.raises(StageFailed, match=r'nothing ran: of 1 scenario.* the tags "@none"'):
        judge(project.walked)


def test_side_by_side_is_the_same_as_one_after_the_other(project):
    for number in range(6):
        bad = "1 is 2" if number == 3 else "all is well"
        project.feature(f"f{number}", f"a{number}: a moment passes", f"b{number}: {bad}")
    alone = project.walk()
    together = project.walk(jobs=3)
    assert together == alone
    assert len({one.process for one in project.walked.run.scenarios}) > 1
    shards = {}
    for part in (1, 2, 3):
        shards |= project.walk(shard=(part, 3))
    assert shards == alone


def test_flaky_is_not_failed_and_not_plainly_passed(project):
    project.feature("a", "one: it works the second time")
    assert project.walk() == {"one": "failed"}
    assert project.walk(retries=1) == {"one": "flaky"}
    judge(project.walked)
    assert project.report.of(TestResult)[-1].attempt == 2


def test_evidence_is_passed_on_at_once(project):
    project.feature("a", "one: a picture is kept")
    project.walk()
    (picture,) = project.report.of(Picture)
    assert Path(picture.path).read_bytes() == b"not really a picture"
    assert picture.test == "features/a.feature:2"
    events = [one for one in project.report.events if isinstance(one, Picture | TestResult)]
    assert [type(one) for one in events] == [Picture, TestResult]
    assert events[1].place == picture.test
    assert events[1].step == "Given a picture is kept"


def test_each_process_has_an_application_of_its_own(project):
    for name in "abcd":
        project.feature(name, f"{name}: the application answers")
    assert set(project.walk(jobs=2, **SERVED).values()) == {"passed"}
    assert (project.output / "application-1.log").read_text().startswith("asked for")
    assert (project.output / "application-2.log").is_file()
    assert not _left(project.folder)


@pytest.mark.parametrize("step", ["the application dies", "the application dies and nobody looks"])
def test_an_application_that_dies_fails_the_run(project, step):
    project.feature("a", f"one: {step}")
    began = time.monotonic()
    project.walk(**SERVED)
    assert time.monotonic() - began < 20
    with pytest.raises(StageFailed, match=r"1 error: "):
        judge(project.walked)
    with pytest.raises(StageFailed, match="exit code 4"):
        judge(project.walked)
    (told,) = project.walked.broken
    assert "exit code 4" in told
    assert "dying of it" in told


def test_an_application_that_does_not_start(project):
    project.feature("a", "one: all is well")
    with pytest.raises(StageFailed, match=r"exit code \d+ before it was healthy|was healthy"):
        project.walk(command=("python", "-c", "raise SystemExit(5)"))
    with pytest.raises((MissingTool, WrongInput), match="no-such-program"):
        project.walk(command=("no-such-program",))


def test_a_lost_process_is_never_passed(project):
    project.feature("a", "one: the process dies").feature("b", "two: all is well")
    found = project.walk()
    assert "error" in found.values()
    with pytest.raises(StageFailed, match=r"exit code 9|process that ran it ended"):
        judge(project.walked)


@pytest.mark.parametrize(
    "text",
    [
        "Feature: x\n  Scenario: y\n    Given all is well\n    Gvien all is well\n",
        "Feature: x\n  Scenario without a colon\n",
        "no feature at all\n",
    ],
)
def test_a_feature_that_cannot_be_read(project, text):
    (project.folder / "features" / "x.feature").write_text(text)
    with pytest.raises((WrongInput, StageFailed), match=r"x\.feature"):
        walk_and_judge(project)


def walk_and_judge(project):
    project.walk()
    judge(project.walked)


def test_an_argument_that_behave_does_not_know(project):
    project.feature("a", "one: all is well")
    with pytest.raises(WrongInput, match="--no-such-thing"):
        project.walk("--no-such-thing")


def test_an_undefined_step_is_told_with_its_place(project):
    project.feature("a", "one: nobody knows this")
    project.walk()
    with pytest.raises(StageFailed):
        judge(project.walked)
    assert "nobody knows this" in project.report.of(TestResult)[-1].message


def test_no_more_processes_than_the_run_has_files(project):
    for name in "abc":
        project.feature(name, f"{name}: all is well")
    other = project.folder / "vendor" / "features"
    other.mkdir(parents=True)
    for number in range(4):
        (other / f"f{number}.feature").write_text("Feature: not ours\n")
    project.walk(jobs=8)
    assert project.walked.run.jobs == 3
    project.walk("features/a.feature:2", "features/b.feature", jobs=8)
    assert project.walked.run.jobs == 2
    project.walk(jobs=8, paths=("features/c.feature",))
    assert project.walked.run.jobs == 1


def test_history_is_kept(project):
    project.feature("a", "one: all is well")
    project.walk()
    (history,) = (project.folder.parent / "cache" / "features").glob("history-*.json")
    assert set(json.loads(history.read_text())) == {"features/a.feature"}


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_run_leaves_nothing(project, tmp_path):
    begun = tmp_path / "begun"
    (project.folder / "features" / "steps" / "all.py").write_text(
        "import pathlib, time\nfrom behave import given\n@given('it takes long')\n"
        f"def long(context):\n    pathlib.Path({str(begun)!r}).touch()\n    time.sleep(600)\n"
    )
    project.feature("a", "one: it takes long")
    pid = os.fork()
    if pid == 0:
        try:
            project.walk(**SERVED)
        finally:
            os._exit(0)
    deadline = time.monotonic() + 60
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(_left(project.folder)) >= 2
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while _left(project.folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _left(project.folder)


def _left(folder):
    found = []
    for one in psutil.process_iter():
        try:
            if one.pid != os.getpid() and one.cwd() == str(folder):
                found.append(one)
        except psutil.Error:
            continue
    return found


def test_it_stops_after_so_many_failures(project):
    for name in "abc":
        project.feature(name, f"{name}: 1 is 2")
    found = project.walk(max_failures=1)
    assert list(found.values()).count("failed") == 1
    with pytest.raises(StageFailed):
        judge(project.walked)
    assert len(project.walked.broken) == 1


def test_lines_of_two_scenarios_are_never_mixed(project):
    for file in "ab":
        lines = [f"Feature: {file}"]
        for number in range(3):
            steps = [f"1{number} is 1{number}", "a moment passes", "much is printed"]
            lines += [f"  Scenario: {file}{number}", *(f"    Given {one}" for one in steps)]
        path = project.folder / "features" / f"{file}.feature"
        path.write_text("\n".join(lines) + "\n", "utf-8")
    project.walk(jobs=2)
    logged = project.report.logged
    ends = [at for at, line in enumerate(logged) if line.startswith("passed ")]
    names = [logged[at].split()[2] for at in ends]
    assert sorted(names) == ["a0", "a1", "a2", "b0", "b1", "b2"]
    for at, name in zip(ends, names, strict=True):
        assert logged[at - 301 : at] == [
            *(f"line {number} of {name} ".ljust(100, ".") for number in range(300)),
            f"the end of {name}",
        ]
    assert "\x1e" not in "".join(logged)


def test_what_a_process_that_dies_has_said_is_not_lost(project):
    project.feature("a", "one: all is well", "two: the process dies")
    project.feature("b", "three: all is well")
    project.walk(jobs=2)
    assert "the last words of two" in project.report.logged
    [lost] = [one for one in project.report.of(TestResult) if one.status == "error"]
    assert lost.message.startswith("in features/a.feature:4 two: its process ended with exit code")


def test_several_processes_log_a_line_for_each_scenario_and_all_of_a_failure(project):
    project.feature("a", "one: all is well", "two: 1 is 2")
    project.feature("b", "three: it works the second time", "@later four: all is well")
    project.walk("--tags=not @later", jobs=2, retries=1)
    text = "\n".join(project.report.logged)
    lines = [line.split(" (")[0] for line in project.report.logged if line[:1] not in {" ", ""}]
    assert sorted(lines) == [
        "failed      features/a.feature:4  two",
        "flaky       features/b.feature:2  three",
        "passed      features/a.feature:2  one",
    ]
    assert text.count("AssertionError: 1 is not 2") == 4
    assert "    attempt 2:\n      Given 1 is 2\n    features/a.feature:5: Given 1 is 2: Ass" in text
    assert "    attempt 1:\n    features/b.feature:3: Given it works the second time: A" in text
    assert "attempt 2:\n      Given it works the second" not in text


@pytest.mark.parametrize("words", [("-f", "pretty"), ("--dry-run",)])
def test_several_processes_log_the_steps_if_they_are_asked_for(project, words):
    project.feature("a", "one: all is well")
    project.feature("b", "two: all is well")
    with suppress(StageFailed):
        project.walk(*words, jobs=2)
    logged = "\n".join(project.report.logged)
    assert logged.count("Given all is well") == 2
