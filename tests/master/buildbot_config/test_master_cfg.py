"""master.cfg and pipeline.toml as Buildbot loads them.

The steps of every builder are kept in golden_steps.json. When they change on purpose:

    SLIPWAY_GOLDEN=1 .venv/bin/pytest tests/master/buildbot_config/test_master_cfg.py

writes the file anew; look at the difference before you commit it.
"""

import ast
import json
import os
from pathlib import Path

import pytest

from slipway.config import read
from slipway.master.buildbot_config.force import ForceRun, ForceStage
from slipway.master.ledger_service import LedgerService
from slipway.master.scheduling.poller import RepositoryPoller
from slipway.master.scheduling.scheduler import PipelineScheduler

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).with_name("golden_steps.json")


@pytest.fixture(scope="module")
def site():
    return read(ROOT / "pipeline.toml")


def made_steps(builder):
    return [factory.buildStep() for factory in builder.factory.steps]


def test_every_stage_is_a_builder(config, site):
    wanted = {f"{name}.{stage}" for name, one in site.project.items() for stage in one.stages}
    assert {builder.name for builder in config.builders} == wanted
    assert {builder.project for builder in config.builders} == set(site.project)


def test_the_steps_of_every_builder_are_the_golden_ones(config):
    found = {
        builder.name: [f"{type(step).__name__} {step.name}" for step in made_steps(builder)]
        for builder in config.builders
    }
    if os.environ.get("SLIPWAY_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    assert json.loads(GOLDEN.read_text("utf-8")) == found


def test_steps_end_when_their_stage_says(config, site):
    for builder in config.builders:
        project, stage = builder.name.split(".")
        step = made_steps(builder)[-1]
        assert step.timeout == site.project[project].stages[stage].timeout
        assert step.haltOnFailure
        assert step.flunkOnFailure


def test_requests_are_never_collapsed(config):
    assert config.collapseRequests is False
    assert {builder.collapseRequests for builder in config.builders} == {False}


def test_nobody_is_told_of_our_use(config):
    assert config.buildbotNetUsageData is None


def test_schedulers(config, site):
    kinds = {name: type(one) for name, one in config.schedulers.items()}
    wanted = {}
    for name in site.project:
        wanted |= {
            name: PipelineScheduler,
            f"{name}-run": ForceRun,
            f"{name}-stage": ForceStage,
        }
    assert kinds == wanted
    known = {builder.name for builder in config.builders}
    for scheduler in config.schedulers.values():
        assert set(scheduler.builderNames) <= known


def test_workers_pollers_and_the_desk(config, site, site_folder):
    assert {worker.workername for worker in config.workers} == set(site.workers)
    assert [type(source) for source in config.change_sources] == [RepositoryPoller]
    assert isinstance(config.services["slipway"], LedgerService)
    assert config.db.db_url == f"sqlite:///{site_folder / '.slipway' / 'state.sqlite'}"


def test_every_builder_has_a_worker(config, site):
    for builder in config.builders:
        assert builder.workernames
        assert set(builder.workernames) <= set(site.workers)


def test_it_listens_on_this_machine_alone(config):
    assert config.www["port"] == "tcp:8010:interface=127.0.0.1:backlog=1024"
    assert config.protocols == {"pb": {"port": "tcp:9989:interface=127.0.0.1"}}


def test_loading_it_writes_nothing(config, site_folder):
    assert not (site_folder / ".slipway").exists()


def test_master_cfg_fits_on_a_screen_and_decides_nothing():
    text = (ROOT / "master.cfg").read_text("utf-8")
    assert len(text.splitlines()) <= 40
    logic = (
        *(ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.With, ast.Lambda, ast.comprehension),
        *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    )
    assert [node for node in ast.walk(ast.parse(text)) if isinstance(node, logic)] == []


def test_no_secret_is_sent_to_browsers(config):
    assert set(config.www["plugins"]) <= {"console_view", "grid_view", "waterfall_view", "slipway"}
    told = dict(config.www["plugins"])
    workers = told.pop("slipway")["workers"]
    assert all(value is True for value in told.values())
    assert {key for one in workers.values() for key in one} == {
        "labels",
        "lanes",
        "max_builds",
        "isolation",
    }
