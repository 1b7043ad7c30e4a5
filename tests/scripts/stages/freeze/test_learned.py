"""What is learned from traces, and from what frozen programs say."""

import json
import os

import pytest

from slipway.scripts.stages.freeze import learned as module
from slipway.scripts.stages.freeze.learned import (
    Learned,
    learn_from_output,
    load_learned,
    read_trace,
    save_learned,
    toml_lines,
)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("ModuleNotFoundError: No module named 'a.b_c'", {"modules": {"a.b_c": "w"}}),
        ("No module named 'rich._unicode.v17-0-0'", {"modules": {"rich._unicode.v17-0-0": "w"}}),
        ("cannot import name 'x' from 'a.b' (a.pyc)", {"modules": {"a.b.x": "w"}}),
        (
            "PackageNotFoundError: No package metadata was found for My.App",
            {"metadata": {"My.App": "w"}},
        ),
        ("The 'foo>=2' distribution was not found", {"metadata": {"foo": "w"}}),
        (
            "NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:postgresql.psycopg",
            {"dialects": {"postgresql": "w"}},
        ),
        (
            "[Errno 2] No such file or directory: '/tmp/x/app/lib/pkg/a.sql'",
            {"lacking": {"pkg/a.sql": "w"}},
        ),
        (
            r"FileNotFoundError: [WinError 3]: 'C:\x\app\lib\pkg\a.sql'",
            {"lacking": {r"pkg\\a.sql".replace(r"\\", "/"): "w"}},
        ),
        ("No such file or directory: '/tmp/x/lib/../../etc/passwd'", {}),
        ("No such file or directory: '/etc/shadow'", {}),
        ("all is well", {}),
    ],
)
def test_what_a_frozen_program_lacks(said, found):
    assert learn_from_output(f"x\n{said}\ny", "w") == Learned(**found)


def test_a_trace(tmp_path):
    file = tmp_path / "trace"
    site = "/v/site-packages"
    file.write_text(
        f"m a.b\nf {site}/pkg/x.txt\nd {site}/pkg/sub\nc libx.so.1\n"
        f"f {site}/my_app-1.2.dist-info/METADATA\nf {site}/other-1.dist-info/entry_points.txt\n"
        "m half"
    )
    found = read_trace(file, "w")
    assert found.modules == {"a.b": "w", "half": "w"}
    assert found.libraries == {"libx.so.1": "w"}
    # The entry points of all distributions are read, whichever is asked for.
    assert found.metadata == {"my_app": "w"}
    assert not read_trace(tmp_path / "missing", "w")


@pytest.mark.parametrize(
    "content", [b"", b"\0\xff\n", b"m\n", b"x y\n", b"m \xff\xfe\n", b"m a\n" * 5, os.urandom(5000)]
)
def test_a_trace_of_noise(tmp_path, content):
    file = tmp_path / "trace"
    file.write_bytes(content)
    assert len(read_trace(file, "w").modules) <= 1


def test_what_is_of_this_one_run_is_not_kept(tmp_path):
    file = tmp_path / "trace"
    file.write_text(f"f {tmp_path}/empty-0/shelf.toml\nd /proc/17\nf /v/site-packages/a/b.txt\n")
    found = read_trace(file, "w")
    assert (set(found.files), found.folders) == ({"/v/site-packages/a/b.txt"}, {})


def test_a_trace_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MOST_LINES", 100)
    file = tmp_path / "trace"
    file.write_text("".join(f"m a{number}\n" for number in range(1000)))
    assert len(read_trace(file, "w").modules) == 100


def test_adding_keeps_the_first_reason_and_says_whether_it_is_new():
    known = Learned(modules={"a": "first"})
    assert not known.add(Learned(modules={"a": "second"}))
    assert known.add(Learned(modules={"b": "second"}, metadata={"c": "x"}))
    assert known.modules == {"a": "first", "b": "second"}
    assert not Learned()
    assert known


def test_it_is_kept_for_the_same_environment(tmp_path):
    known = Learned(modules={"a": "w"}, lacking={"x/y": "v"})
    save_learned(tmp_path, ["a=1"], known)
    assert load_learned(tmp_path, ["a=1"]) == known
    assert load_learned(tmp_path, ["a=2"]) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"modules": 3}', "\0", '{"modules": ["a"]}'])
def test_what_was_kept_is_broken(tmp_path, content):
    save_learned(tmp_path, ["a"], Learned())
    (file,) = (tmp_path / "freeze").iterdir()
    file.write_text(content)
    assert load_learned(tmp_path, ["a"]) is None


def test_lines_of_toml():
    lines = toml_lines(
        [("includes", 'a"b', "one"), ("metadata", "m", "two"), ("includes", "c", "x")]
    )
    assert lines == [
        "includes = [",
        f"    {json.dumps('a' + chr(34) + 'b')},  # one",
        '    "c",  # x',
        "]",
        "metadata = [",
        '    "m",  # two',
        "]",
    ]
