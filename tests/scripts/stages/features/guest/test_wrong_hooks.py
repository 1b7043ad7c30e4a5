"""Hooks, cleanups and steps that raise, hang, exit or are interrupted fail the run."""

from __future__ import annotations

import signal
import sys
import time

import pytest

from .conftest import GOOD

pytestmark = pytest.mark.slow


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
    hooks = "def before_step(c, s):\n    open('BEGUN', 'w')\n"
    project.write("features/environment.py", f"{hooks}def after_all(c):\n    open('TIDIED', 'w')\n")
    started = project.start(0)
    deadline = time.monotonic() + 60
    while not (project.folder / "BEGUN").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    started.send_signal(signal.SIGTERM)
    started.communicate(timeout=30)
    assert (project.folder / "TIDIED").exists()
    assert started.returncode == 1


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
