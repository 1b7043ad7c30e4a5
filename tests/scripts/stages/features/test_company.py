"""Suites that share something: one process unless asked for more, and a word on company."""

import os
import textwrap

import pytest

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.kinds.features import FeatureKeys
from slipway.scripts.stages.features.alone import find_disturbed, try_alone
from slipway.scripts.stages.features.coordinator import run_features
from slipway.scripts.stages.features.early_start import _jobs
from slipway.scripts.stages.features.feature_files import asks_only
from slipway.scripts.stages.features.outcome import judge
from slipway.scripts.stages.features.request import Order
from slipway.scripts.stages.features.run import run
from tests.scripts.stages.features.project import Project

SHARED = """
    import os, time
    from pathlib import Path
    from behave import given

    @given("nobody else is here")
    def lonely(context):
        mark = Path("one-file-for-all")
        mark.write_text(str(os.getpid()))
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            assert mark.read_text() in ("", str(os.getpid())), "somebody else wrote it"
            mark.write_text(str(os.getpid()))
            time.sleep(0.01)
"""


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    (made.folder / "features/steps/shared.py").write_text(textwrap.dedent(SHARED))
    return made


def order(project, **keys):
    for name in "abcd":
        project.feature(name, "one: all is well")
    return Order(project.folder, FeatureKeys(**keys), None, project.folder, project.output)


@pytest.mark.parametrize(
    ("keys", "cores"),
    [({}, 1), ({"base_url": "http://h"}, 1), ({"command": ("x",)}, 0), ({"jobs": 3}, 3)],
)
def test_side_by_side_only_where_nothing_is_shared_or_somebody_asks(project, keys, cores):
    assert order(project, **keys).jobs == min(4, cores or os.cpu_count() or 2)


def test_processes_that_start_early_are_as_many(tmp_path):
    assert _jobs(tmp_path, None) == 1
    (tmp_path / "pyproject.toml").write_text('[tool.slipway.features]\ncommand = ["x"]\n')
    assert _jobs(tmp_path, None) == (os.cpu_count() or 2)
    assert _jobs(tmp_path, "3") == 3


@pytest.mark.slow
def test_what_fails_in_company_and_passes_alone_says_so(project):
    for name in "ab":
        project.feature(name, f"{name}: nobody else is here")
    project.feature("c", "c: 1 is 2")
    project.walk(jobs=3)
    outcome = try_alone(project.order, project.walked, run_features)
    with pytest.raises(StageFailed) as caught:
        judge(outcome)
    said = str(caught.value)
    assert "passed when tried alone: what runs beside it disturbs it; take --jobs 1" in said
    alone = said.partition("; ")[2].partition(" passed when")[0].rpartition("; ")[2]
    assert "features/c.feature" not in alone
    assert outcome.disturbed in outcome.run.notices
    assert not (project.output / "alone").exists()


def test_what_fails_alone_too_is_not_excused(project):
    project.feature("a", "one: 1 is 2").feature("b", "two: 1 is 3")
    project.walk(jobs=2)
    outcome = try_alone(project.order, project.walked, run_features)
    assert outcome.disturbed == ""
    project.walk(jobs=1)
    assert find_disturbed(project.order, project.walked) is None


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        (["--dry-run"], True),
        (["-d", "features"], True),
        (["--lang-help=en"], True),
        (["--version"], True),
        (["--tags=~@javascript", "-D", "dry-run"], False),
        ([], False),
    ],
)
def test_questions_to_behave_are_known(words, asks):
    assert asks_only(words) is asks


def test_a_stage_that_only_asks_is_refused(make_job, project, monkeypatch):
    monkeypatch.chdir(project.folder)
    job = make_job({"uses": "features", "arguments": ["--dry-run"]})
    with pytest.raises(WrongInput, match="--dry-run runs no scenario; take it out of the stage"):
        run(job, project.report)


def test_scenarios_without_steps_pass_as_for_behave(project):
    project.feature("a", "one", "two: all is well")
    assert project.walk() == {"one": "passed", "two": "passed"}
