"""One process runs features and tells what happens."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytestmark = pytest.mark.slow


PLAIN = """
    @f
    Feature: F
      Scenario: one
        Given it works
      @t
      Scenario: two
        Given it fails
      Scenario Outline: three <n>
        Given it raises <n>
        Examples:
          | n |
          | x |
          | y |
    """


def read(path):
    return ET.fromstring(path.read_bytes())  # noqa: S314  written by our own run


def test_events_of_a_run(project):
    project.feature(PLAIN)
    ran = project.run(token="secret")
    assert ran.code == 1
    assert ran.statuses() == {
        "one": "passed",
        "two": "failed",
        "three x -- @1.1": "error",
        "three y -- @1.2": "error",
    }
    two = ran.scenario("two")
    assert two["file"] == "features/a.feature"
    assert two["line"] == 7
    assert two["tags"] == ["f", "t"]
    assert two["attempt"] == 1
    assert two["message"] == (
        "features/a.feature:8: Given it fails: AssertionError: one is not two "
        "(features/steps/all.py:11)"
    )
    assert "assert 1 == 2" in two["details"]
    assert "/behave/" not in two["details"]
    kinds = [one["event"] for one in ran.events]
    assert kinds[:3] == ["run_started", "feature_started", "scenario_started"]
    assert kinds[-2:] == ["feature_finished", "run_finished"]
    assert kinds.count("step_failed") == 3
    assert {one["token"] for one in ran.events} == {"secret"}
    [end] = ran.of("run_finished")
    assert end["counts"] == {"passed": 1, "failed": 1, "error": 2}
    assert end["code"] == 1


def test_passing_run(project):
    project.feature("Feature: F\n  Scenario: one\n    Given it works\n")
    ran = project.run()
    assert ran.code == 0
    assert ran.of("error") == []
    assert ran.of("notice") == []


def test_events_to_an_open_descriptor(project):
    project.feature("Feature: F\n  Scenario: one\n    Given it works\n")
    started = project.start(0, events=1, arguments=["-f", "null", "--no-summary"])
    lines = started.communicate(timeout=60)[0].splitlines()
    kinds = [json.loads(line)["event"] for line in lines]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_finished"


def test_the_users_own_formatters_files_and_junit_keep_working(project):
    project.feature(PLAIN)
    arguments = ["-f", "json", "-o", "out.json", "-f", "plain", "--junit"]
    arguments += ["--junit-directory", "theirs"]
    ran = project.run(arguments=arguments)
    [feature] = json.loads((project.folder / "out.json").read_text())
    assert len(feature["elements"]) == 4
    assert "Scenario: two" in ran.output
    suite = read(project.folder / "theirs" / "TESTS-a.xml")
    assert (suite.get("tests"), suite.get("errors")) == ("4", "2")


def test_attachments_are_files_named_in_the_event(project):
    project.feature("Feature: F\n  Scenario: one\n    Given it works in attempt 1\n")
    [kept] = project.run().scenario("one")["evidence"]
    assert Path(kept["path"]).read_bytes() == b"picture 1"
    assert kept["media_type"] == "image/png"
    assert kept["path"].endswith(".png")


def test_names_in_any_script_windows_lines_and_a_mark_in_front(project):
    text = "\ufeff# language: de\r\nFunktionalität: Größe\r\n  Szenario: Ä 漢字\r\n"
    text += "    Angenommen it works\r\n"
    project.write("features/grüße.feature", text.encode())
    ran = project.run("-f", "pretty")
    assert ran.code == 0
    done = ran.scenario("Ä 漢字")
    assert done["file"] == "features/grüße.feature"
    assert done["feature"] == "Größe"


def test_behaves_selection_by_line_name_and_file(project):
    project.feature(PLAIN)
    project.feature("Feature: G\n  Scenario: other\n    Given it works\n", "b")
    assert set(project.run("features/a.feature:4", "features/b.feature").statuses()) == {
        "one",
        "other",
    }
    assert set(project.run("-n", "oth").statuses()) == {"other"}
    assert set(project.run("-i", "b.feature").statuses()) == {"other"}
    twice = project.run("features/b.feature", "features", "features/b.feature", "-n", "other")
    assert [one["name"] for one in twice.of("scenario_finished")] == ["other"]


def test_stage_rules_backgrounds_userdata_and_settings_reach_the_project(project):
    project.write(
        "features/x_steps/all.py", "from behave import *\n@step('a {x}')\ndef s(c, x): pass"
    )
    project.write(
        "features/x_environment.py",
        "def before_all(c):\n    print('DATA', c.config.userdata['a'], c.config.userdata['b'])\n",
    )
    project.feature("""
        Feature: F
          Background:
            Given a thing
          Rule: R
            Scenario: ruled
              Given a b
        """)
    ran = project.run("--stage=x", "-D", "a=typed", userdata={"a": "ours", "b": "c"})
    assert ran.statuses() == {"ruled": "passed"}
    assert "DATA typed c" in ran.output


def test_questions_to_behave_are_answered(project):
    ran = project.run(arguments=["--version"])
    assert (ran.code, ran.output.split()[0]) == (0, "behave")
    assert project.run(arguments=["--help"]).code == 0
    assert "progress" in project.run(arguments=["--format=help"]).output
    assert "TAG-EXPRESSION" in project.run(arguments=["--tags-help"]).output


def test_dry_run_runs_nothing(project):
    project.feature(PLAIN)
    ran = project.run("--dry-run")
    assert ran.code == 0
    assert set(ran.counts()) == {"untested"}


def test_a_runner_of_the_projects_own(project):
    project.feature("Feature: F\n  Scenario: one\n    Given it works\n")
    text = "from behave.runner import Runner\nclass Mine(Runner):\n    def load_hooks(self, *a):\n"
    text += "        print('MY RUNNER'); super().load_hooks(*a)\n"
    project.write("mine.py", text)
    ran = project.run("--runner=mine:Mine")
    assert "MY RUNNER" in ran.output
    assert ran.code == 0
    refused = project.run("--runner=mine:Gone")
    assert refused.code == 2
    assert "mine:Gone" in refused.error()["text"]


def test_our_modules_do_not_hide_the_projects(project):
    project.write("schema.py", "WHOSE = 'theirs'\n")
    project.write("features/helper.py", "")
    project.write(
        "features/steps/own.py",
        "import schema\nfrom behave import given\n@given('mine')\ndef s(c):\n"
        "    assert schema.WHOSE == 'theirs'\n",
    )
    project.feature("Feature: F\n  Scenario: one\n    Given mine\n")
    assert project.run().code == 0


def test_junit_with_all_statuses(project):
    project.write(
        "features/environment.py",
        "def after_feature(context, feature):\n    raise OSError('no end \\x00')\n",
    )
    project.feature("""
        Feature: F
          Scenario: passed
            Given it works
          Scenario: failed
            Given it fails
          Scenario: flaky
            Given it works in attempt 2
          @quarantine
          Scenario: quarantined
            Given it fails
          Scenario: empty
        """)
    ran = project.run(junit=str(project.folder / "ours"), retries=1)
    [file] = (project.folder / "ours").iterdir()
    suite = read(file)
    cases = {one.get("name"): one for one in suite}
    numbers = [suite.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert numbers == ["6", "1", "1", "1"]
    assert [one.tag for one in cases["passed"]] == []
    assert cases["failed"].find("failure").get("message").startswith("features/a.feature:6")
    assert cases["failed"].find("rerunFailure") is not None
    assert cases["flaky"].find("failure") is None
    assert cases["flaky"].find("flakyFailure").get("message").endswith("(features/steps/all.py:21)")
    assert cases["flaky"].find("properties/property").attrib == {"name": "attempts", "value": "2"}
    assert "quarantined: " in cases["quarantined"].find("skipped").get("message")
    # As behave counts it.
    assert cases["empty"].find("skipped") is None
    assert "no end" in cases["after_feature"].find("error").get("message")
    assert ran.code == 1


def test_two_thousand_scenarios(project):
    rows = "\n".join(f"      | {number} |" for number in range(2000))
    project.feature(
        "Feature: F\n  Scenario Outline: s\n    Given it works\n    Examples:\n"
        f"      | n |\n{rows}\n"
    )
    ran = project.run()
    assert ran.counts() == {"passed": 2000}
    assert ran.code == 0
