"""The freeze stage: for real on tiny programs, and its smoke start on stand-ins."""

import io
import json
import os
import re
import shutil
import sys
import tarfile
import time
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import psutil
import pytest
import zstandard

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.event import ArtefactLeft
from slipway.scripts.archives.pack import pack_tree
from slipway.scripts.report import hash_file
from slipway.scripts.stages.freeze import smoke_test
from slipway.scripts.stages.freeze.guest import freeze as guest
from slipway.scripts.stages.freeze.normalise import normalise
from slipway.scripts.stages.freeze.run import _start as start_frozen
from slipway.scripts.stages.freeze.run import run
from slipway.scripts.stages.freeze.settings import make_settings
from slipway.scripts.stages.freeze.stage import FreezeStage

EPOCH = 1_700_000_000
posix = pytest.mark.skipif(os.name != "posix", reason="stands in with shell scripts")

DATABASE = """
import json, os, sys
import helper
from sqlalchemy import create_engine, literal, select
with create_engine("sqlite://").connect() as connection:
    assert connection.execute(select(literal(41) + 1)).scalar() == 42
print(json.dumps([sys.argv, sys.path, sorted(os.environ), os.getcwd(), helper.HERE, __file__]))
"""
PROGRAMS = {
    "requirements.txt": "sqlalchemy>=2.0.40\n",
    "tools/database.py": DATABASE,
    "tools/helper.py": "HERE = __file__\n",
    "broken.py": "import json\nimport nosuchmodule\n",
    "data/note.txt": "a note\n",
}


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """One project for all freezes, so that its environment is made once."""
    folder = tmp_path_factory.mktemp("programs")
    for name, text in PROGRAMS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def freeze(programs, make_job, recorder, monkeypatch):
    def start(script, **settings):
        monkeypatch.chdir(programs)
        run(make_job({"uses": "freeze", "script": script} | settings), recorder)
        return recorder

    return start


def members(path):
    with path.open("rb") as packed:
        content = zstandard.ZstdDecompressor().stream_reader(packed).read()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return tar.getmembers()


@pytest.mark.slow
def test_a_program_with_sqlalchemy_works_frozen_by_itself(freeze, programs, tmp_path):
    said = freeze("tools/database.py", name="my-app.2", include_files=["data:notes"])
    left = {one.role: one for one in said.of(ArtefactLeft)}
    assert left["product"].name.startswith("my-app.2-")
    assert left["product"].name.endswith(".tar.zst")
    found = members(Path(left["product"].path))
    names = [one.name for one in found]
    assert names == sorted(names)
    assert {one.mtime for one in found} == {EPOCH}
    assert {(one.uid, one.gid) for one in found} == {(0, 0)}
    assert "my-app.2/notes/note.txt" in names
    assert (tmp_path / "output" / "my-app.2" / "lib").is_dir()

    facts = json.loads(Path(left["report"].path).read_text())
    assert facts["cx_freeze"] == "8.7.3"
    assert facts["packages"]["SQLAlchemy"].startswith("2.")
    assert facts["files"] > 50
    argv, path, environ, cwd, helper, script = json.loads(facts["smoke"]["output"])
    assert argv[1:] == ["--version"]
    # Nothing of the machine's Python, of the build folder or of the project is in sight.
    for place in (*path, cwd, helper, script):
        assert not place.startswith((str(programs), sys.prefix, sys.base_prefix))
        assert str(tmp_path / "output") not in place
    assert set(environ) <= {"SSL_CERT_FILE", "SSL_CERT_DIR", *smoke_test.bare_environment()}
    assert said.closing.text.startswith("my-app.2 frozen: ")
    assert re.search(r", starts in \d+\.\d", said.closing.text)
    assert said.closing.facts["cx_freeze"] == "8.7.3"


@pytest.mark.slow
def test_a_program_that_dies_at_its_start(freeze, recorder):
    with pytest.raises(StageFailed) as caught:
        freeze("broken.py", smoke=["--help"], dialects=[])
    said = str(caught.value)
    assert (
        "was started as `almanac --help` in an empty environment and ended with exit code" in said
    )
    assert "No module named 'nosuchmodule'" in said
    assert "name the module in the stage's includes" in said
    assert recorder.of(ArtefactLeft) == []


@pytest.mark.slow
def test_wrong_settings_are_told_by_the_guest(freeze):
    with pytest.raises(WrongInput, match='packages: there is no module "nosuch" in the applicat'):
        freeze("broken.py", packages=["nosuch"])


@posix
def test_a_path_into_the_build_folder_does_not_help(tmp_path, recorder):
    tree = tmp_path / "app"
    tree.mkdir()
    (tree / "note").touch()
    (tree / "app").write_text(f"#!/bin/sh\nset -e\n: < {tree}/note\necho found\n")
    (tree / "app").chmod(0o755)
    pack_tree(tree, tmp_path / "app.tar.zst", epoch=0, level=3)
    stage = FreezeStage(uses="freeze", script="x.py")
    with pytest.raises(StageFailed, match=r"No such file|cannot open"):
        start_frozen(stage, tmp_path / "app.tar.zst", "app/app", tree, recorder)
    assert (tree / "note").exists()


def test_not_started_is_noticed(tmp_path, recorder):
    stage = FreezeStage(uses="freeze", script="x.py", smoke=None)
    assert start_frozen(stage, tmp_path / "x", "app/app", tmp_path / "app", recorder) is None
    assert recorder.notices == ["app was not started: the stage's smoke is off"]


def test_the_hour_of_freezing_leaves_no_trace(tmp_path):
    sums = []
    for hour in (1_000_000_000, 1_600_000_000):
        tree = tmp_path / str(hour)
        (tree / "lib" / "pkg" / "__pycache__").mkdir(parents=True)
        header = MAGIC_NUMBER + bytes(4) + hour.to_bytes(4, "little") + bytes(4)
        (tree / "lib" / "pkg" / "a.pyc").write_bytes(header + b"code")
        (tree / "lib" / "pkg" / "tiny.pyc").write_bytes(b"")
        with zipfile.ZipFile(tree / "lib" / "library.zip", "w", zipfile.ZIP_DEFLATED) as packed:
            for name in ("a.pyc", "b.pyc") if hour == 1_000_000_000 else ("b.pyc", "a.pyc"):
                packed.writestr(zipfile.ZipInfo(name, time.gmtime(hour)[:6]), header + b"code")
        normalise(tree, EPOCH)
        pack_tree(tree, tmp_path / "packed", epoch=EPOCH, level=3, root="app")
        sums.append(hash_file(tmp_path / "packed"))
    assert sums[0] == sums[1]
    with zipfile.ZipFile(tmp_path / "1000000000" / "lib" / "library.zip") as packed:
        assert packed.namelist() == ["a.pyc", "b.pyc"]
        assert packed.read("a.pyc")[16:] == b"code"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"script": "database.py"}, "script: database.py is no file in .*mean tools/database.py?"),
        ({"script": "tools/databaze.py"}, "did you mean tools/database.py?"),
        ({"script": "tools"}, "script: tools is no file"),
        ({"script": "broken.py", "icon": "x.ico"}, "icon: x.ico is no file"),
        ({"script": "broken.py", "include_files": ["nosuch:x"]}, "include-files: nosuch is not"),
        ({"script": "broken.py", "include_files": ["data:../x"]}, "leads out of the frozen"),
        ({"script": "broken.py", "include_files": ["data:/x"]}, "leads out of the frozen"),
    ],
)
def test_wrong_files(freeze, settings, said):
    with pytest.raises(WrongInput, match=said):
        freeze(**settings)


def test_a_script_finds_its_neighbours_but_a_package_stays_one(project):
    folder = project({"bin/run.py": "", "pkg/__init__.py": "", "pkg/__main__.py": "", "src/x": ""})

    def path(script):
        stage = FreezeStage(uses="freeze", script=script)
        return make_settings(folder, stage, "x", folder / "out")["path"]

    assert path("bin/run.py") == [str(folder), str(folder / "src"), str(folder / "bin")]
    assert path("pkg/__main__.py") == [str(folder), str(folder / "src")]


# The guest's own decisions, in this Python, which has SQLAlchemy and psycopg.


def test_dialects_are_those_whose_driver_is_here(monkeypatch):
    here = {"sqlalchemy", "psycopg", "psycopg_binary", "sqlalchemy.sql.default_comparator"}
    here |= {f"sqlalchemy.dialects.{name}" for name in guest.DRIVERS}
    monkeypatch.setattr(guest, "there", here.__contains__)
    assert guest.dialect_packages(None) == [
        "sqlalchemy.sql.default_comparator",
        "sqlalchemy.dialects.sqlite",
        "sqlalchemy.dialects.postgresql",
        "psycopg",
        "psycopg_binary",
    ]
    assert guest.dialect_packages(["sqlite+aiosqlite"])[1:] == ["sqlalchemy.dialects.sqlite"]
    with pytest.raises(guest.Wrong, match="mysql needs one of its drivers"):
        guest.dialect_packages(["mysql"])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"packages": [], "includes": ["json.nosuch"]}, 'includes: there is no module "json.nos'),
        ({"packages": ["json.tool.x"], "includes": []}, 'packages: there is no module "json.too'),
        ({"packages": ["no such!"], "includes": []}, 'packages: there is no module "no such!"'),
    ],
)
def test_modules_that_are_not_there(settings, said):
    guest.check_modules({"packages": ["json"], "includes": ["json.tool", "sys"]})
    with pytest.raises(guest.Wrong, match=said):
        guest.check_modules(settings)


def test_looking_for_a_module_imports_nothing(monkeypatch):
    monkeypatch.delitem(sys.modules, "wsgiref", raising=False)
    assert guest.there("wsgiref.util")
    assert "wsgiref" not in sys.modules


def test_an_unknown_dialect():
    with pytest.raises(guest.Wrong, match='SQLAlchemy has no dialect "sqlight" in this enviro'):
        guest.one_dialect("sqlight", strict=True)


def test_without_sqlalchemy_there_is_no_dialect(monkeypatch):
    monkeypatch.setattr(guest, "there", lambda _: False)
    assert guest.dialect_packages(None) == []
    with pytest.raises(guest.Wrong, match="SQLAlchemy is not in the application's environment"):
        guest.dialect_packages(["sqlite"])


def test_missing_modules_are_told_without_the_standard_librarys_own():
    found = {"winreg": {"platform"}, "x.y": {"app.z"}, "x": {"os"}, "_q": {"app.a", "b", "c", "d"}}
    assert guest.missing(found) == {"x": ["app"], "_q": ["app", "b", "c"]}


# The smoke start, on shell scripts that stand in for frozen programs.


@pytest.fixture
def start(tmp_path):
    def begin(text, timeout=20, mode=0o755, *, gui=False):
        tree = tmp_path / "tree"
        tree.mkdir()
        (tree / "app").write_text(text)
        (tree / "app").chmod(mode)
        pack_tree(tree, tmp_path / "app.tar.zst", epoch=0, level=3, root="app")
        lines = []
        packed = tmp_path / "app.tar.zst"
        return smoke_test.start(packed, "app/app", ["-v"], timeout, lines.append, gui=gui)

    return begin


@posix
def test_the_environment_is_empty_and_the_folder_another(start):
    done = start('#!/bin/sh\n/usr/bin/env\npwd\necho "$@"\n')
    lines = done.output.splitlines()
    assert lines[-1] == "-v"
    assert "slipway-smoke-" in lines[-2]
    assert not Path(lines[-2]).exists()
    assert not [line for line in lines if line.startswith(("PATH=", "HOME=", "VIRTUAL_ENV="))]


@posix
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("#!/bin/sh\necho one; echo two; exit 3\n", r"ended with exit code 3; it said: one \| two"),
        ("#!/bin/sh\nkill -SEGV $$\n", "died of SIGSEGV; it said: nothing"),
        ("#!/no/such/interpreter\n", "the frozen app does not start"),
        ("\x7fELF nonsense", "the frozen app does not start"),
        ("#!/bin/sh\necho NoSuchModuleError; exit 1", "name the dialect in the stage's dialects"),
        ("#!/bin/sh\necho No such file; exit 1", "name data files in include-files"),
        ("#!/bin/sh\necho relative import; exit 1", "imports its package by name"),
    ],
)
def test_what_does_not_start_says_why(start, text, said):
    with pytest.raises(StageFailed, match=said):
        start(text)


WINDOWED = """#!/bin/sh
test "$QT_QPA_PLATFORM" = offscreen || { echo "qt.qpa.xcb: could not connect to display"; exit 1; }
echo "display $DISPLAY"
"""


@posix
def test_a_windowed_program_draws_where_nobody_looks(start):
    assert start(WINDOWED, gui=True).output.startswith("display")


@posix
def test_without_gui_it_is_told_what_to_write(start):
    with pytest.raises(StageFailed, match=r"write gui = true for a program with windows"):
        start(WINDOWED)


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="no Xvfb here: apt install xvfb")
def test_a_program_that_is_not_qt_gets_a_display_of_its_own(start):
    """Asked by a program that speaks X: the greeting of its protocol, and the server's answer."""
    code = """
import os, socket, struct
number = os.environ["DISPLAY"].lstrip(":")
link = socket.socket(socket.AF_UNIX)
link.connect("/tmp/.X11-unix/X" + number)
link.sendall(struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0))
print("answer", link.recv(1)[0], "pid", os.getpid())
"""
    done = start(f"#!{sys.executable}\n{code}", gui=True)
    assert done.output.startswith("answer 1 ")
    left = [one for one in psutil.process_iter(["name", "ppid"]) if one.info["name"] == "Xvfb"]
    assert not [one for one in left if one.info["ppid"] == os.getpid()]


@posix
def test_what_may_not_be_executed(start):
    with pytest.raises(StageFailed, match=r"the frozen app does not start: .*may not be run"):
        start("#!/bin/sh\n", mode=0o644)


@pytest.mark.slow
@posix
def test_what_does_not_end_is_stopped(start):
    with pytest.raises(StageFailed, match=r"the frozen app did not end within .*was stopped"):
        start("#!/bin/sh\necho waiting\nexec /bin/sleep 60\n", timeout=0.5)
