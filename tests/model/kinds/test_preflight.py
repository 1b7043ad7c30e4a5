"""The check of a publish stage's targets: before all others, where there is something to check."""

import pytest

from slipway.config.reading import ConfigProblems, parse
from slipway.model.site import Project
from slipway.model.tenant import tenant_of

SITE = """
[project.demo]
repository = "source"
{stages}
[project.demo.stages.tests]
uses = "tests"
[project.demo.stages.pack]
uses = "command"
argv = ["x"]
artefacts = ["x"]
needs = ["tests"]
[project.demo.stages.docs]
uses = "command"
argv = ["x"]
[project.demo.stages.clean]
uses = "command"
argv = ["x"]
on-failure = ["tests"]
[project.demo.stages.publish]
uses = "publish"
needs = ["pack"]
runs-on = ["zone"]
{keys}
[workers.local]
[workers.zone]
labels = ["zone"]
"""
TARGETS = 'targets = [{ kind = "folder", path = "www" }]\n'


def project(keys=TARGETS, stages=""):
    return parse(SITE.format(keys=keys, stages=stages)).project["demo"]


def test_it_comes_before_all_others_and_runs_where_they_are_brought():
    stages = project().stages
    assert list(stages) == [*("publish-check", "tests", "pack", "docs", "clean", "publish")]
    check = stages["publish-check"]
    assert (check.uses, check.runs_on, check.targets) == (
        "publish-check",
        ("zone",),
        stages["publish"].targets,
    )
    needs = {name: one.needs for name, one in stages.items()}
    assert needs == {
        "publish-check": (),
        "tests": ("publish-check",),
        "docs": ("publish-check",),
        "pack": ("tests",),
        "clean": (),
        "publish": ("pack",),
    }


def test_it_has_the_tenant_of_publishing():
    made = project()
    tenants = {
        tenant_of("demo", made, made.stages[one], ()) for one in ("publish", "publish-check")
    }
    assert tenants == {"demo~publish"}


@pytest.mark.parametrize("keys", ["", TARGETS + "preflight = false\n", TARGETS + "manual = true\n"])
def test_without_targets_or_a_wish_there_is_none(keys):
    stages = project(keys).stages
    assert "publish-check" not in stages
    assert stages["tests"].needs == ()


def test_read_again_it_is_the_same():
    made = project()
    assert Project.model_validate(made.model_dump(by_alias=True)) == made


def test_one_that_is_written_down_has_keys_of_its_own():
    own = '[project.demo.stages.publish-check]\nuses = "publish-check"\ntimeout = "1m"\n'
    stages = project(stages=own + TARGETS).stages
    assert stages["publish-check"].timeout == 60


def test_another_stage_of_its_name_is_told():
    own = '[project.demo.stages.publish-check]\nuses = "tests"\n'
    with pytest.raises(ConfigProblems, match="another has that name; rename it, or write pref"):
        project(stages=own)


def test_what_is_wrong_with_both_is_told_once():
    with pytest.raises(ConfigProblems) as found:
        parse(SITE.format(keys=TARGETS, stages="").replace('labels = ["zone"]', ""))
    (problem,) = found.value.problems
    assert problem.path == "project.demo.stages.publish.runs-on"
