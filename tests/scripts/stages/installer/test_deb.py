"""Debian packages: what is in them, and how they are installed, upgraded and purged."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from slipway.model.errors import WrongInput
from slipway.scripts.stages.installer import run as installer
from tests.support.installers import EPOCH, HOSTILE, PNG, Recorder, frozen, installer_job

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("dpkg-deb") is None, reason="dpkg is Debian's own: it is on no other machine"
    ),
]

TRUE = Path("/usr/bin/true").resolve().read_bytes()
PYPROJECT = """
[project]
name = "shelf"
authors = [{ name = "Ann, <O'Neill>", email = "ann@example.org" }]
[project.gui-scripts]
shelf = "shelf:main"
"""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    (tmp_path / "project" / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "project" / "shelf.png").write_bytes(PNG)
    (tmp_path / "project" / "LICENCE").write_text("All of it is ours.\n")
    return tmp_path / "project"


def package(folder, version="1.4.0+7", files=(), tag="linux-x86_64", **keys) -> Path:
    content = {"shelf": TRUE, "tool": TRUE, "lib/libx.so.1": TRUE, **dict.fromkeys(files, b"x")}
    given = frozen(folder / version, tag, content)
    report = Recorder()
    keys = {"icon": "shelf.png", "licence": "LICENCE", **keys}
    installer.run(installer_job(folder / f"job {version}", [given], version, **keys), report)
    [path] = report.artefacts().values()
    return path


def field(path, name):
    words = ["dpkg-deb", "--field", str(path), name]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def unpacked(path, folder):
    subprocess.run(["dpkg-deb", "--raw-extract", path, folder], check=True)
    return folder


def test_fields(tmp_path):
    path = package(
        tmp_path,
        "1.4.0rc1+7",
        title="The Shelf",
        homepage="https://example.org/",
        description=f"Keeps {'many ' * 20}books",
        depends=["libgl1", "git (>= 1:2.30)"],
        section="editors",
    )
    assert path.name == "shelf_1.4.0~rc1+7_amd64.deb"
    assert field(path, "Package") == "shelf"
    assert field(path, "Version") == "1.4.0~rc1+7"
    assert field(path, "Architecture") == "amd64"
    assert field(path, "Maintainer") == "Ann   O'Neill <ann@example.org>"
    assert field(path, "Section") == "editors"
    assert field(path, "Homepage") == "https://example.org/"
    first, *others = field(path, "Description").splitlines()
    assert len(first) <= 80
    assert others[-1].strip() == f"Keeps {'many ' * 20}books"
    libc, *more = field(path, "Depends").split(", ")
    assert more == ["libgl1", "git (>= 1:2.30)"]
    # What /usr/bin/true itself needs, as Debian's own tools read it.
    assert libc.startswith("libc6 (>= 2.")


def test_files_modes_and_sums(tmp_path):
    before = os.umask(0o077)
    try:
        root = unpacked(package(tmp_path, files=HOSTILE), tmp_path / "root")
    finally:
        os.umask(before)
    installed = root / "usr" / "lib" / "shelf"
    assert {name for name in HOSTILE if not (installed / name).is_file()} == set()
    for path in root.rglob("*"):
        assert path.is_dir() or path.lstat().st_mtime == EPOCH
        if not path.is_symlink():
            wanted = 0o755 if path.is_dir() or path.parent == installed else 0o644
            assert path.stat().st_mode & 0o7777 == wanted, path
    for name in ("shelf", "tool"):
        assert str((root / "usr" / "bin" / name).readlink()) == f"../lib/shelf/{name}"
    sums = (root / "DEBIAN" / "md5sums").read_text("utf-8").splitlines()
    assert len(sums) == len({*HOSTILE}) + 3 + 4
    for line in sums:
        digest, name = line.split("  ", 1)
        assert hashlib.md5((root / name).read_bytes(), usedforsecurity=False).hexdigest() == digest
    assert not list((root / "DEBIAN").glob("conffiles"))
    assert "All of it is ours." in (root / "usr/share/doc/shelf/copyright").read_text()


def test_menu_and_icon(tmp_path):
    root = unpacked(package(tmp_path, title='The "Shelf" \\ $x'), tmp_path / "root")
    [entry] = (root / "usr" / "share" / "applications").iterdir()
    lines = entry.read_text().splitlines()
    assert entry.name == "shelf.shelf.desktop"
    assert 'Name=The "Shelf" \\\\ $x' in lines
    assert {'Exec="/usr/bin/shelf"', "Terminal=false", "Icon=shelf"} <= set(lines)
    icon = root / "usr/share/icons/hicolor/64x64/apps/shelf.png"
    assert icon.read_bytes() == PNG


def test_a_console_program_has_no_menu(tmp_path, project):
    (project / "pyproject.toml").write_text(PYPROJECT.partition("[project.gui")[0])
    root = unpacked(package(tmp_path), tmp_path / "root")
    assert not (root / "usr" / "share" / "applications").exists()
    assert not (root / "usr" / "share" / "icons").exists()


def test_a_program_that_is_named_has_a_terminal_where_it_is_a_script(tmp_path, project):
    scripts = PYPROJECT.replace("[project.gui-scripts]", "[project.scripts]")
    (project / "pyproject.toml").write_text(scripts)
    root = unpacked(package(tmp_path, programs=["shelf", "tool"]), tmp_path / "root")
    menu = root / "usr" / "share" / "applications"
    assert "Terminal=true" in (menu / "shelf.shelf.desktop").read_text().splitlines()
    assert "Terminal=false" in (menu / "shelf.tool.desktop").read_text().splitlines()


def test_an_address_to_write_to_is_needed(tmp_path, project):
    (project / "pyproject.toml").write_text('[project]\nname = "shelf"\n')
    with pytest.raises(WrongInput, match="names an address that its users write to"):
        package(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="dpkg installs for root alone")
def test_installed_started_upgraded_and_purged(tmp_path):
    root = tmp_path / "debian"
    admin = root / "var" / "lib" / "dpkg"
    for name in ("info", "updates", "triggers"):
        (admin / name).mkdir(parents=True)
    (admin / "status").touch()
    (admin / "available").touch()

    def dpkg(*words):
        # Nothing is in this Debian, not even the C library that the package depends on.
        options = [
            f"--root={root}",
            "--force-depends",
            "--force-script-chrootless",
            "--log=/dev/null",
        ]
        return subprocess.run(["dpkg", *options, *map(str, words)], check=True, capture_output=True)

    def files():
        found = (path.relative_to(root).as_posix() for path in root.rglob("*"))
        return {name for name in found if not name.startswith(("var/lib/dpkg", "var", "etc"))}

    def version():
        words = ["dpkg-query", f"--admindir={admin}", "-W", "-f", "${Version} ${Status}", "shelf"]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout

    old = package(tmp_path, "1.4.0+9", files=["lib/only-old.txt", *HOSTILE])
    new = package(tmp_path, "1.4.0+10", files=["lib/only-new.txt"])
    dpkg("-i", old)
    assert version() == "1.4.0+9 install ok installed"
    done = subprocess.run([root / "usr/bin/tool", "--version"], capture_output=True, check=True)
    assert b"true" in done.stdout
    assert "usr/lib/shelf/lib/only-old.txt" in files()
    dpkg("--refuse-downgrade", "-i", new)
    assert version() == "1.4.0+10 install ok installed"
    assert "usr/lib/shelf/lib/only-old.txt" not in files()
    assert "usr/lib/shelf/lib/only-new.txt" in files()
    dpkg("--purge", "shelf")
    assert version() == ""
    assert files() == set()
