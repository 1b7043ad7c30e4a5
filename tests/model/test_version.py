"""A project's version: pyproject.toml, else the nearest tag, else 0.0.0; never a local part."""

import pytest

from slipway.model.version import base_version


def pyproject(version):
    return f'[project]\nname = "almanac"\nversion = "{version}"\n'


@pytest.mark.parametrize(
    ("written", "described", "version"),
    [
        ("1.4.0", None, "1.4.0"),
        ("1.4.0", "v9.9", "1.4.0"),
        ("v1.4", None, "1.4"),
        ("2.0rc1", None, "2.0rc1"),
        ("2.0.dev3", None, "2.0.dev3"),
        ("1.4.0+local.7", None, "1.4.0"),
        ("not a version", "v1.2.3", "1.2.3"),
        ("not a version", None, "0.0.0"),
    ],
)
def test_pyproject_goes_first(written, described, version):
    assert base_version(pyproject(written), described) == version


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[project]\n",
        '[project]\nname = "almanac"\ndynamic = ["version"]\n',
        "project = 3\n",
        "[project]\nversion = 3\n",
        "this is no TOML = = =",
    ],
)
def test_without_a_version_in_pyproject_the_tag_counts(text):
    assert base_version(text, "v1.2.3-4-gabc1234") == "1.2.3"
    assert base_version(text, None) == "0.0.0"


@pytest.mark.parametrize(
    ("described", "version"),
    [
        ("v1.4.0", "1.4.0"),
        ("1.4.0\n", "1.4.0"),
        ("v1.4.0-3-gabc1234", "1.4.0"),
        ("almanac-2.1-12-g0123abc", "2.1"),
        ("release/2026.11", "2026.11"),
        ("1.0+ours", "1.0"),
        ("v1.0-rc1-2-gabc", "1.0rc1"),
        ("nightly", "0.0.0"),
        ("v1.x.y", "0.0.0"),
        ("", "0.0.0"),
    ],
)
def test_tags(described, version):
    assert base_version(None, described) == version
