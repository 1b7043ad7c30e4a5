"""The freeze stage: for real on tiny programs, and its smoke start on stand-ins."""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest
import zstandard

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.event import ArtefactLeft
from slipway.scripts.archives.pack import pack_tree
from slipway.scripts.report import hash_file
from slipway.scripts.stages.freeze.clean_room.environment import bare_environment
from slipway.scripts.stages.freeze.normalise import normalise
from slipway.scripts.stages.freeze.programs import resolve_programs
from slipway.scripts.stages.freeze.run import run, start_frozen
from slipway.scripts.stages.freeze.settings import make_settings
from slipway.scripts.stages.freeze.smoke_runs import Start, words_of
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
    "clock.py": "print(len(open('/usr/share/zoneinfo/UTC', 'rb').read()))\n",
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
    archive, bill, page, facts = said.of(ArtefactLeft)
    assert [one.role for one in (archive, bill, page, facts)] == [*["product"] * 2, *["report"] * 2]
    assert archive.name.startswith("my-app.2-")
    stem = archive.name.removesuffix(".tar.zst")
    assert [bill.name, page.name] == [f"{stem}.cdx.json", f"{stem}-freeze.html"]
    found = members(Path(archive.path))
    names = [one.name for one in found]
    assert names == sorted(names)
    assert {one.mtime for one in found} == {EPOCH}
    assert {(one.uid, one.gid) for one in found} == {(0, 0)}
    assert "my-app.2/notes/note.txt" in names
    assert (tmp_path / "output" / "my-app.2" / "lib").is_dir()

    facts = json.loads(Path(facts.path).read_text())
    assert facts["cx_freeze"] == "8.7.3"
    assert facts["packages"]["SQLAlchemy"].startswith("2.")
    assert facts["files"] > 50
    assert [one["arguments"] for one in facts["smoke"]] == [["--help"], ["--version"]]
    argv, path, environ, cwd, helper, script = json.loads(facts["smoke"][1]["output"])
    assert argv[1:] == ["--version"]
    # What checks the imports is not left.
    assert not [name for name in names if "check" in name and "import" in name]
    with zipfile.ZipFile(tmp_path / "output" / "my-app.2" / "lib" / "library.zip") as packed:
        assert not [name for name in packed.namelist() if "slipway" in name]
    assert not (tmp_path / "output" / ".freezing").exists()
    # Nothing of the machine's Python, of the build folder or of the project is in sight.
    for place in (*path, cwd, helper, script):
        assert not place.startswith((str(programs), sys.prefix, sys.base_prefix))
        assert str(tmp_path / "output") not in place
    # bubblewrap sets PWD.
    assert set(environ) <= {"PWD", "SSL_CERT_FILE", "SSL_CERT_DIR", *bare_environment()}
    assert said.closing.text.startswith("my-app.2 frozen: ")
    assert re.search(r", starts in \d+\.\d", said.closing.text)
    assert said.closing.facts["cx_freeze"] == "8.7.3"
    assert said.closing.facts["room"] in {"clean room (bubblewrap)", "empty environment"}


@pytest.mark.slow
def test_a_program_that_dies_at_its_start(freeze, recorder):
    with pytest.raises(StageFailed) as caught:
        freeze("broken.py", smoke=["--help"], dialects=[], learn=False, clean_room=False)
    said = str(caught.value)
    assert "was started as `almanac --help` in an empty environment and ended with exit" in said
    assert "No module named 'nosuchmodule'" in said
    assert "name the module in the stage's includes" in said
    assert recorder.of(ArtefactLeft) == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/usr/share/zoneinfo/UTC").exists(), reason="no time zones here")
def test_what_only_this_machine_has_is_told(freeze, bubblewrap, recorder):
    """Unfrozen it works, and frozen it would, here; a customer's machine may have no time zones."""
    assert bubblewrap
    with pytest.raises(StageFailed) as caught:
        freeze("clock.py", dialects=[])
    said = str(caught.value)
    assert "was started as `almanac --help` in a clean room and ended with exit code 255" in said
    assert "; in the clean room /usr/share/zoneinfo is not there; add tzdata to the depen" in said
    assert said.endswith(
        "outside of the room, where this machine's files are, it ends as it has to"
    )
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
    packed, asked = tmp_path / "app.tar.zst", [Start("app", ())]
    with pytest.raises(StageFailed, match=r"No such file|cannot open"):
        start_frozen(stage, asked, {"app": "app/app"}, packed, tree, recorder)
    assert (tree / "note").exists()


@posix
def test_what_it_says_no_more_is_warned_of(tmp_path, recorder):
    tree = tmp_path / "app"
    tree.mkdir()
    (tree / "app").write_text("#!/bin/sh\necho usage: app show\necho /opt/app/lib\n")
    (tree / "app").chmod(0o755)
    packed = tmp_path / "app.tar.zst"
    pack_tree(tree, packed, epoch=0, level=3)
    stage = FreezeStage(uses="freeze", script="x.py")
    said = "Usage: app.py show|greet|12:30\n  /home/ann/project/lib  greet-loud\n"
    asked = [Start("app", ("--help",), as_unfrozen=True, words=words_of(said))]
    start_frozen(stage, asked, {"app": "app/app"}, packed, tree, recorder)
    assert len(recorder.notices) == 1
    assert recorder.notices[0].startswith(
        "`app --help` says less than unfrozen: greet, greet-loud; what it loads by name"
    )
    same = [Start("app", ("--help",), as_unfrozen=True, words=words_of("app show usage"))]
    start_frozen(stage, same, {"app": "app/app"}, packed, tree, recorder)
    assert len(recorder.notices) == 1


def test_not_started_is_noticed(tmp_path, recorder):
    stage = FreezeStage(uses="freeze", script="x.py", smoke=False)
    places = (tmp_path / "x", tmp_path / "app")
    assert start_frozen(stage, [], {"app": "app/app"}, *places, recorder) == []
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
        programs = resolve_programs(folder, stage, "x")
        settings = make_settings(folder, stage, programs, folder / "out")
        return settings["beside"], settings["path"]

    roots = [str(folder), str(folder / "src")]
    assert path("bin/run.py") == ([str(folder / "bin")], roots)
    assert path("pkg/__main__.py") == ([], roots)


SHOP = {
    "pyproject.toml": (
        '[project]\nname = "shop"\nversion = "2.0"\n[project.scripts]\nshop = "shop.app:main"\n'
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    ),
    "shop/__init__.py": "",
    "shop/app.py": (
        "from importlib.metadata import version\nfrom pathlib import Path\n\n\ndef main():\n"
        "    found = sorted(one.stem for one in (Path(__file__).parent / 'plugs').glob('*.py'))\n"
        "    print(version('shop'), found)\n"
    ),
    "shop/plugs/one.py": "",
    "shop/sql/first.sql": "select 1",
    "shop/.env": "PASSWORD=hunter2",
    "shop/.idea/x.xml": "",
    "shop/app.py~": "",
    "shop/conftest.py": "",
    "shop/deep/__init__.py": "",
    "shop/deep/tests/__init__.py": "",
    "shop/deep/tests/keys.json": "{}",
    "calendar.py": "raise SystemExit('not the standard library')",
    "tests/test_app.py": (
        "import calendar, os\nfrom pathlib import Path\n\n\ndef test_it():\n"
        "    Path('shop/left_by_tests.json').write_text('')\n    os.unlink('README.md')\n"
        "    os._exit(7)\n"
    ),
    "README.md": "shop",
}


@pytest.mark.slow
def test_a_package_is_taken_whole_but_for_what_is_private(
    project, make_job, recorder, tmp_path, tmp_path_factory
):
    secret = tmp_path_factory.mktemp("home") / "id_rsa"
    secret.write_text("PRIVATE")
    folder = project(SHOP)
    (folder / "shop" / "key").symlink_to(secret)
    run(make_job({"uses": "freeze"}), recorder)
    archive, *_ = recorder.of(ArtefactLeft)
    names = {name.partition("/")[2] for name in (one.name for one in members(Path(archive.path)))}
    inside = {name for name in names if name.startswith("lib/shop/")}
    assert {"lib/shop/app.pyc", "lib/shop/plugs/one.py", "lib/shop/sql/first.sql"} <= inside
    private = ("/.", "~", "/key", "conftest", "/tests", "left_by_tests")
    assert not [name for name in inside if any(part in name for part in private)]
    # The tests ran in a copy, and their end was told.
    assert (folder / "README.md").exists()
    assert not (folder / "shop" / "left_by_tests.json").exists()
    told = [one for one in recorder.notices if "was not learned to the end" in one]
    assert ["pytest ended with 7" in one for one in told] == [True]
    # What is always taken is not told.
    assert "added by themselves" not in "".join(recorder.lines)
    facts = json.loads((tmp_path / "output" / "freeze.json").read_text())
    assert facts["smoke"][0]["output"].strip() == "2.0 ['one']"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"entry": "nosuch.mod:main"}, 'entry: there is no module "nosuch.mod"'),
        ({"entry": "shop.app:main", "excludes": ["shop"]}, "excludes: shop is what the program"),
        (
            {"entry": "shop.app:main", "metadata": ["nosuch"]},
            'metadata: there is no distribution "',
        ),
        ({"entry": "shop.app:main", "include_files": ["README.md:lib"]}, "what cx_Freeze itself"),
        ({"entry": "shop.app:main", "include_files": ["README.md:Almanac"]}, "what cx_Freeze itse"),
        ({"entry": "shop.app:main", "include_files": ["/etc/passwd"]}, "leads out of"),
        ({"entry": "shop.app:main", "name": "lib"}, 'name: "lib" is a folder beside'),
    ],
)
@pytest.mark.slow
def test_wrong_settings_are_one_sentence(project, make_job, recorder, settings, said):
    project({"shop/__init__.py": "", "shop/app.py": "def main(): pass\n", "README.md": ""})
    with pytest.raises(WrongInput, match=said) as caught:
        run(make_job({"uses": "freeze", "smoke": False} | settings), recorder)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="cx_Freeze asks ldd on Linux alone")
def test_a_folder_that_cx_freeze_cuts(tmp_path, make_job, recorder, monkeypatch):
    (tmp_path / "My App (v2)").mkdir()
    monkeypatch.chdir(tmp_path / "My App (v2)")
    with pytest.raises(WrongInput, match=r"with a \( in its name"):
        run(make_job({"uses": "freeze", "script": "x.py"}), recorder)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there is no SIGTERM elsewhere")
def test_a_stage_that_is_stopped_does_not_go_on(project, make_job, tmp_path):
    """A program that serves for ever is started unfrozen, and stopped there by a time limit."""
    folder = project({"serve.py": "import time\nprint('serving', flush=True)\ntime.sleep(600)\n"})
    job = tmp_path / "job.json"
    job.write_text(
        make_job({"uses": "freeze", "script": "serve.py"}).model_dump_json(by_alias=True)
    )
    words = [sys.executable, "-m", "slipway.cli", "stage", "freeze", "--settings", str(job)]
    with subprocess.Popen(
        words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            if "serving" in line:
                break
        process.terminate()
        left = process.stdout.read()
    assert process.returncode == 1
    assert "stopped from outside (SIGTERM)" in left
    assert "freezing" not in left
