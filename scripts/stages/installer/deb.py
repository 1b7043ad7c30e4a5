"""Make a Debian package of a frozen program: `dpkg-deb`."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.binaries.binary import read_binary
from slipway.scripts.humanize import utc
from slipway.scripts.report import Report
from slipway.scripts.stages.installer.product import Product
from slipway.scripts.stages.installer.tools import find_tool, run_tool
from slipway.scripts.stages.installer.tree import Program, Tree
from slipway.scripts.stages.installer.versions import debian_version

__all__ = ["make_deb"]

_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "i686": "i386",
    "i386": "i386",
    "armv7l": "armhf",
    "ppc64le": "ppc64el",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")
#: The glibc that each program needs at least: the one of the first x86-64.
_OLDEST = (2, 17)
#: Letters of the first line of a description that fit into a terminal's line.
_SYNOPSIS = 80
_SHORTENED = "..."
#: Always two: with one, xz writes other bytes. No option: dpkg before 1.21.9 has none.
_THREADS = {"DPKG_DEB_THREADS_MAX": "2"}


def make_deb(product: Product, tree: Tree, output: Path, report: Report) -> Path:
    """Make a Debian package.

    Args:
        product: What it says.
        tree: The frozen program; its folder is moved.
        output: The folder for the package.
        report: Receives progress.

    Returns:
        The package.

    Raises:
        MissingTool: dpkg-deb is not on this machine.
        StageFailed: It cannot be made of this tree.
        WrongInput: A name cannot be Debian's, or nobody is named to write to.
    """
    dpkg = find_tool("dpkg-deb", "dpkg")
    package, version = _package(product), debian_version(product.version)
    architecture = _architecture(tree)
    root = tree.folder.parent / "debian"
    _Layout(product, tree, package, root).write(version, architecture)
    file = version.partition(":")[2] or version
    target = output / f"{package}_{file}_{architecture}.deb"
    words = ["--root-owner-group", "-Zxz", "--build", root.name, str(target)]
    report.progress(f"packing {target.name}")
    run_tool([dpkg, *words], root.parent, product.epoch, report.log, _THREADS)
    return target


def _package(product: Product) -> str:
    name = product.name.lower().replace("_", "-")
    if _PACKAGE.fullmatch(name) is None:
        msg = f'name: "{product.name}" cannot name a Debian package; write a name of two letters'
        raise WrongInput(msg)
    if not product.email:
        msg = (
            "email: a Debian package names an address that its users write to; write it into the "
            "stage, or into the authors of pyproject.toml"
        )
        raise WrongInput(msg)
    return name


def _architecture(tree: Tree) -> str:
    machine = tree.platform.rpartition("-")[2]
    if machine not in _ARCHITECTURES:
        known = ", ".join(_ARCHITECTURES)
        msg = f"Debian has no architecture for what was frozen on {tree.platform}; known: {known}"
        raise StageFailed(msg)
    return _ARCHITECTURES[machine]


class _Layout:
    """The files of one package, as they are installed."""

    def __init__(self, product: Product, tree: Tree, package: str, root: Path) -> None:
        self._product = product
        self._tree = tree
        self._package = package
        self._root = root

    def write(self, version: str, architecture: str) -> None:
        """Write all files, each with its mode and the commit's time."""
        library = self._root / "usr" / "lib" / self._package
        library.parent.mkdir(parents=True)
        self._tree.folder.rename(library)
        links = self._root / "usr" / "bin"
        links.mkdir()
        for program in self._tree.programs:
            _check_command(program)
            (links / program.name).symlink_to(f"../lib/{self._package}/{program.file}")
        self._write_menu()
        self._write_documents(version)
        control = self._root / "DEBIAN"
        control.mkdir()
        (control / "md5sums").write_text("".join(self._sums()), "utf-8")
        fields = self._fields(version, architecture)
        text = "".join(f"{key}: {value}\n" for key, value in fields.items() if value)
        (control / "control").write_text(text, "utf-8")
        for path in (self._root, *self._root.rglob("*")):
            if not path.is_symlink():
                executable = path.is_dir() or (library in path.parents and _is_program(path))
                path.chmod(0o755 if executable else 0o644)
            os.utime(path, (self._product.epoch,) * 2, follow_symlinks=False)

    def _fields(self, version: str, architecture: str) -> dict[str, str]:
        product = self._product
        glibc = ".".join(map(str, _needed_glibc(self._tree, self._root)))
        return {
            "Package": self._package,
            "Version": version,
            "Architecture": architecture,
            "Maintainer": f"{_name(product.publisher)} <{product.email}>",
            "Installed-Size": str(-(-self._tree.size // 1024)),
            "Depends": ", ".join((f"libc6 (>= {glibc})", *product.depends)),
            "Section": product.section,
            "Priority": "optional",
            "Homepage": product.homepage,
            "Description": _description(product),
        }

    def _write_menu(self) -> None:
        programs = self._product.in_menus(self._tree)
        names = self._product.entry_names(programs)
        folder = self._root / "usr" / "share" / "applications"
        for program in programs:
            folder.mkdir(parents=True, exist_ok=True)
            lines = {
                "Type": "Application",
                "Name": names[program.name],
                "Comment": self._product.description,
                "Exec": f'"/usr/bin/{program.name}"',
                "Icon": self._package if self._product.png else "",
                "Terminal": str(program.name not in self._product.windowed).lower(),
                "Categories": "Utility;",
            }
            text = "".join(f"{key}={_escaped(value)}\n" for key, value in lines.items() if value)
            name = f"{self._package}.{program.name}.desktop".replace(" ", "_")
            (folder / name).write_text(f"[Desktop Entry]\n{text}", "utf-8")
        if programs and (icon := self._product.png):
            size = f"{icon.pixels}x{icon.pixels}"
            icons = self._root / "usr" / "share" / "icons" / "hicolor" / size / "apps"
            icons.mkdir(parents=True)
            (icons / f"{self._package}.png").write_bytes(icon.content)

    def _write_documents(self, version: str) -> None:
        product = self._product
        folder = self._root / "usr" / "share" / "doc" / self._package
        folder.mkdir(parents=True)
        moment = utc(product.epoch)
        said = product.licence or (product.licence_name and f"Licence: {product.licence_name}\n")
        about = f"{product.title}\nCopyright {moment.year} {product.publisher}\n{product.homepage}"
        (folder / "copyright").write_text(
            f"{about.rstrip()}\n\n{said or ''}".rstrip() + "\n", "utf-8"
        )
        entry = (
            f"{self._package} ({version}) unstable; urgency=medium\n\n"
            f"  * Release {product.version}.\n\n"
            f" -- {_name(product.publisher)} <{product.email}>  {format_datetime(moment)}\n"
        )
        packed = gzip.compress(entry.encode(), 9, mtime=0)
        (folder / "changelog.gz").write_bytes(packed)

    def _sums(self) -> Iterator[str]:
        for path in sorted(self._root.rglob("*")):
            name = path.relative_to(self._root).as_posix()
            if path.is_file() and not path.is_symlink() and not name.startswith("DEBIAN/"):
                with path.open("rb") as stream:
                    # Debian's own choice: against damage, not against attacks.
                    digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
                yield f"{digest.hexdigest()}  {name}\n"


def _check_command(program: Program) -> None:
    if " " in program.name:
        msg = f'the executable "{program.name}" cannot be a command: its name has a blank'
        raise StageFailed(msg)


def _is_program(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100) and ".so" not in path.suffixes


def _name(publisher: str) -> str:
    """Return a name as the Maintainer field can hold it: no brackets, no comma."""
    return re.sub(r"[<>,()\"]", " ", publisher).strip() or "Unknown"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\")


def _description(product: Product) -> str:
    short = product.description
    if len(short) > _SYNOPSIS:
        short = short[: _SYNOPSIS - len(_SHORTENED)].rstrip() + _SHORTENED
    # A line that begins with a dot would be Debian's markup.
    return f"{short}\n Frozen program: {product.title}.\n {product.description.lstrip('.') or '-'}"


def _needed_glibc(tree: Tree, root: Path) -> tuple[int, ...]:
    """Return the oldest glibc that all binaries of the tree can run with."""
    library = next((root / "usr" / "lib").iterdir())
    found = filter(None, (read_binary(library / name) for name in tree.files))
    return max([_OLDEST, *(one.floor for one in found if not one.is_windows)])
