"""Loading Buildbot's test tools without what they do to warnings."""

import importlib
import warnings

import pytest

# buildbot.test makes every warning an error, for whatever is imported or collected after it.
with warnings.catch_warnings():
    importlib.import_module("slipway.master.buildbot_config.master_config")
    importlib.import_module("buildbot.test.steps")
    fake = importlib.import_module("buildbot.test.fake.logfile").FakeLogFile
    # Its log has what a text log has; an HTML log has this.
    fake.addContent = fake.addStdout


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """Run each test in a folder of its own: Buildbot's test master makes `basedir` where it is."""
    monkeypatch.chdir(tmp_path)
