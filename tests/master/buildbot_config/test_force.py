"""Buttons that force a run or a stage: whose builders they start."""

import asyncio
from types import SimpleNamespace

import pytest
from buildbot.config.errors import ConfigErrors
from buildbot.schedulers.forcesched import CollectedValidationError

from slipway.master.buildbot_config.force import ForceRun, ForceStage


@pytest.fixture(params=[ForceRun, ForceStage])
def button(request, config, monkeypatch):
    """Return a button of the site, on a master that has a builder of somebody else."""
    builders = {"1": "almanac.tests", "2": "deploy.production"}

    async def get(path):
        return {"name": builders[path[1]]}

    master = SimpleNamespace(data=SimpleNamespace(get=get))
    monkeypatch.setattr(request.param, "master", master)
    (found,) = [one for one in config.schedulers.values() if type(one) is request.param]
    return found


def builders_of(button, **asked):
    return asyncio.run(as_coroutine(button.computeBuilderNames(**asked)))


async def as_coroutine(awaited):
    return await awaited


def test_a_button_takes_its_own_builders(button):
    assert builders_of(button, builderid=1) == ["almanac.tests"]
    assert builders_of(button, builderNames=["almanac.tests"]) == ["almanac.tests"]


def test_a_button_refuses_the_builders_of_others(button):
    with pytest.raises(CollectedValidationError) as caught:
        builders_of(button, builderid=2)
    told = f"deploy.production is not started by {button.name}"
    assert caught.value.errors == {"builderid": told}
    assert builders_of(button, builderNames=["deploy.production"]) == []


def test_a_button_without_builders_is_refused():
    with pytest.raises(ConfigErrors):
        ForceRun(name="x", project="almanac", builderNames="no list")
