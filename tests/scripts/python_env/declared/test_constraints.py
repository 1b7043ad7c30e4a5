"""Versions and places as Poetry and Pipenv write them."""

import pytest
from packaging.specifiers import SpecifierSet

from slipway.scripts.python_env.declared.constraints import pep440, pep508


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0,<0.1"),
        ("^0", ">=0,<1"),
        ("^1", ">=1,<2"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1.2", ">=1.2,<1.3"),
        ("~1", ">=1,<2"),
        ("~=1.2", "~=1.2"),
        ("*", ""),
        ("", ""),
        ("1.2.*", "==1.2.*"),
        ("1.2.3", "==1.2.3"),
        ("=1.2", "==1.2"),
        (">=1.2,<2", ">=1.2,<2"),
        (">=1.2 <2", ">=1.2,<2"),
        (">= 1.2, != 1.3", ">=1.2,!=1.3"),
        ("^1 || ^2", ""),
        ("nonsense", ""),
    ],
)
def test_a_constraint_means_what_its_tool_means(written, meant):
    assert pep440(written) == meant
    SpecifierSet(pep440(written))


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("^7", ["pytest>=7,<8"]),
        ({"version": "*", "extras": ["toml"]}, ["pytest[toml]"]),
        ({"version": "^1", "python": ">=3.11"}, ['pytest>=1,<2 ; python_version >= "3.11"']),
        ({"version": "1", "python": "<3.8.1"}, ['pytest==1 ; python_full_version < "3.8.1"']),
        ({"version": "1", "markers": "os_name == 'nt'"}, ["pytest==1 ; (os_name == 'nt')"]),
        ({"git": "https://h.org/p.git", "tag": "v1"}, ["pytest @ git+https://h.org/p.git@v1"]),
        ({"git": "https://h.org/p.git"}, ["pytest @ git+https://h.org/p.git"]),
        ({"url": "https://h.org/p.whl"}, ["pytest @ https://h.org/p.whl"]),
        ([{"version": "1"}, {"version": "2"}], ["pytest==1", "pytest==2"]),
        (7, []),
        ({"version": "; rm -rf /"}, ["pytest"]),
    ],
)
def test_an_entry_becomes_requirements(tmp_path, given, written):
    assert pep508("pytest", given, tmp_path) == written


def test_a_path_is_the_projects(tmp_path):
    (text,) = pep508("mine", {"path": "libs/mine", "develop": True}, tmp_path)
    assert text == f"mine @ {(tmp_path / 'libs/mine').as_uri()}"


def test_a_name_that_is_none_is_passed_over(tmp_path):
    assert pep508("--index-url=http://evil", "*", tmp_path) == []
