"""Failed scenarios run again; quarantine; stopping early."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


FLAKY = """
    Feature: F
      Scenario: steady
        Given it works
      Scenario: flaky
        Given it works in attempt 2
      Scenario Outline: row <n>
        Given it works in attempt <n>
        Examples:
          | n |
          | 1 |
          | 2 |
    """


def test_flaky_scenarios_do_not_fail_the_run_and_keep_their_attempts(project):
    project.feature(FLAKY)
    ran = project.run(retries=1)
    assert ran.code == 0
    assert ran.statuses() == {
        "steady": "passed",
        "flaky": "flaky",
        "row 1 -- @1.1": "passed",
        "row 2 -- @1.2": "flaky",
    }
    flaky = ran.scenario("flaky")
    assert [one["status"] for one in flaky["attempts"]] == ["failed", "passed"]
    assert "attempt 1" in flaky["attempts"][0]["message"]
    assert [one["path"][-6:] for one in flaky["evidence"]] == ["-1.png", "-1.png"]
    assert len({one["path"] for one in flaky["evidence"]}) == 2
    assert len(ran.of("attempt_finished")) == 2


def test_without_retries_they_fail(project):
    project.feature(FLAKY)
    ran = project.run()
    assert ran.code == 1
    assert ran.counts() == {"passed": 2, "failed": 2}


def test_never_passing_fails_with_all_attempts(project):
    project.feature("Feature: F\n  Scenario: bad\n    Given it fails\n")
    ran = project.run(retries=2)
    assert ran.code == 1
    bad = ran.scenario("bad")
    assert (bad["status"], bad["attempt"]) == ("failed", 3)


@pytest.mark.parametrize("hook", ["before_scenario", "after_scenario", "before_tag", "after_tag"])
def test_hook_that_fails_in_the_first_attempt_alone_does_not_fail_the_run(project, hook):
    project.write(
        "features/environment.py",
        f"def {hook}(context, what):\n"
        "    if context.config.userdata['slipway.attempt'] == 1:\n        raise OSError('first')\n",
    )
    project.feature("Feature: F\n  @t\n  Scenario: s\n    Given it works\n")
    ran = project.run(retries=1)
    assert ran.statuses() == {"s": "flaky"}
    assert ran.code == 0


def test_cleanup_that_fails_in_the_first_attempt_alone(project):
    project.write(
        "features/environment.py",
        "def tidy(n):\n    assert n > 1, 'untidy'\n"
        "def before_scenario(context, s):\n"
        "    context.add_cleanup(tidy, context.config.userdata['slipway.attempt'])\n",
    )
    project.feature("Feature: F\n  Scenario: s\n    Given it works\n")
    ran = project.run(retries=1)
    assert (ran.statuses(), ran.code) == ({"s": "flaky"}, 0)
    assert "untidy" in ran.scenario("s")["message"]


def test_context_is_fresh_in_each_attempt_and_failed_is_taken_back(project):
    project.write(
        "features/environment.py",
        "def before_scenario(context, s):\n    assert 'mark' not in context\n    context.mark = 1\n"
        "def after_all(context):\n    open('NOTES', 'w').write(f'failed: {context.failed}')\n",
    )
    project.feature(FLAKY)
    ran = project.run(retries=1)
    assert ran.code == 0
    assert (project.folder / "NOTES").read_text() == "failed: False"


def test_undefined_steps_are_not_tried_again(project):
    project.feature("Feature: F\n  Scenario: s\n    Given nobody wrote this\n")
    assert project.run(retries=3).scenario("s")["attempt"] == 1


def test_max_failures_stops_and_says_so(project):
    scenarios = "".join(f"  Scenario: s{n}\n    Given it fails\n" for n in range(5))
    project.feature(f"Feature: F\n{scenarios}")
    project.feature(f"Feature: G\n{scenarios}", "b")
    ran = project.run(max_failures=2)
    assert ran.code == 1
    assert ran.counts() == {"failed": 2, "untested": 3}
    assert "2 scenarios failed" in ran.error()["text"]
    assert "2 scenarios failed" in ran.of("run_finished")[0]["stopped"]


def test_stop_of_behave_stops_after_the_first(project):
    scenarios = "".join(f"  Scenario: s{n}\n    Given it fails\n" for n in range(3))
    project.feature(f"Feature: F\n{scenarios}")
    ran = project.run("--stop")
    assert ran.counts() == {"failed": 1, "untested": 2}
    assert "--stop" in ran.error()["text"]


def test_flaky_ones_do_not_count_towards_max_failures(project):
    project.feature(FLAKY)
    assert project.run(retries=1, max_failures=1).code == 0


QUARANTINED = """
    Feature: F
      @quarantine{until}
      Scenario: sick
        Given {what}
      Scenario: well
        Given it works
    """


@pytest.mark.parametrize("what", ["it fails", "it raises x", "nobody wrote this"])
@pytest.mark.parametrize("until", ["", ".until:2026-12-31"])
def test_quarantined_failure_is_told_and_does_not_fail_the_run(project, until, what):
    project.feature(QUARANTINED.format(until=until, what=what))
    ran = project.run(quarantine={"today": "2026-12-31"})
    assert ran.statuses() == {"sick": "quarantined", "well": "passed"}
    assert ran.scenario("sick")["message"].startswith("features/a.feature:5")
    assert (ran.code, ran.of("error")) == (0, [])


def test_quarantine_ends_with_its_date_and_a_notice(project):
    project.feature(QUARANTINED.format(until=".until:2026-12-31", what="it fails"))
    ran = project.run(quarantine={"today": "2027-01-01"})
    assert ran.statuses()["sick"] == "failed"
    [notice] = ran.of("notice")
    assert "features/a.feature:4: the quarantine ended on 2026-12-31" in notice["text"]
    assert ran.code == 1


def test_quarantine_without_a_date_is_refused(project):
    project.feature(QUARANTINED.format(until=".until:2026-13-40", what="it fails"))
    ran = project.run()
    assert ran.code == 2
    assert "@quarantine.until:2026-13-40 has no date" in ran.error()["text"]


def test_quarantined_scenario_that_passes_is_passed(project):
    project.feature(QUARANTINED.format(until="", what="it works"))
    assert project.run().statuses()["sick"] == "passed"
