"""`slipway stage installer`: which installers are made of what, and what is refused."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.model.kinds.stage import STAGES
from slipway.model.protocol.job import Input
from slipway.scripts.stage import do
from slipway.scripts.stages.archive import run as archive
from slipway.scripts.stages.installer import run as installer
from slipway.scripts.stages.publish import run as publish
from tests.support.installers import (
    EPOCH,
    HOSTILE,
    ICO,
    PNG,
    Recorder,
    frozen,
    installer_job,
    pe,
)

pytestmark = pytest.mark.slow

TITLE = 'The "Shelf" & ${NSISDIR} $(env.PATH) <x> 100%'
PYPROJECT = """
[project]
name = "shelf"
description = "Keeps\\nbooks \\u0007 ${NSISDIR}"
license = "MIT"
authors = [{ name = "Ann O'Neill", email = "ann@example.org" }]
[project.urls]
Source = "https://example.org/source"
Homepage = "https://example.org/"
[project.gui-scripts]
shelf = "shelf:main"
"""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    (tmp_path / "project" / "pyproject.toml").write_text(PYPROJECT)
    return tmp_path / "project"


def needs(*programs):
    for program, package in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on this machine; apt install {package}")


NSIS = ("makensis", "nsis")
MSI = (("wixl", "wixl"), ("msibuild", "msitools"), ("msiinfo", "msitools"))
DEB = ("dpkg-deb", "dpkg")


def windows(folder: Path, more=(), **keys):
    files = {"shelf.exe": pe(windowed=True), "tool.exe": pe(), "lib/a.txt": b"a"}
    return frozen(folder, "win-amd64", files | dict.fromkeys(more, b"x"), **keys)


def linux(folder: Path, more=(), **keys):
    elf = Path("/usr/bin/true").resolve().read_bytes()
    files = {"shelf": elf, "tool": elf, "libx.so.1": elf, "lib/a.txt": b"a"}
    return frozen(folder, "linux-x86_64", files | dict.fromkeys(more, b"x"), **keys)


def made(job) -> dict[str, Path]:
    report = Recorder()
    installer.run(job, report)
    return report.artefacts()


def test_each_system_gets_its_installer(tmp_path):
    needs(NSIS, DEB)
    report = Recorder()
    job = installer_job(tmp_path / "j", [linux(tmp_path), windows(tmp_path)])
    installer.run(job, report)
    names = ["shelf_1.4.0+7_amd64.deb", "shelf-1.4.0+7-win-amd64-setup.exe"]
    assert list(report.artefacts()) == names
    assert [one["name"] for one in report.facts()["installers"]] == names
    assert sorted(path.name for path in Path(job.output).iterdir()) == sorted(names)


def test_same_input_same_bytes(tmp_path, monkeypatch):
    needs(NSIS, *MSI, DEB)
    keys = {"formats": ["nsis", "msi", "deb"], "title": TITLE, "path": True, "desktop": True}
    first = made(
        installer_job(
            tmp_path / "a", [windows(tmp_path, HOSTILE), linux(tmp_path, HOSTILE)], **keys
        )
    )
    before = os.umask(0o077)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("DPKG_DEB_COMPRESSOR_TYPE", "gzip")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".nsisconf.nsh").write_text("!system 'touch /tmp/slipway-was-here'\nName other\n")
    try:
        second = made(
            installer_job(
                tmp_path / "elsewhere" / "b",
                [windows(tmp_path, HOSTILE), linux(tmp_path, HOSTILE)],
                **keys,
            )
        )
    finally:
        os.umask(before)
    assert list(first) == list(second)
    assert len(first) == 3
    for name, path in first.items():
        assert path.read_bytes() == second[name].read_bytes(), name


def test_a_signed_tree_is_taken_like_a_frozen_one(tmp_path):
    needs(DEB)
    job = installer_job(tmp_path / "j", [linux(tmp_path, stage="sign")])
    assert list(made(job)) == ["shelf_1.4.0+7_amd64.deb"]


def test_nothing_of_a_commit_runs_or_is_read_when_it_is_made(tmp_path, project):
    needs(NSIS, *MSI)
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    mark = Path(tempfile.mkdtemp()) / "x"
    title = f'"$\\r!system "touch {mark}"'
    publisher = f"-q ${{U+0A}} !execute '/bin/touch {mark}' $%HOME%"
    description = f'a" Comments="$(env.PATH)" /> <?include {secret}?> `touch {mark}`'
    (project / "LICENCE").write_text(f"${{NSISDIR}}\n!include {secret}\n")
    hostile = [f"lib/!system touch {str(mark).replace('/', '_')}", *HOSTILE]
    given = windows(tmp_path, hostile)
    keys = {"title": title, "publisher": publisher, "description": description}
    keys |= {"licence": "LICENCE", "formats": ["nsis", "msi"]}
    nsis, msi = made(installer_job(tmp_path / "j", [given], **keys)).values()
    assert not mark.exists()
    mark.parent.rmdir()
    content = nsis.read_bytes()
    for text in (title, publisher, description):
        assert text.encode("utf-16-le") in content
    told = subprocess.run(
        ["msiinfo", "export", msi, "Property"], capture_output=True, text=True, check=True
    ).stdout
    rows = dict(line.split("\t", 1) for line in told.splitlines() if "\t" in line)
    assert (rows["ProductName"], rows["Manufacturer"]) == (title, publisher)
    assert rows["ARPCOMMENTS"] == description
    assert b"the secret" not in content + msi.read_bytes()
    packed = subprocess.run(
        ["msiextract", "-l", msi], capture_output=True, text=True, check=True
    ).stdout
    assert set(hostile) <= {line.partition("shelf/")[2] for line in packed.splitlines()}


def test_what_the_installer_says_of_itself(tmp_path, project):
    needs(NSIS)
    (project / "shelf.ico").write_bytes(ICO)
    job = installer_job(tmp_path / "j", [windows(tmp_path)], icon="shelf.ico", title="The Shelf")
    [path] = made(job).values()
    content = path.read_bytes()
    for text in ("The Shelf Setup", "Ann O'Neill", "1.4.0+7", "Keeps books ${NSISDIR}"):
        assert text.encode("utf-16-le") in content, text
    assert ICO[22:] in content


def test_programs_in_menus(tmp_path):
    needs(*MSI)

    def shortcuts(name, **keys):
        job = installer_job(tmp_path / name, [windows(tmp_path)], formats=["msi"], **keys)
        [path] = made(job).values()
        words = ["msiinfo", "export", path, "Shortcut"]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        return [(row.split("\t")[1], row.split("\t")[2]) for row in told.splitlines()[3:]]

    menu = "ProgramMenuFolder"
    assert shortcuts("a", title="The Shelf") == [(menu, "The Shelf")]
    assert shortcuts("b", programs=["tool", "shelf"]) == [(menu, "tool"), (menu, "shelf")]
    assert shortcuts("c", programs=["tool"], desktop=True) == [
        (menu, "shelf"),
        ("DesktopFolder", "shelf"),
    ]
    with pytest.raises(WrongInput, match='there is no executable "nose"; there are shelf, tool'):
        shortcuts("d", programs=["nose"])


def test_a_failed_stage_leaves_nothing(tmp_path):
    job = installer_job(tmp_path / "j", [linux(tmp_path), windows(tmp_path, ["lib/A.txt"])])
    report = Recorder()
    assert do(job, report) == 1
    assert report.artefacts() == {}
    assert not list(Path(job.output).glob(".*"))


@pytest.mark.parametrize(
    ("formats", "tags", "said"),
    [
        (["deb"], ["win-amd64"], r'frozen on Windows: write "nsis" or "msi" into formats'),
        (["nsis"], ["linux-x86_64"], r'frozen on Linux: write "deb" into formats'),
        (["deb", "msi"], ["linux-x86_64"], r'"msi" takes what was frozen on Windows, and stage'),
        (None, ["macosx-11.0-arm64"], r"none of the formats is for it"),
        (None, [], r"nothing to make an installer of: no frozen program came from freeze"),
    ],
)
def test_a_format_without_a_tree_and_a_tree_without_a_format(tmp_path, formats, tags, said):
    given = [frozen(tmp_path, tag, {"shelf": b"", "lib/a": b""}) for tag in tags]
    keys = {"formats": formats} if formats else {}
    with pytest.raises(StageFailed, match=said):
        installer.run(installer_job(tmp_path / "j", given, **keys), Recorder())


def test_two_programs_of_one_platform_are_refused(tmp_path):
    given = [linux(tmp_path), linux(tmp_path, program="other")]
    with pytest.raises(
        StageFailed, match=r"are both of linux-x86_64; give each an installer stage"
    ):
        installer.run(installer_job(tmp_path / "j", given), Recorder())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lib/con.txt", "is a device on Windows"),
        ("lib/a:b", "holds :"),
        ("lib/what?", r"holds \?"),
        ("lib/dot.", "ends with a dot or a space"),
        ("lib/A.TXT", "on Windows it is the same as"),
        (f"{'d' * 100}/{'e' * 100}", "its path has 201 letters, "),
        ("uninstall.exe", "which the installer makes itself"),
        ("$(calc).exe", "its name may hold letters"),
    ],
)
def test_names_that_windows_does_not_have_are_refused(tmp_path, name, said):
    needs(NSIS)
    with pytest.raises(StageFailed, match=said):
        installer.run(installer_job(tmp_path / "j", [windows(tmp_path, [name])]), Recorder())


def test_a_tree_without_a_program_is_refused(tmp_path):
    given = frozen(tmp_path, "win-amd64", {"lib/a.txt": b"", "readme.txt": b""})
    with pytest.raises(StageFailed, match="holds no executable beside its libraries"):
        installer.run(installer_job(tmp_path / "j", [given]), Recorder())


@pytest.mark.parametrize(
    ("formats", "package"),
    [(["nsis"], "nsis"), (["msi"], "wixl"), (["deb"], "dpkg")],
)
def test_a_tool_that_is_missing_is_told(tmp_path, monkeypatch, formats, package):
    monkeypatch.setenv("PATH", str(tmp_path))
    given = linux(tmp_path) if formats == ["deb"] else windows(tmp_path)
    with pytest.raises(MissingTool, match=f"is not on this machine; .*apt-get install {package}"):
        installer.run(installer_job(tmp_path / "j", [given], formats=formats), Recorder())


def test_a_version_that_msi_cannot_number_is_told(tmp_path):
    needs(*MSI)
    job = installer_job(tmp_path / "j", [windows(tmp_path)], "2026.11.3+7", formats=["msi"])
    with pytest.raises(WrongInput, match=r"26\.11\.3 instead of 2026\.11\.3"):
        installer.run(job, Recorder())


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"icon": "none.ico"}, "icon: none.ico is no file of the project"),
        ({"icon": "../secret.ico"}, "leads out of the project"),
        ({"icon": "link.ico"}, "leads out of the project"),
        ({"icon": "shelf.svg"}, r"neither an .ico \(for Windows\) nor a .png"),
        ({"icon": "wrong.ico"}, "is no ICO file"),
        ({"icon": "wide.png"}, "has 64 x 32 pixels; menus show square ones"),
        ({"licence": "wrong.ico/x"}, "is no file of the project"),
        ({"licence": "latin"}, "is no text in UTF-8, at byte 1"),
        ({"licence": "rich"}, "is no plain text"),
    ],
)
def test_files_that_are_not_what_they_should_be(tmp_path, project, keys, said):
    (tmp_path / "secret.ico").write_bytes(ICO)
    (project / "link.ico").symlink_to(tmp_path / "secret.ico")
    (project / "shelf.svg").write_text("<svg/>")
    (project / "wrong.ico").write_bytes(PNG)
    (project / "wide.png").write_bytes(PNG[:20] + (32).to_bytes(4, "big") + PNG[24:])
    (project / "latin").write_bytes(b"S\xf6hne")
    (project / "rich").write_text("{\\rtf1 hello}")
    with pytest.raises(WrongInput, match=said):
        installer.run(installer_job(tmp_path / "j", [windows(tmp_path)], **keys), Recorder())


@pytest.mark.parametrize(
    "keys",
    [
        {"title": "two\nlines"},
        {"title": ""},
        {"title": "x" * 81},
        {"title": " blank"},
        {"publisher": "a\0b"},
        {"description": "a\rPackage: b"},
        {"homepage": "javascript:alert(1)"},
        {"homepage": "https://example.org/ x"},
        {"email": "ann@example.org>\nX: y"},
        {"name": "../shelf"},
        {"name": "a b"},
        {"depends": ["libc6\nX: y"]},
        {"depends": ["libc6, other"]},
        {"section": "misc\n"},
        {"upgrade-code": "1234"},
        {"formats": []},
        {"formats": ["rpm"]},
        {"scope": "all"},
        {"secrets": {"A": {"env": "A"}}},
    ],
)
def test_keys_that_are_refused(keys):
    adapter = TypeAdapter(STAGES.members["installer"])
    with pytest.raises(ValidationError):
        adapter.validate_python({"uses": "installer", **keys})


def test_the_stage_runs_as_a_job(tmp_path):
    needs(DEB)
    job = installer_job(tmp_path / "j", [linux(tmp_path)])
    file = tmp_path / "job.json"
    file.write_text(job.model_dump_json(by_alias=True))
    assert json.loads(file.read_text())["run"]["committed_at"] == EPOCH
    report = Recorder()
    assert do(job, report) == 0
    assert list(report.artefacts()) == ["shelf_1.4.0+7_amd64.deb"]


def test_archive_and_publish_take_installers_like_any_product(tmp_path):
    needs(DEB)
    [path] = made(installer_job(tmp_path / "j", [linux(tmp_path)])).values()
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    facts = {"name": path.name, "path": str(path), "sha256": digest, "size": len(data)}
    given = Input(stage="installers", uses="installer", **facts)
    for uses, script in (("archive", archive.run), ("publish", publish.run)):
        job = installer_job(tmp_path / uses, [given])
        kind = STAGES.members[uses]
        stage = kind.model_validate({"uses": uses, "needs": ["installers"]})
        script(job.model_copy(update={"stage": stage}), report := Recorder())
        assert report.artefacts()
    [published] = (tmp_path / "publish" / "state" / "releases").rglob("*.deb")
    assert published.read_bytes() == data


def test_windows_of_32_bits_and_on_arm(tmp_path):
    needs(NSIS, *MSI)
    files = {"shelf.exe": pe(), "lib/a.txt": b"a"}
    old = frozen(tmp_path / "old", "win32", files)
    formats = {"formats": ["nsis", "msi"], "path": True}
    nsis, msi = made(installer_job(tmp_path / "j", [old], **formats)).values()
    assert (nsis.name, msi.name) == ("shelf-1.4.0+7-win32-setup.exe", "shelf-1.4.0+7-win32.msi")
    words = ["msiinfo", "suminfo", msi]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "Template: Intel;1033" in told
    arm = frozen(tmp_path / "arm", "win-arm64", files)
    for one, said in (
        ("nsis", "NSIS makes no installer for"),
        ("msi", "no MSI package is made for"),
    ):
        with pytest.raises(StageFailed, match=f"{said} win-arm64"):
            installer.run(installer_job(tmp_path / one, [arm], formats=[one]), Recorder())


@pytest.mark.parametrize(
    ("scope", "level"),
    [
        ("user", "asInvoker"),
        ("machine", "requireAdministrator"),
        ("ask", "highestAvailable"),
    ],
)
def test_only_what_is_for_all_users_asks_for_an_administrator(tmp_path, scope, level):
    needs(NSIS)
    keys = {"scope": scope, "path": True, "formats": ["nsis"]}
    report = Recorder()
    installer.run(installer_job(tmp_path / "j", [windows(tmp_path)], **keys), report)
    [path] = report.artefacts().values()
    assert f'requestedExecutionLevel level="{level}"'.encode() in path.read_bytes()
    assert "warning" not in "".join(report.lines).lower()
