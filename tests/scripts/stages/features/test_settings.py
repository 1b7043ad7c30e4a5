"""Where the settings of a features run come from, and what is said of wrong ones."""

import pytest

from slipway.model.errors import WrongInput
from slipway.model.kinds.features import FeatureKeys, layered
from slipway.scripts.stages.features.settings import read_project, resolve
from slipway.scripts.stages.features.stage import FeaturesStage

PYPROJECT = """\
[tool.slipway.features]
command = ["python", "-m", "shop", "--port", "{port}"]
jobs = 2
application-env = { MODE = "test", DEBUG = "0" }

[tool.slipway.features.profiles.staging]
base-url = "https://staging.example.org"
jobs = 1

[tool.slipway.features.profiles.loud]
application-env = { DEBUG = "1" }
headless = false
"""


@pytest.fixture
def project(tmp_path):
    def write(text):
        (tmp_path / "pyproject.toml").write_text(text, "utf-8")
        return tmp_path

    return write


def test_the_nearest_wins(project):
    folder = project(PYPROJECT)
    stage = FeaturesStage(uses="features", jobs=4, retries=1)
    told = resolve(folder, [FeatureKeys(retries=2), stage])
    assert (told.retries, told.jobs) == (2, 4)
    assert told.command[0] == "python"
    assert resolve(folder, [stage]).retries == 1
    assert resolve(folder).jobs == 2


def test_a_stage_that_came_as_a_job_says_no_more_than_it_did(project):
    stage = FeaturesStage(uses="features", profile="loud", tags=["not @slow"])
    sent = FeaturesStage.model_validate_json(stage.model_dump_json(by_alias=True))
    folder = project(PYPROJECT)
    assert resolve(folder, [sent], "loud") == resolve(folder, [stage], "loud")
    assert resolve(folder, [sent], "loud").command[0] == "python"


def test_a_profile_is_nearer_than_the_project(project):
    folder = project(PYPROJECT)
    told = resolve(folder, profile="loud")
    assert told.application_env == {"MODE": "test", "DEBUG": "1"}
    assert told.headless is False


def test_an_address_takes_the_place_of_a_command_farther_away(project):
    folder = project(PYPROJECT)
    told = resolve(folder, profile="staging")
    assert (told.base_url, told.command) == ("https://staging.example.org", None)
    nearer = FeatureKeys(command=("serve",))
    told = resolve(folder, [nearer], profile="staging")
    assert (told.base_url, told.command) == (None, ("serve",))


def test_a_project_that_says_nothing(tmp_path, project):
    assert resolve(tmp_path) == FeatureKeys()
    assert resolve(project("[project]\nname = 'x'\n")) == FeatureKeys()


def test_an_unknown_profile_is_told(project):
    with pytest.raises(WrongInput, match=r'"stagin" is not in .* Did you mean "staging"\?'):
        resolve(project(PYPROJECT), profile="stagin")
    with pytest.raises(WrongInput, match="there are none"):
        resolve(project(""), profile="x")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("job = 2", r'tool.slipway.features.job: unknown key "job". Did you mean "jobs"\?'),
        ("jobs = 0", "tool.slipway.features.jobs: 0 is not allowed: input should be greater"),
        ("command = []", "tool.slipway.features.command: .* the command is empty; write the"),
        ('window-size = "big"', "window-size: 'big' is not allowed: string should match"),
        ('base-url = "example.org"', "base-url: 'example.org' is not allowed"),
        ('tags = "~@a"', "tags: '~@a' is not allowed: input should be a valid tuple"),
    ],
)
def test_what_is_wrong_is_told(project, text, told):
    with pytest.raises(WrongInput, match=told):
        read_project(project(f"[tool.slipway.features]\n{text}\n"))


def test_all_errors_are_told_at_once(project):
    with pytest.raises(WrongInput) as caught:
        read_project(project("[tool.slipway.features]\njobs = 0\nretries = -1\n"))
    assert len(str(caught.value).splitlines()) == 2


def test_layers_of_nothing_are_nothing():
    assert layered(FeatureKeys(), FeatureKeys()) == FeatureKeys()
