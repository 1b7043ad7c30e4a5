"""Whether a project has features where behave looks: told before anything is made for it."""

import pytest

from slipway.model.errors import WrongInput
from slipway.scripts.stages.features.folder_check import check_folder

WITHOUT = [
    ([], 'there is no "features" in'),
    (["--tags", "~@slow"], 'there is no "features" in'),
    (["nowhere.feature:3"], 'there is no "features" in'),
]


@pytest.mark.parametrize(("arguments", "told"), WITHOUT)
def test_a_project_without_features_is_refused(tmp_path, arguments, told):
    with pytest.raises(WrongInput, match=told):
        check_folder(tmp_path, arguments)


def test_a_folder_without_a_feature_is_refused(tmp_path):
    (tmp_path / "features" / "steps").mkdir(parents=True)
    with pytest.raises(WrongInput, match=r"no \.feature file in .*features; features need"):
        check_folder(tmp_path, ["-k"])


def test_a_feature_anywhere_in_it_is_enough(tmp_path):
    (tmp_path / "kept" / "deep").mkdir(parents=True)
    (tmp_path / "kept" / "deep" / "a.feature").touch()
    (tmp_path / "features").symlink_to("kept")
    check_folder(tmp_path, [])


@pytest.mark.parametrize("argument", ["tests/a.feature:3", "tests/a.feature", "tests", "@tests"])
def test_another_place_may_be_named(tmp_path, argument):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "a.feature").touch()
    check_folder(tmp_path, ["--no-capture", argument])


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("behave.ini", "[behave]\npaths = ../shared\n"),
        ("pyproject.toml", '[tool.behave]\npaths = ["../shared"]\n'),
        ("pyproject.toml", '[tool.behave]\n"paths" = ["../shared"]\n'),
    ],
)
def test_behaves_own_settings_may_name_it(tmp_path, file, text):
    (tmp_path / file).write_text(text)
    check_folder(tmp_path, [])
