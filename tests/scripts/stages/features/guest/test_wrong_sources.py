"""Features that cannot be read, or of which none is chosen, end in one clear sentence."""

from __future__ import annotations

import pytest

from .conftest import EMPTY, GOOD, refused

pytestmark = pytest.mark.slow


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


def test_scenario_without_steps_passes_and_is_told(project):
    project.feature(GOOD + "  Scenario: empty\n")
    ran = project.run()
    assert ran.statuses() == {"good": "passed", "empty": "passed"}
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


def test_steps_inside_steps_are_told_as_the_outer_one(project):
    project.feature("Feature: F\n  Scenario: s\n    Given several steps\n")
    ran = project.run()
    [step] = ran.of("step_failed")
    assert step["line"] == 3
    assert "Given several steps" in ran.scenario("s")["message"]
    assert ran.code == 1
