"""Installers on Windows: installed, started, upgraded, refused, and removed without a trace."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from slipway.scripts.stages.installer.run import run as make
from slipway.scripts.stages.installer.tree import unpack_tree
from tests.support.installers import HOSTILE, ICO, Recorder, frozen, installer_job
from tests.support.machine import wait_for

from .wine import Windows, find_wine

pytestmark = [pytest.mark.windows, pytest.mark.timeout(900)]

_MINGW = "x86_64-w64-mingw32-gcc"
_PROGRAM = """
#include <stdio.h>
int main(int count, char **words) {
    puts(VERSION);
    fflush(stdout);
    return count > 1 ? getchar() * 0 : 0;
}
"""
TITLE = 'The "Shelf" & ${NSISDIR} $(env.PATH) [ProductCode] 100%'
PUBLISHER = "O'Neill & Söhne $%HOME% <x>"
#: What a title becomes where it names a file.
LINK = TITLE.replace('"', "_")
_UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall"
#: Of Windows Installer, as far as Linux sees it: a launch condition failed (1603).
_REFUSED = 1603 & 0xFF


@dataclass(frozen=True)
class Computer(Windows):
    """A fresh Windows without anything on it."""

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables of Wine: here without its own copies of start-menu entries."""
        overrides = "mscoree,mshtml=;winemenubuilder.exe=d"
        return super().environment({"WINEDLLOVERRIDES": overrides, **(more or {})})

    def values(self, key: str) -> str:
        """Return a registry key with all below it, sorted; empty if it is not there."""
        # Not what `reg query` prints: that is in the code page of a console.
        file = self.disk / "key.reg"
        file.unlink(missing_ok=True)
        self.run("reg", "export", key, r"C:\key.reg", "/y")
        text = file.read_text("utf-16") if file.exists() else ""
        file.unlink(missing_ok=True)
        return "\n".join(sorted(text.replace(",\\\n  ", ",").splitlines()))

    def value(self, key: str, name: str) -> str:
        """Return one value of a registry key or of one below it; empty if there is none."""
        found = re.search(rf'(?im)^"{name}"=(.*)$', self.values(key))
        if found is None:
            return ""
        if packed := re.fullmatch(r"hex\(2\):(.*)", found[1]):
            return bytes.fromhex(packed[1].replace(",", "")).decode("utf-16-le").rstrip("\0")
        return re.sub(r"\\(.)", r"\1", found[1][1:-1])

    def links(self) -> list[str]:
        """Return the shortcuts in start menus and on desktops, each with its folder."""
        # A desktop is a link out of the disk, which rglob does not follow.
        desktop = {path.resolve() for path in (self.disk / "users").glob("*/Desktop/*.lnk")}
        found = {path.resolve() for path in self.disk.rglob("*.lnk")} | desktop
        return sorted(
            f"{'Desktop' if path in desktop else path.parent.name}/{path.name}" for path in found
        )

    def state(self) -> set[str]:
        """Return all that a program could leave: files, registry."""
        places = ("Program Files", "Program Files (x86)", "ProgramData", "users")
        files = sorted(
            str(path.relative_to(self.disk))
            for place in places
            for path in (self.disk / place).rglob("*")
            if "Temp" not in path.parts and "Installer" not in path.parts
        )
        files += self.links()
        keys = (r"HKCU\Software", rf"HKLM\{_UNINSTALL}", r"HKLM\Software\Classes\Installer")
        lines = {line for key in keys for line in self.values(key).splitlines()}
        # Wine's own, keys that Windows Installer keeps its products in, and its semicolons.
        lines = {line for line in lines if _ITS_OWN.search(line) is None}
        paths = (self.value(_environment(root), "PATH") for root in ("HKCU", "HKLM"))
        return {*files, *lines, *(f"PATH {path.strip(';')}" for path in paths)}


_ITS_OWN = re.compile(
    r"\\Software\\Wine|\\Installer(?:\\(?:Features|Products|UpgradeCodes))?\]$", re.IGNORECASE
)
_PATH = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment"


@pytest.fixture(scope="module")
def computer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Computer]:
    """Windows without anything on it, or skip."""
    for program, package in (("makensis", "nsis"), ("wixl", "wixl"), ("msibuild", "msitools")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on this machine; apt install {package}")
    if not find_wine() or not shutil.which(_MINGW):
        pytest.skip("Wine is not on this machine; apt install wine64 gcc-mingw-w64-x86-64-win32")
    found = Computer(tmp_path_factory.mktemp("windows") / "prefix")
    found.run("wineboot", "-i")
    found.run("winecfg", "-v", "win10")
    # Each Windows has it.
    found.run("reg", "add", rf"HKCU\{_UNINSTALL}", "/f")
    try:
        yield found
    finally:
        found.end()


@dataclass(frozen=True)
class Installers:
    """Two versions of a product, and what is in them."""

    nsis: dict[str, str]
    msi: dict[str, str]


#: Of each version, beside its executables.
FILES = {
    "1.4.0+7": {"lib/only-old.txt": b"", "lib/same.txt": b"7", "old/deep/er.txt": b""},
    "1.4.0+8": {"lib/only-new.txt": b"", "lib/same.txt": b"8", "empty/": b""},
}
OLD, NEW = FILES


def build(folder: Path, **stage: object) -> Installers:
    """Make both versions' installers."""
    made: dict[str, dict[str, str]] = {"-setup.exe": {}, ".msi": {}}
    folder.mkdir(exist_ok=True)
    (folder / "icon.ico").write_bytes(ICO)
    (folder / "LICENCE").write_text("All of it is ours: ${NSISDIR} ż\n", "utf-8")
    for version, files in FILES.items():
        hostile = dict.fromkeys(HOSTILE, b"hostile")
        programs = {
            "shelf.exe": program(folder, version, "-mwindows"),
            "tool.exe": program(folder, version),
        }
        given = frozen(folder / version, "win-amd64", {**programs, **files, **hostile})
        report = Recorder()
        keys = {"title": TITLE, "publisher": PUBLISHER, "icon": "icon.ico", "licence": "LICENCE"}
        keys |= {"formats": ["nsis", "msi"], "path": True, "desktop": True, **stage}
        make(installer_job(folder / f"job {version}", [given], version, **keys), report)
        for name, path in report.artefacts().items():
            suffix = next(one for one in made if name.endswith(one))
            made[suffix][version] = f"Z:{path}".replace("/", "\\")
    return Installers(made["-setup.exe"], made[".msi"])


def program(folder: Path, version: str, *more: str) -> bytes:
    """Compile a Windows program that says its version, and waits when it is given a word."""
    source, target = folder / "program.c", folder / "program.exe"
    source.write_text(_PROGRAM)
    words = ["-Os", "-s", f'-DVERSION="{version}"', *more, "-o", str(target), str(source)]
    subprocess.run([_MINGW, *words], check=True)
    return target.read_bytes()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def installed(folder: Path) -> set[str]:
    """Return the files and empty folders of an installation."""
    return {
        path.relative_to(folder).as_posix() + ("/" if path.is_dir() else "")
        for path in folder.rglob("*")
        if path.is_file() or not any(path.iterdir())
    }


def expected(version: str) -> set[str]:
    return {"shelf.exe", "tool.exe", *FILES[version], *HOSTILE}


def uninstall_nsis(computer: Computer, folder: Path) -> None:
    """Remove, and wait: an uninstaller goes on as a copy of itself, since it removes itself."""
    ended = computer.run(str(folder / "uninstall.exe"), "/S")
    assert ended.returncode == 0
    wait_for(lambda: not (folder / "uninstall.exe").exists(), lambda: str(installed(folder)), 60)
    computer.run("wineboot", "-e")


@pytest.mark.parametrize("scope", ["CurrentUser", "AllUsers"])
def test_nsis(computer: Computer, project: Path, scope: str) -> None:
    made = build(project)
    # Longer than any string that NSIS itself can hold.
    folders = ";".join(rf"C:\folder number {number}" for number in range(150))
    value = ("/v", "PATH", "/t", "REG_EXPAND_SZ", "/d", f"%SystemRoot%;{folders}", "/f")
    computer.done("reg", "add", _environment("HKCU"), *value)
    before = computer.state()
    root = "HKCU" if scope == "CurrentUser" else "HKLM"
    key = rf"{root}\{_UNINSTALL}"
    [home] = [one for one in (computer.disk / "users").iterdir() if one.name != "Public"]
    programs = home / "AppData" / "Local" / "Programs"
    folder = (programs if root == "HKCU" else computer.disk / "Program Files") / "shelf"

    # In the root of the current drive, where nothing of this product is installed.
    stranger = computer.disk / "uninstall.exe"
    shutil.copy(project / "program.exe", stranger)
    words = ("start", "/d", "C:\\", "/wait", made.nsis[OLD], "/S", f"/{scope}")
    assert computer.run(*words).returncode == 0
    stranger.unlink()
    assert installed(folder) == {*expected(OLD), "uninstall.exe"}
    assert computer.done(str(folder / "tool.exe")) == f"{OLD}\n"
    assert computer.value(key, "DisplayName") == TITLE
    assert computer.value(key, "Publisher") == PUBLISHER
    assert computer.value(key, "DisplayVersion") == OLD
    assert str(folder.name) in computer.value(key, "QuietUninstallString")
    assert computer.links() == [f"Desktop/{LINK}.lnk", f"Programs/{LINK}.lnk"]
    assert r"\shelf" in computer.value(_environment(root), "PATH")

    (folder / "settings.ini").write_text("the user's own")
    with computer.started(str(folder / "tool.exe"), "wait", cwd="C:\\", output=project / "log"):
        wait_for(lambda: OLD in (project / "log").read_text(), lambda: "not started", 30)
        assert computer.run(made.nsis[NEW], "/S", f"/{scope}").returncode == 2
        assert installed(folder) == {*expected(OLD), "uninstall.exe", "settings.ini"}
        assert computer.value(key, "DisplayVersion") == OLD

    def upgraded() -> bool:
        return computer.run(made.nsis[NEW], "/S", f"/{scope}").returncode == 0

    wait_for(upgraded, lambda: "the old one is still in use", 60)
    assert installed(folder) == {*expected(NEW), "uninstall.exe", "settings.ini"}
    assert computer.done(str(folder / "tool.exe")) == f"{NEW}\n"
    assert computer.value(key, "DisplayVersion") == NEW
    assert computer.value(_environment(root), "PATH").count("shelf") == 1

    assert computer.run(made.nsis[OLD], "/S", f"/{scope}").returncode == 2
    assert installed(folder) == {*expected(NEW), "uninstall.exe", "settings.ini"}

    uninstall_nsis(computer, folder)
    assert installed(folder) == {"settings.ini"}
    shutil.rmtree(folder)
    if root == "HKCU":
        assert list(programs.iterdir()) == []
        programs.rmdir()
    assert computer.state() ^ before == set()


def test_nsis_leaves_the_old_version_where_the_disk_is_full(
    computer: Computer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = computer.state()
    old = build(project).nsis[OLD]
    # The most that an installer can name, 4 TB.
    monkeypatch.setattr(
        "slipway.scripts.stages.installer.run.unpack_tree",
        lambda *given: replace(unpack_tree(*given), size=(1 << 42) - 1024),
    )
    new = build(project / "large").nsis[NEW]
    folder = computer.disk / "Shelf"
    assert computer.run(old, "/S", "/CurrentUser", r"/D=C:\Shelf").returncode == 0
    assert computer.run(new, "/S", "/CurrentUser", r"/D=C:\Shelf").returncode == 2
    assert installed(folder) == {*expected(OLD), "uninstall.exe"}
    uninstall_nsis(computer, folder)
    assert computer.state() ^ before == set()


def _environment(root: str) -> str:
    return r"HKCU\Environment" if root == "HKCU" else rf"HKLM\{_PATH}"


@pytest.mark.parametrize("scope", ["user", "machine", "ask"])
def test_msi(computer: Computer, project: Path, scope: str) -> None:
    made = build(project, scope=scope, formats=["msi"])
    before = computer.state()

    def msiexec(verb: str, version: str) -> int:
        return computer.run("msiexec", verb, made.msi[version], "/qn").returncode

    assert msiexec("/i", OLD) == 0
    [tool] = computer.disk.rglob("shelf/tool.exe")
    folder = tool.parent
    assert (folder.parent.name == "Programs") is (scope == "user")
    assert installed(folder) == expected(OLD)
    assert computer.done(str(tool)) == f"{OLD}\n"
    key = rf"HKLM\{_UNINSTALL}"
    assert computer.value(key, "DisplayName") == TITLE
    assert computer.value(key, "Publisher") == PUBLISHER
    assert computer.links() == [f"Desktop/{LINK}.lnk", f"Programs/{LINK}.lnk"]

    (folder / "settings.ini").write_text("the user's own")
    assert msiexec("/i", NEW) == 0
    assert installed(folder) == {*expected(NEW), "settings.ini"}
    assert computer.done(str(tool)) == f"{NEW}\n"

    assert msiexec("/i", OLD) == _REFUSED
    assert installed(folder) == {*expected(NEW), "settings.ini"}

    assert msiexec("/x", NEW) == 0
    assert installed(folder) == {"settings.ini"}
    shutil.rmtree(folder)
    if scope == "user":
        folder.parent.rmdir()
    assert computer.state() ^ before == set()
