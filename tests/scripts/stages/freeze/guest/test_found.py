"""What of a trace belongs into the frozen program."""

import sys

import pytest

from slipway.scripts.stages.freeze.guest.slipway_freeze.found import (
    Data,
    code_as_data,
    there,
    wanted_modules,
)


def test_folders_without_an_init_hold_modules_too(tmp_path, monkeypatch):
    (tmp_path / "space" / "inner").mkdir(parents=True)
    (tmp_path / "space" / "inner" / "deep.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(tmp_path)
    assert there("space.inner.deep")
    assert there("space.inner")
    assert not there("space.inner.other")
    assert not there("space.nothing.deep")
    assert "space" not in sys.modules


def test_a_start_needs_what_it_used_and_tests_need_more(tmp_path, monkeypatch):
    for name in ("own/__init__.py", "own/late.py", "own/tests/__init__.py", "own/tests/test_a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    used = {"doctest": "start", "own.late": "tests", "own.tests.test_a": "tests", "pdb": "tests"}
    used |= {"__main__": "start", "sitecustomize": "start", "no.such": "start", "": "start"}
    used |= {"a b": "start", "setuptools": "tests"}
    assert dict(wanted_modules(used, ["own"], frozenset({"start"}))) == {
        "doctest": "start",
        "own.late": "tests",
    }


@pytest.fixture
def root(tmp_path):
    for name in (
        "pkg/__init__.py",
        "pkg/a.py",
        "pkg/a.sql",
        "pkg/migrations/env.py",
        "pkg/migrations/versions/one.py",
        "pkg/__pycache__/x.py",
        "beside.txt",
        "other/code.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


@pytest.mark.parametrize(
    ("opened", "target"),
    [
        ("pkg/migrations/env.py", "lib/pkg/migrations/env.py"),
        ("pkg/migrations/versions/one.py", "lib/pkg/migrations/versions/one.py"),
        # cx_Freeze takes these itself.
        ("pkg/a.py", None),
        ("pkg/a.sql", None),
        ("pkg/__pycache__/x.py", None),
        ("beside.txt", None),
        ("other/code.py", None),
        ("missing.py", None),
        ("../../../../etc/passwd", None),
    ],
)
def test_where_files_belong(root, opened, target):
    assert Data([str(root)], ["pkg"]).target(root / opened) == target


def test_what_lies_outside_is_never_taken(root, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "id_rsa"
    secret.write_text("key")
    (root / "pkg" / "migrations" / "link.py").symlink_to(secret)
    data = Data([str(root)], ["pkg"])
    assert data.target(root / "pkg" / "migrations" / "link.py") is None
    assert data.target(secret) is None
    assert data.locate("../" * 9 + "etc/passwd") is None
    assert data.locate("pkg/migrations/link.py") is None
    assert data.locate("pkg/a.sql") == root / "pkg" / "a.sql"
    assert data.locate("") is None
    assert list(code_as_data(root / "pkg")) == [
        (root / "pkg" / "migrations" / "env.py", "pkg/migrations/env.py"),
        (root / "pkg" / "migrations" / "versions" / "one.py", "pkg/migrations/versions/one.py"),
    ]
