"""What the guest takes and refuses, in this Python, which has SQLAlchemy and psycopg."""

import sys

import pytest

from slipway.scripts.stages.freeze.guest.slipway_freeze import dialects
from slipway.scripts.stages.freeze.guest.slipway_freeze.found import there
from slipway.scripts.stages.freeze.guest.slipway_freeze.freeze import check_modules, missing


def test_dialects_are_those_whose_driver_is_here(monkeypatch):
    here = {"sqlalchemy", "psycopg", "psycopg_binary", "sqlalchemy.sql.default_comparator"}
    here |= {f"sqlalchemy.dialects.{name}" for name in dialects.DRIVERS}
    monkeypatch.setattr(dialects, "there", here.__contains__)
    assert dialects.dialect_packages(None) == [
        "sqlalchemy.sql.default_comparator",
        "sqlalchemy.dialects.sqlite",
        "sqlalchemy.dialects.postgresql",
        "psycopg",
        "psycopg_binary",
    ]
    assert dialects.dialect_packages(["sqlite+aiosqlite"])[1:] == ["sqlalchemy.dialects.sqlite"]
    with pytest.raises(dialects.Wrong, match="mysql needs one of its drivers"):
        dialects.dialect_packages(["mysql"])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"packages": [], "includes": ["json.nosuch"]}, 'includes: there is no module "json.nos'),
        ({"packages": ["json.tool.x"], "includes": []}, 'packages: there is no module "json.too'),
        ({"packages": ["no such!"], "includes": []}, 'packages: there is no module "no such!"'),
        ({"modules": ["no.such"]}, 'entry: there is no module "no.such"'),
        ({"modules": ["json.tool"], "excludes": ["json"]}, "excludes: json is what the program"),
    ],
)
def test_modules_that_are_not_there(settings, said):
    sound = {"packages": ["json"], "includes": ["json.tool", "sys"], "modules": [], "excludes": []}
    check_modules(sound)
    with pytest.raises(dialects.Wrong, match=said):
        check_modules(sound | settings)


def test_looking_for_a_module_imports_nothing(monkeypatch):
    monkeypatch.delitem(sys.modules, "wsgiref", raising=False)
    assert there("wsgiref.util")
    assert "wsgiref" not in sys.modules


def test_an_unknown_dialect():
    with pytest.raises(dialects.Wrong, match='SQLAlchemy has no dialect "sqlight" in this enviro'):
        dialects.one_dialect("sqlight", strict=True)


def test_without_sqlalchemy_there_is_no_dialect(monkeypatch):
    monkeypatch.setattr(dialects, "there", lambda _: False)
    assert dialects.dialect_packages(None) == []
    with pytest.raises(dialects.Wrong, match="SQLAlchemy is not in the application's environment"):
        dialects.dialect_packages(["sqlite"])


def test_missing_modules_are_told_without_the_standard_librarys_own():
    found = {"winreg": {"platform"}, "x.y": {"app.z"}, "x": {"os"}, "_q": {"app.a", "b", "c", "d"}}
    assert missing(found) == {"x": ["app"], "_q": ["app", "b", "c"]}
