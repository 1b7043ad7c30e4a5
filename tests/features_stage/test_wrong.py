"""Everything that can be wrong with features ends in one clear sentence and the right exit code."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

import slipway.scripts

GUEST = Path(slipway.scripts.__file__).parent / "guest" / "features.py"

GOOD = "Feature: G\n  Scenario: good\n    Given it works\n"
EMPTY = "Feature: F\n"


def refused(project, told, *arguments, code=2, **settings):
    ran = project.run(*arguments, **settings)
    error = ran.error()
    assert told in error["text"]
    assert (ran.code, error["code"]) == (code, code)
    assert "Traceback" not in ran.output
    assert ran.of("scenario_finished") == []
    return error


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Feature: F\n  Scenario: s\n    Given x\n    Nonsense\n", 'a.feature:4: "Nonsense"'),
        ("Nothing\n", "features/a.feature:1"),
        ("Feature: F\n  Scenario: s\n    And x\n", "features/a.feature:3"),
        ("Feature: F\n  Scenario: s\n    Given x\n    | a |\n    | b | c |\n", "a.feature:5"),
        ("Feature: F\n  @a b\n  Scenario: s\n", "features/a.feature:2"),
        ("# language: xx\nFeature: F\n", "xx"),
    ],
)
def test_syntax_error(project, text, told):
    project.feature(text)
    project.feature(GOOD, "b")
    refused(project, told)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Feature: F\n  Scenario u\n    Given it works\n", "features/a.feature:2"),
        ("Feature: F\n  Scenario u\n", "features/a.feature:2"),
        ("Feature: F\n  Scenario outline u\n    Given it works\n", "features/a.feature:2"),
        (
            "Feature: F\n  Scenario: s\n    Given it works\n  Scenario u\n    Given it works\n",
            "features/a.feature:4",
        ),
        (
            "Feature: F\n  Scenario u\n    Given x\n  Scenario: s\n    Given it works\n",
            "features/a.feature:2",
        ),
        ("# language: de\nFunktion: F\n  Szenario u\n    Angenommen x\n", "features/a.feature:3"),
    ],
)
def test_scenario_without_its_colon(project, text, place):
    project.feature(text)
    project.feature(GOOD, "b")
    error = refused(project, "looks like a Scenario without its colon")
    assert error["text"].startswith(f"{place}: ")


def test_prose_about_scenarios_is_prose(project):
    project.feature(
        "Feature: F\n  Scenario outlines are fine.\n  Scenario tests follow\n"
        "  Given that, all is well.\n\n  Example of use\n  Scenario: s\n    Given it works\n"
    )
    ran = project.run("-n", "s")
    assert ran.code in {0, 2}
    project.feature(
        "Feature: F\n  Scenario outlines are fine.\n  Scenario: s\n    Given it works\n"
    )
    assert project.run().code == 0


def test_swallowed_scenario_is_told(project):
    project.feature("Feature: F\n  Scenario: s\n  Scenario u\n    Given it works\n")
    ran = project.run()
    [notice] = ran.of("notice")
    assert notice["text"].startswith("features/a.feature:3")


def test_nothing_chosen(project):
    project.feature(GOOD)
    told = 'of 1 scenarios in features the tags "@x and @y" choose none'
    refused(project, told, "--tags=@x", "--tags=@y", "features", code=1)
    refused(project, "the name 'zz'", "-n", "zz", code=1)


def test_no_scenario_at_all(project):
    project.feature(EMPTY)
    refused(project, "nothing ran: there is no scenario in features", code=1)


def test_all_skipped_by_a_hook_is_nothing(project):
    project.feature(GOOD)
    project.write(
        "features/environment.py", "def before_scenario(c, s):\n    s.skip('no browser')\n"
    )
    ran = project.run()
    assert ran.statuses() == {"good": "skipped"}
    assert ran.scenario("good")["message"] == "no browser"
    assert ran.code == 1
    assert "nothing ran" in ran.error()["text"]


def test_scenario_without_steps_is_skipped_and_told(project):
    project.feature(GOOD + "  Scenario: empty\n")
    ran = project.run()
    assert ran.statuses() == {"good": "passed", "empty": "skipped"}
    assert "features/a.feature:4" in ran.of("notice")[0]["text"]
    assert ran.code == 0


def test_undefined_step(project):
    project.feature("Feature: F\n  Scenario: s\n    Given it's new\n    And it works\n")
    ran = project.run()
    assert ran.code == 1
    assert ran.statuses() == {"s": "error"}
    error = ran.error()
    assert error["text"].startswith("features/a.feature:3: Given it's new: no step is defined")
    [step] = ran.of("step_failed")
    assert step["snippet"].startswith('@given("it\'s new")\ndef step_impl(context):\n')


HOOKS = {
    "before_all": "(c)",
    "after_all": "(c)",
    "before_feature": "(c, f)",
    "after_feature": "(c, f)",
    "before_scenario": "(c, s)",
    "after_scenario": "(c, s)",
    "before_step": "(c, s)",
    "after_step": "(c, s)",
    "before_tag": "(c, t)",
}
INSIDE = {"before_scenario", "after_scenario", "before_step", "after_step"}


@pytest.mark.parametrize("how", ["raise OSError('broken')", "import sys; sys.exit('broken')"])
@pytest.mark.parametrize("hook", HOOKS)
def test_hook_that_raises(project, hook, how):
    project.feature("@t\n" + GOOD)
    project.write("features/environment.py", f"def {hook}{HOOKS[hook]}:\n    {how}\n")
    ran = project.run(junit=str(project.folder / "ours"))
    assert ran.code == 1
    told = [one["text"] for one in ran.of("error")] + [
        one["message"] for one in ran.of("scenario_finished")
    ]
    told = [one for one in told if one]
    assert all(f"{hook} failed: " in one and "broken" in one for one in told)
    assert all("features/environment.py:2" in one for one in told)
    assert told
    late = {"after_all", "after_feature"}
    assert ran.statuses() == {"good": "passed" if hook in late else "error"}
    if hook in INSIDE:
        assert ran.of("error") == []
    xml = (project.folder / "ours" / "TESTS-features.a.xml").read_text()
    assert ("<error" in xml) == (hook != "after_all")


def test_cleanup_at_the_end_that_raises(project):
    project.feature(GOOD)
    project.write(
        "features/environment.py",
        "def tidy():\n    raise OSError('untidy')\ndef before_all(c):\n    c.add_cleanup(tidy)\n",
    )
    ran = project.run()
    assert ran.code == 1
    assert "the cleanup tidy failed: OSError: untidy" in ran.error()["text"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nowhere_to_be_found\n", "features/steps/bad.py:1"),
        ("x = 1\ny = (\n", "features/steps/bad.py:2"),
        ("\n1 / 0\n", "features/steps/bad.py:2"),
        ("import sys\nsys.exit(0)\n", "features/steps/bad.py:2"),
        ("from behave import given\n@given('it works')\ndef s(c): pass\n", "AmbiguousStep"),
    ],
)
def test_steps_that_cannot_be_loaded(project, text, told):
    project.feature(GOOD)
    project.write("features/steps/bad.py", text)
    error = refused(project, told)
    assert "features/steps/" in error["text"]


def test_environment_that_cannot_be_loaded(project):
    project.feature(GOOD)
    project.write("features/environment.py", "import json\nimport nowhere_to_be_found\n")
    error = refused(project, "features/environment.py:2")
    assert "nowhere_to_be_found" in error["text"]


@pytest.mark.parametrize("hook", ["", "before_scenario", "after_all"])
def test_what_hangs_is_told_and_ended(project, hook):
    project.feature(
        "Feature: F\n  Scenario: s\n    Given it works\n    "
        + ("Given it works" if hook else "Given it hangs")
        + "\n  Scenario: t\n    Given it works\n"
    )
    if hook:
        arguments = "c" if hook == "after_all" else "c, s"
        text = f"import time\ndef {hook}({arguments}):\n    time.sleep(600)\n"
        project.write("features/environment.py", text)
    began = time.monotonic()
    ran = project.run(step_timeout=0.5, junit=str(project.folder / "ours"))
    assert time.monotonic() - began < 20
    assert ran.code == 1
    what = f"the hook {hook}" if hook else "features/a.feature:4: the step Given it hangs"
    where = "features/environment.py:3" if hook else "features/steps/all.py:29"
    error = ran.error()["text"]
    assert error.startswith(f"{what} ({where}) hangs")
    if hook != "after_all":
        assert ran.statuses() == {"s": "error", "t": "untested"}
        assert "hang.txt" in ran.scenario("s")["evidence"][0]["path"]
        xml = (project.folder / "ours" / "TESTS-features.a.xml").read_text()
        assert "hangs" in xml
    assert ran.of("run_finished")[0]["code"] == 1


def test_scenario_that_takes_too_long(project):
    steps = "    Given it takes 0.3 s\n" * 10
    project.feature(f"Feature: F\n  Scenario: s\n{steps}")
    ran = project.run(scenario_timeout=1, step_timeout=30)
    assert "the scenario features/a.feature:2" in ran.error()["text"]
    assert ran.code == 1


def test_timeouts_leave_what_is_quick_alone(project):
    rows = "".join(f"  Scenario: s{n}\n    Given it takes 0.05 s\n" for n in range(20))
    project.feature(f"Feature: F\n{rows}")
    ran = project.run(scenario_timeout=5, step_timeout=2)
    assert (ran.code, ran.counts()) == (0, {"passed": 20})


def test_exit_in_a_step_fails_the_scenario_alone(project):
    project.feature(
        "Feature: F\n  Scenario: s\n    Given it exits\n  Scenario: t\n    Given it works\n"
    )
    ran = project.run()
    assert ran.statuses() == {"s": "error", "t": "passed"}
    assert "called sys.exit(0)" in ran.scenario("s")["message"]
    assert ran.code == 1


def test_keyboard_interrupt_in_a_step(project):
    project.feature(
        "Feature: F\n  Scenario: s\n    Given a person presses Ctrl-C\n"
        "  Scenario: t\n    Given it works\n"
    )
    project.write("features/environment.py", "def after_all(c):\n    open('TIDIED', 'w')\n")
    ran = project.run(retries=2)
    assert ran.statuses() == {"s": "error", "t": "untested"}
    assert "interrupted" in ran.error()["text"]
    assert ran.code == 1
    assert (project.folder / "TIDIED").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_end_by_the_host_lets_hooks_tidy_up(project):
    project.feature("Feature: F\n  Scenario: s\n    Given it hangs\n")
    project.write("features/environment.py", "def after_all(c):\n    open('TIDIED', 'w')\n")
    started = project.start(0)
    events = project.folder / ".run" / "0" / "events-0"
    deadline = time.monotonic() + 30
    while not (events.exists() and "scenario_started" in events.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.2)
    started.send_signal(signal.SIGTERM)
    started.communicate(timeout=30)
    assert (project.folder / "TIDIED").exists()
    assert started.returncode == 1


def test_not_utf8(project):
    project.feature("Feature: F\n  Scenario: caf\xe9\n    Given it works\n".encode("latin-1"))
    refused(project, "features/a.feature:2: byte 0xe9 is not UTF-8")
    project.feature(GOOD.encode("utf-16"))
    refused(project, "features/a.feature:1: the file is UTF-16")


def test_paths_that_are_not_there(project, tmp_path):
    project.feature(GOOD)
    refused(project, "gone.feature", "features/gone.feature")
    refused(project, 'there is no "elsewhere"', "elsewhere")
    refused(project, "neither a folder nor a file", "features/steps/all.py")
    refused(project, "list.txt", "@list.txt")


def test_missing_features_folder(project):
    project.folder = project.folder / "bare"
    project.folder.mkdir()
    refused(project, 'there is no "features" in')


def test_missing_steps_folder(project):
    project.folder = project.folder / "bare"
    project.feature(GOOD)
    project.write("features/environment.py", "")
    refused(project, "steps")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--nonsense"], "--nonsense"),
        (["-f", "nonsense"], "no such formatter: nonsense"),
        (["-f", "plain", "-o", "a", "-o", "b"], "2 output files"),
        (["--tags=@a and"], '"@a and"'),
        (["--tags=~"], "names no tag"),
        (["-n", "("], "missing )"),
        (["-t"], "-t has no value"),
    ],
)
def test_arguments_that_behave_does_not_take(project, arguments, told):
    project.feature(GOOD)
    refused(project, told, arguments=arguments)


@pytest.mark.parametrize("text", ["tag_expression_protocol = any", "default_tags = ~", "junit = 7"])
def test_wrong_configuration(project, text):
    project.feature(GOOD)
    project.write("behave.ini", f"[behave]\n{text}\n")
    assert "configuration" in refused(project, "")["text"]


def test_formatter_that_breaks(project):
    project.feature(GOOD)
    project.write(
        "mine.py",
        "from behave.formatter.base import Formatter\nclass Mine(Formatter):\n"
        "    def result(self, step):\n        raise ValueError('bad formatter')\n",
    )
    ran = project.run("-f", "mine:Mine")
    assert ran.code == 1
    assert "ValueError: bad formatter (mine.py:4)" in ran.error()["text"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cannot be read"),
        ("[]", "one JSON object"),
        ("{}", "lacks queue, events, evidence"),
        ({"shard": [3, 2]}, "shard"),
        ({"jobs": "2"}, "jobs"),
        ({"index": 4}, "index"),
        ({"retries": -1}, "retries"),
        ({"colour": 1}, "colour"),
    ],
)
def test_wrong_settings(tmp_path, text, told):
    if isinstance(text, dict):
        text = json.dumps({"queue": "q", "events": "e", "evidence": "v", **text})
    (tmp_path / "s.json").write_text(text)
    done = subprocess.run(
        [sys.executable, str(GUEST), "s.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_behave_is_missing(tmp_path):
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    given = {"queue": "q", "events": "e", "evidence": "v"}
    (tmp_path / "s.json").write_text(json.dumps(given))
    done = subprocess.run([str(python), str(GUEST), "s.json"], cwd=tmp_path, check=False)
    assert done.returncode == 3
    [error] = [json.loads(line) for line in (tmp_path / "e").read_text().splitlines()]
    assert "has no module behave" in error["text"]


def test_cleanup_that_exits_is_no_success(project):
    project.feature(GOOD)
    project.write(
        "features/environment.py",
        "import sys\ndef before_scenario(c, s):\n    c.add_cleanup(sys.exit, 0)\n",
    )
    ran = project.run()
    assert ran.code == 1
    assert "SystemExit: 0" in ran.error()["text"]
    assert ran.of("run_finished") == []


def test_queue_of_an_earlier_run(project):
    project.feature(GOOD)
    queue = str(project.folder / "queue")
    assert project.run(queue=queue).code == 0
    ran = project.run(queue=queue)
    assert ran.code == 1
    assert "earlier run" in ran.error()["text"]


def test_steps_inside_steps_are_told_as_the_outer_one(project):
    project.feature("Feature: F\n  Scenario: s\n    Given several steps\n")
    ran = project.run()
    [step] = ran.of("step_failed")
    assert step["line"] == 3
    assert "Given several steps" in ran.scenario("s")["message"]
    assert ran.code == 1
