"""Installers: disks without hard links, titles with dashes, bills of materials, upgrade codes."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from slipway.model.protocol.job import Input
from slipway.scripts.archives.frozen import is_bill
from slipway.scripts.stages.installer import run as installer
from tests.support.installers import Recorder, frozen, installer_job, pe


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def made(folder, formats, **keys):
    given = frozen(folder, "win-amd64", {"shelf.exe": pe(), "lib/a.txt": b"a"})
    report = Recorder()
    installer.run(installer_job(folder / "j", [given], formats=formats, **keys), report)
    return report


@pytest.mark.skipif(
    not all(map(shutil.which, ("makensis", "wixl", "msibuild", "msiinfo"))),
    reason="the tools are not on this machine; apt install nsis wixl msitools",
)
class TestWindows:
    def test_a_disk_without_hard_links(self, tmp_path, monkeypatch):
        def none(_self: Path, _target: Path) -> None:
            raise OSError(95, os.strerror(95))

        monkeypatch.setattr(Path, "hardlink_to", none)
        assert len(made(tmp_path, ["nsis", "msi"]).artefacts()) == 2

    def test_a_title_is_no_option(self, tmp_path):
        [path] = made(tmp_path, ["msi"], title="-q DROP", publisher="-x").artefacts().values()
        words = ["msiinfo", "suminfo", path]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        assert {"Subject: q DROP", "Author: x"} <= set(told.splitlines())
        words = ["msiinfo", "export", path, "Property"]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        assert "ProductName\t-q DROP" in told.splitlines()


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg is Debian's own")
def test_the_bill_of_materials_goes_with_the_installer(tmp_path):
    elf = Path("/usr/bin/true").resolve().read_bytes()
    tree = frozen(tmp_path, "linux-x86_64", {"shelf": elf, "lib/a.txt": b"a"})

    def file(name, uses="freeze"):
        (tmp_path / name).write_text("{}")
        facts = {"sha256": hashlib.sha256(b"{}").hexdigest(), "size": 2}
        return Input(stage=uses, uses=uses, name=name, path=str(tmp_path / name), **facts)

    bill, other = file("shelf-linux-x86_64.cdx.json"), file("other-linux-x86_64.cdx.json")
    report = Recorder()
    job = installer_job(tmp_path / "j", [tree, bill, other], email="ann@example.org")
    installer.run(job, report)
    left = report.artefacts()
    assert list(left) == ["shelf_1.4.0+7_amd64.deb", bill.name]
    assert left[bill.name].read_text() == "{}"
    assert is_bill(file("shelf-linux-x86_64.cdx.json", "installer"))


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg is Debian's own")
def test_upgrade_code_is_of_the_name_alone(tmp_path, project):
    elf = Path("/usr/bin/true").resolve().read_bytes()
    given = frozen(tmp_path, "linux-x86_64", {"shelf": elf, "lib/a.txt": b"a"})

    def code(folder, **keys):
        report = Recorder()
        installer.run(
            installer_job(tmp_path / folder, [given], email="ann@example.org", **keys), report
        )
        return report.facts()["upgrade_code"]

    own = "12345678-1234-5678-1234-567812345678"
    first = code("a")
    assert first == code("b", title="Other", publisher="Other") != code("c", name="other")
    authors = '[{ name = "Bob", email = "bob@example.org" }]'
    (project / "pyproject.toml").write_text(f'[project]\nname = "shelf"\nauthors = {authors}\n')
    assert code("e") == first
    assert code("d", **{"upgrade-code": own}) == own
