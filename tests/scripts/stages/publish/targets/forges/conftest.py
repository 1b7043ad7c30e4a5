"""Stand-ins of forges, one for each test."""

import pytest

from tests.support.forges.github import GitHub
from tests.support.forges.gitlab import GitLab


@pytest.fixture
def github(tmp_path):
    with GitHub(tmp_path / "github").running() as server:
        yield server


@pytest.fixture
def gitlab(tmp_path):
    with GitLab(tmp_path / "gitlab").running() as server:
        yield server
