"""The master's code on a worker: made once, whole or not at all, and used while it is unchanged."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from slipway.model.errors import MissingTool, WrongInput
from slipway.workers.bundle.own_wheel import write_wheel
from slipway.workers.stage_code import form
from slipway.workers.stage_code.installing import install
from slipway.workers.stage_code.seal import seal_folder, write_seal
from slipway.workers.stage_code.shelf import IN_USE, KEPT, Shelf
from tests.support.machine import wait_for

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-I", "-m", "slipway.workers.stage_code.installing"]


def make_code(folder, version="9.9", requirements=()):
    """Write the file of a small Slipway that needs nothing, and one of a plugin."""
    folder.mkdir(parents=True, exist_ok=True)
    about = f"slipway-{version}.dist-info"
    content = [
        ("slipway/__init__.py", b""),
        ("slipway/said.py", f"def main():\n    print('{version}')\n".encode()),
        (
            f"{about}/METADATA",
            f"Metadata-Version: 2.1\nName: slipway\nVersion: {version}\n".encode(),
        ),
        (f"{about}/entry_points.txt", b"[console_scripts]\nslipway = slipway.said:main\n"),
    ]
    wheel = write_wheel(folder, "slipway", version, content)
    return form.write_code(folder, version, [wheel], requirements, ["nothing-of-ours==1"])


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "worker folder" / "code")


@pytest.fixture
def order(shelf, tmp_path):
    """Return what makes orders: as the master's file has come to the worker."""

    def make(**how):
        file = make_code(tmp_path / "master", **how)
        shelf.folder.mkdir(parents=True, exist_ok=True)
        come = shelf.folder / "coming.zip"
        come.write_bytes(file.read_bytes())
        return {"do": "make", "folder": str(shelf.folder), "file": str(come), "key": file.stem}

    return make


def said(shelf, name):
    """Return what the `slipway` says that a stage would start."""
    done = subprocess.run(
        ["slipway"],
        env={"PATH": shelf.path_with(name)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def names(shelf):
    return sorted(one.name for one in shelf.folder.iterdir() if "-" in one.name)


def test_it_is_made_once_and_found_again(shelf, order):
    given = order()
    assert shelf.find(given["key"]) == ""
    made = install(given)["name"]
    assert len(made) <= 17
    assert said(shelf, made) == "9.9"
    # This worker process, and one that was started again.
    for one in (shelf, shelf, Shelf(shelf.folder)):
        assert one.find(given["key"]) == made
    assert install(given) == {"name": made}
    assert names(shelf) == [made]
    other = install(order(version="10.0"))["name"]
    assert said(shelf, other) == "10.0"
    assert said(shelf, made) == "9.9"


def test_its_programs_stand_in_the_place_of_ours(shelf):
    first, *rest = shelf.path_with("x-y").split(os.pathsep)
    assert first == str(shelf.folder / "x-y" / "env" / "bin")
    assert str(Path(sys.executable).parent) not in rest


@pytest.mark.parametrize("how", ["altered", "short", "long", "empty"])
def test_what_arrives_altered_is_refused(shelf, order, how):
    given = order()
    file = Path(given["file"])
    data = file.read_bytes()
    other = data[:200] + bytes([data[200] ^ 1]) + data[201:]
    changed = {"altered": other, "short": data[:-1], "long": data + b"\0", "empty": b""}
    file.write_bytes(changed[how])
    with pytest.raises(WrongInput, match="arrived altered or cut short"):
        install(given)
    assert names(shelf) == []
    assert shelf.find(given["key"]) == ""


def test_a_link_in_its_place_is_not_followed(shelf, order):
    given = order()
    file = Path(given["file"])
    file.rename(file.with_suffix(".moved"))
    file.symlink_to(file.with_suffix(".moved"))
    with pytest.raises(OSError, match="symbolic link"):
        install(given)


def packed(index, *names):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        opened.writestr("code.json", json.dumps(index))
        for name in names:
            opened.writestr(name, b"x")
    return made.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"no zip at all",
        packed({"form": 2, "wheels": []}),
        packed({"form": 1}),
        packed([]),
        packed({"form": 1, "version": "1", "wheels": ["../x.whl"]}, "../x.whl"),
        packed({"form": 1, "version": "1", "wheels": ["/etc/x.whl"]}, "/etc/x.whl"),
        packed({"form": 1, "version": "1", "wheels": ["x.py"]}, "x.py"),
        packed({"form": 1, "version": "1", "wheels": ["gone.whl"]}),
    ],
)
def test_another_form_is_refused_with_what_to_do(data):
    with pytest.raises(WrongInput, match=r"a form that this worker does not know.*new bundle"):
        form.read_code(data, hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("key", ["", "../x", "A" * 64, "a" * 63, f"{'a' * 64}\n"])
def test_a_key_is_a_hash_and_no_path(order, key):
    with pytest.raises(WrongInput, match="is no SHA-256"):
        install({**order(), "key": key})


def test_what_is_half_made_is_not_used_and_goes(shelf, order):
    given = order()
    made = install(given)["name"]
    (shelf.folder / made / "ready.json").unlink()
    assert shelf.find(given["key"]) == ""
    again = install(given)["name"]
    assert again != made
    # It was whole once: a stage may run from it. A day later none does.
    assert names(shelf) == sorted([again, made])
    os.utime(shelf.folder / made, (0, 0))
    (shelf.folder / f"{made[:10]}-000000").mkdir()
    install(order(version="10.0"))
    assert made not in names(shelf)
    assert len(names(shelf)) == 2


def test_one_of_another_python_is_not_used(shelf, order):
    given = order()
    made = install(given)["name"]
    mark = shelf.folder / made / "ready.json"
    mark.write_text(mark.read_text().replace("python", "pypy"))
    assert Shelf(shelf.folder).find(given["key"]) == ""


def in_env(shelf, made):
    [found] = (shelf.folder / made).glob("env/lib/python*/site-packages/slipway")
    return found


def change(folder):
    (folder / "said.py").write_text("def main():\n    print('mine')\n")


def change_and_hide(folder):
    file = folder / "said.py"
    before = file.stat()
    file.write_text(file.read_text().replace("9.9", "6.6"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def change_what_is_compiled(folder):
    [file] = (folder / "__pycache__").glob("said.*.pyc")
    file.write_bytes(file.read_bytes().replace(b"9.9", b"6.6"))


def add(folder):
    (folder.parent / "sitecustomize.py").write_text("print('mine')")


def remove(folder):
    (folder / "said.py").unlink()


def replace_by_link(folder):
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.symlink_to(aside)


@pytest.mark.parametrize(
    "harm", [change, change_and_hide, change_what_is_compiled, add, remove, replace_by_link]
)
def test_what_a_stage_has_changed_is_made_again(shelf, order, harm):
    given = order()
    made = install(given)["name"]
    assert shelf.find(given["key"]) == made
    harm(in_env(shelf, made))
    assert shelf.find(given["key"]) == ""
    again = install(given)["name"]
    assert again != made
    assert said(shelf, again) == "9.9"
    assert names(shelf) == sorted([again, made])


def test_a_seal_that_a_stage_has_written_is_not_believed(shelf, order):
    given = order()
    made = install(given)
    shelf.trust(made["name"], made["seal"])
    folder = shelf.folder / made["name"]
    change(in_env(shelf, made["name"]))
    write_seal(folder, seal_folder(folder))
    assert shelf.find(given["key"]) == ""


def forge(shelf, made):
    """Make a changed copy that looks whole, and newer."""
    other = shelf.folder / f"{made[:10]}-999999"
    shutil.copytree(shelf.folder / made, other, symlinks=True)
    change(in_env(shelf, other.name))
    write_seal(other, seal_folder(other))
    os.utime(other / "ready.json", (4e9, 4e9))
    return other


def test_one_that_a_stage_has_made_is_not_used(shelf, order):
    given = order()
    made = install(given)["name"]
    shelf.know()
    forge(shelf, made)
    assert shelf.find(given["key"]) == made
    # Nor by the installation, whatever is left of ours.
    (shelf.folder / made / "ready.json").unlink()
    assert shelf.find(given["key"]) == ""
    again = install({**given, "known": shelf.known})
    assert said(shelf, again["name"]) == "9.9"
    shelf.trust(again["name"], again["seal"])
    assert shelf.find(given["key"]) == again["name"]


def test_a_seal_that_was_written_anew_since_the_start_is_not_believed(shelf, order):
    given = order()
    made = install(given)["name"]
    shelf.know()
    change(in_env(shelf, made))
    write_seal(shelf.folder / made, seal_folder(shelf.folder / made))
    assert Shelf(shelf.folder, shelf.known).find(given["key"]) == ""


@pytest.mark.parametrize("name", ["ready.json", "seal.json"])
@pytest.mark.parametrize("harm", ["pipe", "zero", "large"])
def test_what_lies_in_the_place_of_our_files_is_not_waited_for(shelf, order, name, harm):
    given = order()
    file = shelf.folder / install(given)["name"] / name
    file.unlink()
    if harm == "pipe":
        os.mkfifo(file)
    elif harm == "zero":
        file.symlink_to("/dev/zero")
    else:
        file.touch()
        os.truncate(file, 1 << 40)
    assert shelf.find(given["key"]) == ""


@pytest.mark.parametrize(
    "seal", ['{"env/pyvenv.cfg": 5}', '{"env/pyvenv.cfg": []}', "[" * 100_000, "5"]
)
def test_a_seal_that_is_none_is_no_error(shelf, order, seal):
    given = order()
    made = install(given)["name"]
    (shelf.folder / made / "seal.json").write_text(seal)
    assert shelf.find(given["key"]) == ""


def test_one_that_cannot_be_looked_at_stays(shelf, order, monkeypatch):
    given = order()
    made = install(given)["name"]

    def fail(*_):
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr("slipway.workers.stage_code.shelf.changed_file", fail)
        assert shelf.find(given["key"]) == ""
    assert shelf.find(given["key"]) == made


def test_nothing_that_a_stage_left_for_uv_counts(shelf, order, monkeypatch, tmp_path):
    settings, kept = tmp_path / "home" / ".config" / "uv", tmp_path / "cache"
    settings.mkdir(parents=True)
    (settings / "uv.toml").write_text("no setting at all")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("UV_CACHE_DIR", str(kept))
    made = install(order())["name"]
    assert not kept.exists()
    inside = {one.name for one in (shelf.folder / made).iterdir()}
    assert inside == {"env", "ready.json", "seal.json", "wheels"}


def test_the_same_content_is_no_change(shelf, order):
    given = order()
    made = install(given)["name"]
    folder = in_env(shelf, made)
    text = (folder / "said.py").read_text()
    (folder / "said.py").unlink()
    (folder / "said.py").write_text(text)
    (folder / "__pycache__" / "said.cpython-311.opt-2.pyc").write_bytes(b"")
    assert [shelf.find(given["key"]) for _ in range(2)] == [made, made]


def test_without_an_index_it_says_what_to_do(order, shelf, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    given = order(requirements=["slipway-not-there==1"])
    with pytest.raises(MissingTool) as caught:
        install(given)
    assert "the package index cannot be reached" in str(caught.value)
    assert "UV_DEFAULT_INDEX" in str(caught.value)
    assert shelf.find(given["key"]) == ""


def test_the_three_last_used_are_kept(shelf, order):
    made = []
    for number in range(KEPT + 2):
        made.append(install(order(version=f"{number}.0"))["name"])
        long_ago = time.time() - IN_USE * (20 - number)
        os.utime(shelf.folder / made[-1] / "ready.json", (long_ago, long_ago))
    newest = install(order(version="99.0"))["name"]
    assert names(shelf) == sorted([newest, *made[-(KEPT - 1) :]])


def test_two_processes_make_one(shelf, order):
    given = json.dumps(order())
    both = [
        subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for one in both:
        one.stdin.write(given)
        one.stdin.close()
    answers = []
    for one in both:
        with one:
            answers.append(json.loads(one.stdout.read()))
    assert [one.returncode for one in both] == [0, 0]
    assert answers[0]["name"] == answers[1]["name"]
    assert names(shelf) == [answers[0]["name"]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_one_that_is_killed_leaves_nothing_that_is_used(shelf, order, monkeypatch, number):
    given = order(requirements=["slipway-not-there==1"])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        process = subprocess.Popen(
            PROGRAM,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "UV_DEFAULT_INDEX": index},
            text=True,
        )
        process.stdin.write(json.dumps(given))
        process.stdin.close()
        silent.settimeout(60)
        asked, _ = silent.accept()
        with asked, process:
            process.send_signal(number)
            process.wait(30)
    assert shelf.find(given["key"]) == ""
    [half] = names(shelf)
    good = order()
    wait_for(lambda: not running(half), str)
    made = install(good)["name"]
    assert names(shelf) == [made]
    assert said(shelf, made) == "9.9"


def running(word):
    words = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in words.splitlines() if word in line and "uv" in line]
