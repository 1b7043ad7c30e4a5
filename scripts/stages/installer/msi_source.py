"""Write the source of an MSI package, as wixl reads it.

wixl expands `$(...)` and has no way to write that literally, and it loses what is not in Windows'
code page 1252. So no text of a product is in its source, nor any name of a file: `texts` says what
becomes of the tables that it makes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree as ET

from slipway.scripts.atomic_files import link_file
from slipway.scripts.stages.installer.msi_tables import Texts
from slipway.scripts.stages.installer.product import Product
from slipway.scripts.stages.installer.tree import Tree
from slipway.scripts.stages.installer.versions import Numbers, numbers_after

__all__ = ["MsiSource"]

_NAMESPACE = "http://schemas.microsoft.com/wix/2006/wi"


def _formatted(text: str) -> str:
    """Return a text for a field in which [...] names a property."""
    return re.sub(r"[\[\]{}]", lambda found: f"[\\{found[0]}]", text)


def _add(parent: ET.Element, kind: str, text: str = "", **attributes: str) -> ET.Element:
    made = ET.SubElement(parent, kind, attributes)
    made.text = text or None
    return made


class MsiSource:
    """The source of one package, and the files it packs."""

    def __init__(self, product: Product, tree: Tree, work: Path, numbers: Numbers) -> None:
        self._product = product
        self._tree = tree
        self._work = work
        self._numbers = numbers
        self._components: list[str] = []
        self._parent = ET.Element("Directory")
        self.texts: Texts = defaultdict(dict)
        """What becomes of the tables that wixl makes."""
        self.is_64 = tree.platform != "win32"

    def write(self) -> None:
        """Write the source of the package, and link the files."""
        root = ET.Element("Wix", xmlns=_NAMESPACE)
        product = self._add_product(root)
        self._add_properties(product)
        self._add_upgrade(product)
        top = _add(product, "Directory", Id="TARGETDIR", Name="SourceDir")
        installed = self._add_place(top)
        folders = {".": installed} | dict(self._folders(installed))
        self._add_files(folders)
        self._add_settings(top, installed)
        feature = _add(product, "Feature", Id="Program", Level="1", Title="Program")
        for component in self._components:
            _add(feature, "ComponentRef", Id=component)
        ET.ElementTree(root).write(self._work / "setup.wxs", "utf-8", xml_declaration=True)

    def _add_product(self, root: ET.Element) -> ET.Element:
        said = self._product
        version = ".".join(str(number) for number in self._numbers)
        product = _add(
            root,
            "Product",
            Id=said.uuid("product", said.version, self._tree.platform),
            Name="Product",
            Manufacturer="Publisher",
            Version=version,
            Language="1033",
            Codepage="65001",
            UpgradeCode=str(said.upgrade).upper(),
        )
        package = _add(
            product,
            "Package",
            InstallerVersion="500",
            Compressed="yes",
            Comments="Installer",
        )
        self.texts["Property", "Value"] |= {
            "ProductName": said.title,
            "Manufacturer": said.publisher,
            "ARPCOMMENTS": said.description,
        }
        scopes = {"user": "perUser", "machine": "perMachine"}
        if said.scope in scopes:
            package.set("InstallScope", scopes[said.scope])
        _add(product, "Media", Id="1", Cabinet="product.cab", EmbedCab="yes")
        return product

    def _add_properties(self, product: ET.Element) -> None:
        said = self._product
        values = {"ARPCOMMENTS": "Comments", "ARPNOMODIFY": "1"}
        if said.homepage:
            values["ARPURLINFOABOUT"] = "Homepage"
            self.texts["Property", "Value"]["ARPURLINFOABOUT"] = said.homepage
        if said.scope == "ask":
            # Of one who installs it; with MSIINSTALLPERUSER="" of all.
            values |= {"ALLUSERS": "2", "MSIINSTALLPERUSER": "1"}
        if said.ico:
            values["ARPPRODUCTICON"] = "icon.ico"
            (self._work / "icon.ico").write_bytes(said.ico.content)
            _add(product, "Icon", Id="icon.ico", SourceFile="icon.ico")
        for name, value in values.items():
            _add(product, "Property", Id=name, Value=value)

    def _add_upgrade(self, product: ET.Element) -> None:
        """Add what removes older versions, and refuses where a newer one is there."""
        said = self._product
        after = ".".join(str(number) for number in numbers_after(self._numbers))
        upgrade = _add(product, "Upgrade", Id=str(said.upgrade).upper())
        # Also the same three numbers: there the run decides.
        _add(
            upgrade,
            "UpgradeVersion",
            Minimum="0.0.0",
            IncludeMinimum="yes",
            Maximum=after,
            IncludeMaximum="no",
            Property="OLDERFOUND",
        )
        _add(
            upgrade,
            "UpgradeVersion",
            Minimum=after,
            IncludeMinimum="yes",
            OnlyDetect="yes",
            Property="NEWERFOUND",
        )
        self._add_condition(product, "Installed OR NOT NEWERFOUND")
        roots = {"user": ("HKCU",), "machine": ("HKLM",), "ask": ("HKCU", "HKLM")}[said.scope]
        for root in roots:
            for name in ("Numbers", "Run"):
                found = _add(product, "Property", Id=f"{root}{name}".upper())
                search = _add(
                    found,
                    "RegistrySearch",
                    Id=f"{root}{name}Search",
                    Root=root,
                    Key=self._key,
                    Name=name,
                    Type="raw",
                )
                if self.is_64:
                    search.set("Win64", "yes")
            same = f'{root}NUMBERS = "{self._compared}" AND {root}RUN > {self._numbers[3]}'
            self._add_condition(product, f"Installed OR NOT ({same})")
        # Early, and inside the transaction: where the new one fails, the old one comes back.
        sequence = _add(product, "InstallExecuteSequence")
        _add(sequence, "RemoveExistingProducts", After="InstallInitialize")

    def _add_condition(self, product: ET.Element, condition: str) -> None:
        _add(product, "Condition", condition, Message="Newer")
        self.texts["LaunchCondition", "Description"][condition] = (
            f"A newer version of {_formatted(self._product.title)} is installed. "
            "Remove it first if you want this one."
        )

    @property
    def _key(self) -> str:
        return f"Software\\{{{str(self._product.upgrade).upper()}}}"

    @property
    def _compared(self) -> str:
        return ".".join(str(number) for number in self._numbers[:3])

    def _add_place(self, top: ET.Element) -> ET.Element:
        if self._product.scope == "user":
            local = _add(top, "Directory", Id="LocalAppDataFolder", Name="AppData")
            self._parent = _add(local, "Directory", Id="ProgramsFolder", Name="Programs")
        else:
            identity = "ProgramFiles64Folder" if self.is_64 else "ProgramFilesFolder"
            self._parent = _add(top, "Directory", Id=identity, Name="PFiles")
        return _add(self._parent, "Directory", Id="INSTALLDIR", Name=self._product.name)

    def _folders(self, installed: ET.Element) -> Iterator[tuple[str, ET.Element]]:
        made = {".": installed}
        for number, name in enumerate(self._tree.folders):
            path = PurePosixPath(name)
            parent = made[path.parent.as_posix()]
            made[name] = _add(parent, "Directory", Id=f"D{number}", Name=f"D{number}")
            self.texts["Directory", "DefaultDir"][f"D{number}"] = path.name
            component = self._component(made[name], f"E{number}", f"folder {name}")
            _add(component, "CreateFolder")
            yield name, made[name]

    def _component(self, folder: ET.Element, identity: str, of: str) -> ET.Element:
        self._components.append(identity)
        guid = self._product.uuid("component", self._tree.platform, of)
        component = _add(folder, "Component", Id=identity, Guid=guid)
        if self.is_64:
            component.set("Win64", "yes")
        return component

    def _add_files(self, folders: dict[str, ET.Element]) -> None:
        packed = self._work / "files"
        packed.mkdir()
        for number, name in enumerate(self._tree.files):
            path = PurePosixPath(name)
            link_file(self._tree.folder / name, packed / str(number))
            self.texts["File", "FileName"][f"F{number}"] = path.name
            component = self._component(
                folders[path.parent.as_posix()], f"C{number}", f"file {name}"
            )
            _add(
                component,
                "File",
                Id=f"F{number}",
                Name=f"F{number}",
                Source=f"files/{number}",
                KeyPath="yes",
            )

    def _add_settings(self, top: ET.Element, installed: ET.Element) -> None:
        """Add registry values and shortcuts, in components of their own."""
        root = {"user": "HKCU", "machine": "HKLM", "ask": "HKMU"}[self._product.scope]
        component = self._component(installed, "Settings", "settings")
        # Otherwise the folders would stay where the package is removed.
        _add(component, "CreateFolder")
        if self._product.scope == "user":
            _add(self._component(self._parent, "Programs", "programs"), "CreateFolder")
        values = {"Numbers": self._compared, "Run": str(self._numbers[3])}
        for name, value in values.items():
            _add(
                component,
                "RegistryValue",
                Root=root,
                Key=self._key,
                Name=name,
                Type="string",
                Value=value,
                KeyPath="yes" if name == "Numbers" else "no",
            )
        self._add_path(installed, root)
        programs = self._product.in_menus(self._tree)
        places = {"ProgramMenuFolder": "Programs"}
        if self._product.desktop:
            places["DesktopFolder"] = "Desktop"
        for place, name in places.items():
            _add(top, "Directory", Id=place, Name=name)
            for program in programs:
                number = self._tree.files.index(program.file)
                link = self._product.link_names(programs)[program.name]
                self.texts["Shortcut", "Name"][f"{place}{number}"] = link
                _add(
                    component,
                    "Shortcut",
                    Id=f"{place}{number}",
                    Directory=place,
                    Name="Link",
                    Target=f"[#F{number}]",
                    WorkingDirectory="INSTALLDIR",
                )

    def _add_path(self, installed: ET.Element, root: str) -> None:
        """Add what PATH hangs on; the environment itself is in a table that wixl does not know."""
        for name in self._paths():
            component = self._component(installed, f"Path{name}", f"path {name}")
            _add(
                component,
                "RegistryValue",
                Root=root,
                Key=self._key,
                Name=f"Path{name}",
                Type="string",
                Value="1",
                KeyPath="yes",
            )

    def _paths(self) -> tuple[str, ...]:
        if not self._product.path:
            return ()
        of_scope = {"user": ("User",), "machine": ("Machine",), "ask": ("User", "Machine")}
        return of_scope[self._product.scope]

    def queries(self) -> Iterator[str]:
        """Yield the changes of the database that wixl cannot make."""
        if self._product.scope == "ask":
            # wixl 0.101 writes 4 for the root that is the user's or the machine's.
            yield "UPDATE `Registry` SET `Root` = -1 WHERE `Root` = 4"
        if not self._paths():
            return
        yield (
            "CREATE TABLE `Environment` (`Environment` CHAR(72) NOT NULL, `Name` CHAR(255) NOT "
            "NULL LOCALIZABLE, `Value` CHAR(255) LOCALIZABLE, `Component_` CHAR(72) NOT NULL "
            "PRIMARY KEY `Environment`)"
        )
        for name in self._paths():
            mark = "*" if name == "Machine" else ""
            yield (
                "INSERT INTO `Environment` (`Environment`, `Name`, `Value`, `Component_`) VALUES "  # noqa: S608  all of it is ours
                f"('{name}', '=-{mark}PATH', '[~];[INSTALLDIR]', 'Path{name}')"
            )
        if self._product.scope == "ask":
            for name, condition in (("User", "NOT ALLUSERS = 1"), ("Machine", "ALLUSERS = 1")):
                yield (
                    f"UPDATE `Component` SET `Condition` = '{condition}' "  # noqa: S608  all of it is ours
                    f"WHERE `Component` = 'Path{name}'"
                )
        for action, number in (
            ("RemoveEnvironmentStrings", 3300),
            ("WriteEnvironmentStrings", 5200),
        ):
            yield (
                "INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES "  # noqa: S608  all of it is ours
                f"('{action}', {number})"
            )
