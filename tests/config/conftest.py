"""What tests of the configuration share: a small good site, and what is wrong with a text."""

import re

import pytest

from slipway.config import ConfigProblems, parse

GOOD = """\
[site]
title = "Almanac"

[project.almanac]
repository = "r"

[project.almanac.stages.tests]
uses = "tests"

[project.almanac.stages.pack]
uses = "archive"
needs = ["tests"]

[workers.local]
labels = ["linux"]
"""
FORM = re.compile(r"pipeline\.toml:\d+: ")


@pytest.fixture
def good():
    """Return the text of a good pipeline.toml, to be spoiled; its keys' lines are fixed."""
    return GOOD


@pytest.fixture
def problems():
    """Return a function: the problems of a text, one sentence each, the file's name taken off."""

    def find(text):
        with pytest.raises(ConfigProblems) as caught:
            parse(text)
        told = str(caught.value).splitlines()
        assert all(FORM.match(line) for line in told)
        assert "Traceback" not in str(caught.value)
        return [line.removeprefix("pipeline.toml:") for line in told]

    return find
