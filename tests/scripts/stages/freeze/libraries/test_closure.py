"""What a frozen tree lacks, and what may go wrong on other machines."""

import stat
from pathlib import Path

import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.binaries.binary import Binary, read_tree
from slipway.scripts.binaries.tables import Imports
from slipway.scripts.stages.freeze.libraries import closure, copying
from slipway.scripts.stages.freeze.libraries.closure import check_closure
from slipway.scripts.stages.freeze.libraries.system import WINDOWS, is_system
from tests.scripts.binaries.binaries import portable

WINDOWS_ONE, LINUX_ONE = True, False


def dll(path, *needs, delayed=(), machine="x86-64", floor=(6, 0)):
    return Binary(Path(path), Imports(WINDOWS_ONE, machine, needs, delayed, floor=floor))


def so(path, *needs, soname="", floor=()):
    return Binary(Path(path), Imports(LINUX_ONE, "x86-64", needs, soname=soname, floor=floor))


@pytest.fixture
def check(tmp_path, monkeypatch):
    monkeypatch.setattr(closure, "on_this_machine", lambda name: name.startswith("libhere") or None)

    def run(*binaries, loaded=(), windows="10"):
        return check_closure(tmp_path, binaries, ["app.exe", "app"], loaded, windows)

    return run


def told(found):
    return [
        ("error" if one.is_error else "warning", one.text.partition(" ")[0])
        for one in found.findings
    ]


def test_a_whole_tree(check):
    found = check(
        dll("app.exe", "kernel32.dll", "python311.dll", "api-ms-win-crt-runtime-l1-1-0.dll"),
        dll("python311.dll", "user32.dll", "ucrtbase.dll"),
    )
    assert (found.findings, found.copyable, found.floor) == ((), (), "")


def test_what_the_programs_load_at_start_is_an_error_and_plugins_are_not(check):
    found = check(
        dll("app.exe", "a.dll"),
        dll("lib/a.dll", "vcruntime140.dll"),
        dll("lib/plugins/sql.dll", "libpq.dll", delayed=["oci.dll"]),
        dll("lib/pkg/fast.cp311-win_amd64.pyd", "msvcp140.dll"),
        loaded=["pkg.fast"],
    )
    assert told(found) == [
        ("error", "msvcp140.dll"),
        ("error", "vcruntime140.dll"),
        ("warning", "libpq.dll"),
        ("warning", "oci.dll"),
    ]
    assert "needed by lib/a.dll, at the programs' start" in found.findings[1].text


def test_a_module_that_no_start_imports_may_be_optional(check):
    found = check(dll("app.exe"), dll("lib/pkg/fast.pyd", "msvcp140.dll"))
    assert told(found) == [("warning", "msvcp140.dll")]


def test_a_delayed_library_is_a_warning_for_the_program_too(check):
    assert told(check(dll("app.exe", delayed=["x.dll"]))) == [("warning", "x.dll")]


@pytest.mark.parametrize(
    ("windows", "expected"), [("7", "error"), ("8.1", ""), ("10", ""), ("11", "")]
)
def test_functions_that_an_old_windows_lacks(check, windows, expected):
    found = check(dll("app.exe", "api-ms-win-core-path-l1-1-0.dll"), windows=windows)
    assert [level for level, _ in told(found)] == ([expected] if expected else [])


def test_a_library_for_a_newer_windows(check):
    binaries = (dll("app.exe"), dll("lib/new.dll", floor=(10, 0)))
    assert told(check(*binaries)) == []
    (finding,) = check(*binaries, windows="8.1").findings
    assert "lib/new.dll needs Windows 10.0" in finding.text
    assert 'windows = "8.1"' in finding.text


def test_libraries_that_came_with_windows_10():
    assert is_system("icuuc.dll", "x86-64", "10")
    assert not is_system("icuuc.dll", "x86-64", "8.1")
    assert not is_system("vcruntime140.dll", "x86-64", "11")
    assert not is_system("acproxy.dll", "x86", "10")
    assert is_system("acproxy.dll", "x86-64", "10")
    assert set(WINDOWS) == {"7", "8.1", "10", "11"}


def test_a_dll_for_another_processor(check):
    found = check(
        dll("app.exe", "a.dll"), dll("a.dll", machine="x86"), dll("b.dll", machine="arm64")
    )
    assert told(found) == [("error", "a.dll"), ("warning", "b.dll")]
    assert "is for x86, the programs are for x86-64" in found.findings[0].text


def test_two_versions_of_one_dll(tmp_path):
    for name, needs in (
        ("a/z.dll", []),
        ("b/z.dll", ["kernel32.dll"]),
        ("a/y.dll", []),
        ("b/y.dll", []),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(portable(needs))
    (finding,) = check_closure(tmp_path, read_tree(tmp_path), ["app.exe"], [], "10").findings
    assert finding.text.startswith("two versions of z.dll: a/z.dll, b/z.dll")


def test_linux(check):
    found = check(
        so("app", "libc.so.6", "libhere.so.1", "libgone.so.2", "libEGL.so.1", floor=(2, 17)),
        so("lib/optional.so", "libhere-too.so", floor=(2, 40)),
    )
    assert told(found) == [
        ("error", "libgone.so.2"),
        ("error", "libhere.so.1"),
        ("warning", "libEGL.so.1"),
        ("warning", "libhere-too.so"),
    ]
    assert found.copyable == ("libhere.so.1",)
    assert found.floor == "glibc 2.17"


def test_a_module_whose_library_this_machine_lacks_was_not_loaded(check):
    found = check(so("app"), so("lib/pkg/c.so", "libgone.so"), loaded=["pkg.c"])
    assert told(found) == [("warning", "libgone.so")]
    found = check(so("app"), so("lib/pkg/c.so", "libhere.so"), loaded=["pkg.c"])
    assert (told(found), found.copyable) == ([("error", "libhere.so")], ("libhere.so",))


def test_a_library_is_found_by_its_soname(check):
    found = check(so("app", "libx.so.1"), so("lib/libx.so.1.2.3", soname="libx.so.1"))
    assert found.findings == ()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with two libraries, the second of which the first needs."""
    folder = tmp_path / "machine"
    folder.mkdir()
    needs = {"liba.so.1": ("libb.so.1", "libc.so.6", "libgone.so"), "libb.so.1": ()}
    for name in needs:
        (folder / name).write_text(name)
    places = {name: folder / name for name in needs}
    monkeypatch.setattr(copying, "on_this_machine", places.get)
    monkeypatch.setattr(
        copying, "read_binary", lambda file: Imports(LINUX_ONE, "x86-64", needs[file.name])
    )
    tool = tmp_path / "patchelf"
    tool.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    tool.chmod(0o755)
    return tool


def test_libraries_are_copied_once_with_what_they_need(tmp_path, machine):
    tree = tmp_path / "tree"
    tree.mkdir()
    binaries = [
        so("app", "liba.so.1"),
        so("lib/pkg/x.so", "libb.so.1"),
        so("lib/y.so", "libc.so.6"),
    ]
    copied = copying.copy_libraries(tree, binaries, ["liba.so.1"], machine, print)
    assert copied == ["liba.so.1", "libb.so.1"]
    assert sorted(path.name for path in (tree / "lib").iterdir()) == copied
    assert stat.S_IMODE((tree / "lib" / "liba.so.1").stat().st_mode) == 0o755
    asked = (tmp_path / "asked").read_text().splitlines()
    assert sorted(asked) == sorted(
        [
            f"--add-rpath $ORIGIN/lib {tree}/app",
            f"--add-rpath $ORIGIN/.. {tree}/lib/pkg/x.so",
            f"--add-rpath $ORIGIN {tree}/lib/liba.so.1",
        ]
    )


def test_a_binary_that_cannot_be_changed(tmp_path, machine):
    machine.write_text("#!/bin/sh\necho no section; exit 1\n")
    tree = tmp_path / "tree"
    tree.mkdir()
    with pytest.raises(StageFailed, match="patchelf could not change app: no section"):
        copying.copy_libraries(tree, [so("app", "liba.so.1")], ["liba.so.1"], machine, print)
