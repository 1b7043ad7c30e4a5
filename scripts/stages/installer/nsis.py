r"""Make a Windows installer of a frozen program: `makensis`.

A script of makensis can run commands and read files of the machine that makes it (`!system`,
`${...}`, `$%...%`). So all texts of a product and all names of files are written by `literal`, and
the files themselves have neutral names.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path, PurePosixPath

from slipway.model.errors import StageFailed
from slipway.scripts.atomic_files import link_file
from slipway.scripts.report import Report
from slipway.scripts.stages.installer.product import Product
from slipway.scripts.stages.installer.tools import find_tool, run_tool
from slipway.scripts.stages.installer.tree import Tree, check_windows_names
from slipway.scripts.stages.installer.versions import windows_numbers

__all__ = ["literal", "make_nsis"]

_TARGETS = {"win-amd64": "amd64-unicode", "win32": "x86-unicode"}
#: Where its own installer puts it on Windows.
_PLACES = (Path(r"C:\Program Files (x86)\NSIS"), Path(r"C:\Program Files\NSIS"))
_UNINSTALLER = "uninstall.exe"
#: Letters of a string that NSIS handles when it installs, less the folder that comes before.
_LONGEST_FIELD = 0xFFFF


def literal(text: str, dollar: str = "${D}") -> str:
    """Quote a text for a script of makensis, which shall not take any of it for its own.

    Args:
        text: One printable line.
        dollar: What stands for a dollar; `$$` alone would still let `${...}` and `$%...%` through.
    """
    return '"' + text.replace("$", dollar).replace('"', '$\\"') + '"'


def make_nsis(product: Product, tree: Tree, target: Path, report: Report) -> Path:
    """Make an installer by NSIS.

    Args:
        product: What it says.
        tree: The frozen program.
        target: The installer's path.
        report: Receives progress.

    Returns:
        The installer.

    Raises:
        MissingTool: makensis is not on this machine.
        StageFailed: It cannot be made of this tree.
    """
    makensis = find_tool("makensis", "nsis", *_PLACES)
    if tree.platform not in _TARGETS:
        msg = f"NSIS makes no installer for {tree.platform}; it does for {', '.join(_TARGETS)}"
        raise StageFailed(msg)
    check_windows_names(tree, product.name)
    if _UNINSTALLER in {name.lower() for name in (*tree.files, *tree.folders)}:
        msg = f"the frozen program has an {_UNINSTALLER}, which the installer makes itself"
        raise StageFailed(msg)
    work = tree.folder.parent / "nsis"
    work.mkdir()
    _Script(product, tree, work).write()
    report.progress(f"packing {target.name}")
    words = ["-NOCD", "-NOCONFIG", "-V2", "-INPUTCHARSET", "UTF8", "setup.nsi"]
    run_tool([makensis, *words], work, product.epoch, report.log)
    shutil.move(work / "made.exe", target)
    return target


class _Script:
    """The script of one installer, and the files it packs."""

    def __init__(self, product: Product, tree: Tree, work: Path) -> None:
        self._product = product
        self._tree = tree
        self._work = work

    def write(self) -> None:
        """Write the script and all that it includes."""
        shutil.copyfile(str(files(__package__) / "setup.nsi"), self._work / "setup.nsi")
        if self._product.ico:
            (self._work / "icon.ico").write_bytes(self._product.ico.content)
        if self._product.licence:
            lines = self._product.licence.splitlines()
            (self._work / "licence.txt").write_text("\r\n".join(lines), "utf-8-sig", newline="")
        programs = self._product.in_menus(self._tree)
        names = self._product.link_names(programs)
        entries = [(names[one.name], one.file) for one in programs]
        for name, script in {
            "product": self._head(),
            "files": self._files(),
            "checks": self._checks(),
            "removal": self._removal(),
            "registry": self._registry(entries),
            "shortcuts": self._shortcuts(entries),
            "unshortcuts": self._unshortcuts(entries),
        }.items():
            text = "".join(f"{line}\n" for line in script)
            (self._work / f"{name}.nsh").write_text(text, "utf-8", newline="\n")

    def _head(self) -> Iterator[str]:
        product = self._product
        numbers = windows_numbers(product.version)
        yield f"Target {_TARGETS[self._tree.platform]}"
        yield '!define D "$$"'
        yield '!define S "$"'
        yield f'!define NAME "{product.name}"'
        yield f'!define UPGRADE "{product.uuid("nsis")}"'
        yield f'!define SCOPE "{product.scope}"'
        yield f'!define KILOBYTES "{-(-self._tree.size // 1024)}"'
        for place, number in enumerate(numbers, 1):
            yield f'!define VERSION_{place} "{number}"'
        if self._tree.platform != "win32":
            yield "!define MULTIUSER_USE_PROGRAMFILES64"
        for name, wanted in (
            ("ICON", product.ico),
            ("LICENCE", product.licence),
            ("ADD_TO_PATH", product.path),
        ):
            if wanted:
                yield f"!define {name}"
        # Twice, since dialogs take an ampersand for a shortcut.
        yield f"Name {literal(product.title)} {literal(product.title.replace('&', '&&'))}"
        yield f"BrandingText {literal(product.publisher)}"
        yield f"VIProductVersion {'.'.join(str(min(one, _LONGEST_FIELD)) for one in numbers)}"
        for key, value in {
            "ProductName": product.title,
            "ProductVersion": product.version,
            "FileVersion": product.version,
            "FileDescription": f"{product.title} Setup",
            "CompanyName": product.publisher,
            "LegalCopyright": product.publisher,
            "Comments": product.description,
        }.items():
            # These are taken as they are: two dollars would stay two.
            yield f'VIAddVersionKey "{key}" {literal(value, "${S}")}'

    def _files(self) -> Iterator[str]:
        packed = self._work / "files"
        packed.mkdir()
        yield 'SetOutPath "$INSTDIR"'
        for folder in self._tree.folders:
            yield f"CreateDirectory {_installed(folder)}"
        last = ""
        for number, name in enumerate(sorted(self._tree.files, key=_by_folder)):
            source = packed / str(number)
            link_file(self._tree.folder / name, source)
            folder = PurePosixPath(name).parent.as_posix()
            if folder != last:
                yield f"SetOutPath {_installed(folder)}"
                last = folder
            yield f"File {literal(f'/oname={PurePosixPath(name).name}')} files/{number}"

    def _checks(self) -> Iterator[str]:
        for name in self._tree.files:
            yield f"Push {literal(_backslashes(name))}"
            yield "Call un.Check"

    def _removal(self) -> Iterator[str]:
        for name in self._tree.files:
            yield f"Delete {_installed(name)}"
        for folder in reversed(self._tree.folders):
            yield f"RMDir {_installed(folder)}"

    def _registry(self, entries: list[tuple[str, str]]) -> Iterator[str]:
        shown = entries[0][1] if entries else self._tree.programs[0].file
        values = {
            "DisplayName": literal(self._product.title),
            "DisplayVersion": literal(self._product.version),
            "Publisher": literal(self._product.publisher),
            "Comments": literal(self._product.description),
            "URLInfoAbout": literal(self._product.homepage) if self._product.homepage else "",
            "DisplayIcon": _installed(shown),
        }
        for key, value in values.items():
            if value:
                yield f'WriteRegStr SHCTX "${{KEY}}" "{key}" {value}'

    def _places(self) -> tuple[str, ...]:
        return ("$SMPROGRAMS", "$DESKTOP") if self._product.desktop else ("$SMPROGRAMS",)

    def _shortcuts(self, entries: list[tuple[str, str]]) -> Iterator[str]:
        for place in self._places():
            for name, file in entries:
                yield f"CreateShortcut {_below(place, f'{name}.lnk')} {_installed(file)}"

    def _unshortcuts(self, entries: list[tuple[str, str]]) -> Iterator[str]:
        for place in self._places():
            for name, _ in entries:
                yield f"Delete {_below(place, f'{name}.lnk')}"


def _by_folder(name: str) -> tuple[str, str]:
    folder, _, file = name.rpartition("/")
    return folder, file


def _backslashes(name: str) -> str:
    return name.replace("/", "\\")


def _below(place: str, name: str) -> str:
    """Return a quoted path below one of NSIS' own folders, such as $INSTDIR."""
    return f'"{place}\\{literal(_backslashes(name))[1:-1]}"'


def _installed(name: str) -> str:
    return _below("$INSTDIR", name) if name != "." else '"$INSTDIR"'
