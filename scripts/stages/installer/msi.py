"""Make an MSI package of a frozen program: `wixl` and `msibuild`, of Debian's msitools.

wixl makes the package and its tables; msibuild puts the product's texts into them, and what wixl
cannot say. The two times that wixl takes from the clock are replaced by the commit's.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from slipway.model.errors import StageFailed
from slipway.scripts.report import Report
from slipway.scripts.stages.installer.msi_source import MsiSource
from slipway.scripts.stages.installer.msi_tables import set_times, write_code_page, write_tables
from slipway.scripts.stages.installer.product import Product
from slipway.scripts.stages.installer.tools import find_tool, run_tool
from slipway.scripts.stages.installer.tree import Tree, check_windows_names
from slipway.scripts.stages.installer.versions import msi_numbers

__all__ = ["make_msi"]

_ARCHITECTURES = {"win-amd64": "x64", "win32": "x86"}
#: The package while it is made.
_BUILT = "made.msi"


def make_msi(product: Product, tree: Tree, target: Path, report: Report) -> Path:
    """Make an MSI package.

    Args:
        product: What it says.
        tree: The frozen program.
        target: The package's path.
        report: Receives progress.

    Returns:
        The package.

    Raises:
        MissingTool: wixl or msibuild is not on this machine.
        StageFailed: It cannot be made of this tree.
        WrongInput: The version cannot be that of a package.
    """
    wixl = find_tool("wixl", "wixl")
    msibuild, msiinfo = find_tool("msibuild", "msitools"), find_tool("msiinfo", "msitools")
    if tree.platform not in _ARCHITECTURES:
        msg = f"no MSI package is made for {tree.platform}, but for {', '.join(_ARCHITECTURES)}"
        raise StageFailed(msg)
    check_windows_names(tree, product.name)
    numbers = msi_numbers(product.version)
    work = tree.folder.parent / "msi"
    work.mkdir()
    built = work / _BUILT
    package = MsiSource(product, tree, work, numbers)
    package.write()
    report.progress(f"packing {target.name}")
    words = ["-a", _ARCHITECTURES[tree.platform], "-o", _BUILT, "setup.wxs"]
    run_tool([wixl, *words], work, product.epoch, report.log)
    tables = write_tables(package.texts, msiinfo, built, product.epoch)
    template = f"{'x64' if package.is_64 else 'Intel'};1033"
    code = f"{{{product.uuid('package', product.version, tree.platform)}}}"
    # msibuild takes a dash for one of its options.
    title = product.title.lstrip("-").strip() or product.name
    author = product.publisher.lstrip("-").strip() or "Publisher"
    changes = ["-i", write_code_page(work), "-q", *(f"DROP TABLE `{name}`" for name in tables)]
    changes += ["-i", *(f"{name}.idt" for name in tables)]
    if queries := list(package.queries()):
        changes += ["-q", *queries]
    changes += ["-s", title, author, template, code]
    run_tool([msibuild, _BUILT, *changes], work, product.epoch, report.log)
    set_times(built, product.epoch)
    shutil.move(built, target)
    return target
