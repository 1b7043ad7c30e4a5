"""The files for Windows Sandbox: by the documented list of elements, and what is hostile in them.

tests/windows has the script run by Windows' own cmd, as Wine has it.
"""

from xml.etree import ElementTree as ET

import pytest

from slipway.scripts.stages.freeze.clean_room.windows_sandbox import (
    sandbox_configuration,
    sandbox_script,
    write_sandbox_files,
)
from slipway.scripts.stages.freeze.smoke_runs import Start

SWITCH = {"Enable", "Disable", "Default"}
#: "Use and configure Windows Sandbox", learn.microsoft.com: each element and its values.
DOCUMENTED = {
    "AudioInput": SWITCH,
    "ClipboardRedirection": SWITCH - {"Enable"},
    "Networking": SWITCH,
    "PrinterRedirection": SWITCH,
    "ProtectedClient": SWITCH,
    "VideoInput": SWITCH,
    "vGPU": SWITCH,
    "MemoryInMB": None,
    "MappedFolders": ["MappedFolder"],
    "MappedFolder": ["HostFolder", "SandboxFolder", "ReadOnly"],
    "LogonCommand": ["Command"],
    "ReadOnly": {"true", "false"},
    "HostFolder": None,
    "SandboxFolder": None,
    "Command": None,
}


def check(element):
    """Check an element by the list."""
    allowed = DOCUMENTED[element.tag]
    if isinstance(allowed, list):
        assert [kid.tag for kid in element if kid.tag not in allowed] == []
        assert len(element)
    else:
        assert len(element) == 0
        assert allowed is None or element.text in allowed
    for kid in element:
        check(kid)


@pytest.mark.parametrize("name", ["almanac-win-amd64", "a&b<c>-win-amd64", "żółw-win-amd64"])
def test_the_configuration_is_as_documented(name):
    root = ET.fromstring(sandbox_configuration(name))  # noqa: S314  our own
    assert root.tag == "Configuration"
    tags = [kid.tag for kid in root]
    assert len(tags) == len(set(tags))
    for kid in root:
        check(kid)
    assert int(root.findtext("MemoryInMB")) >= 2048
    frozen, results = root.iter("MappedFolder")
    assert [one.text for one in frozen] == [rf"C:\slipway\{name}", r"C:\frozen", "true"]
    assert [one.text for one in results] == [
        *(rf"C:\slipway\{name}-results", r"C:\results", "false")
    ]
    assert root.findtext("LogonCommand/Command") == rf"cmd.exe /c C:\frozen\{name}-sandbox.cmd"
    assert root.findtext("Networking") == "Disable"


def lines(*starts):
    text = sandbox_script([(one, "almanac/almanac.exe") for one in starts]).decode()
    assert text.count("\r\n") == text.count("\n")
    return text.split("\r\n")


def test_each_run_is_started_and_its_end_written():
    found = lines(Start("almanac", ("--version",)), Start("almanac", ("x",), code=2))
    assert r'"C:\frozen\almanac\almanac.exe" --version >"C:\results\run-1.txt" 2>&1' in found
    assert r'>>"C:\results\results.txt" echo run 2: exit code %ERRORLEVEL%; it has to be 2' in found
    assert found[-3] == r'>>"C:\results\results.txt" echo done'


def test_a_window_that_goes_on_is_looked_for():
    found = lines(Start("almanac", (), code=None))
    assert any(line.startswith(r'start "" /b "C:\frozen\almanac\almanac.exe" >') for line in found)
    assert any('tasklist /fi "imagename eq almanac.exe"' in line for line in found)


@pytest.mark.parametrize(
    ("argument", "written"),
    [
        ("a b", '^"a b^"'),
        ("100%PATH%", "100%%PATH%%"),
        ("a&calc", "a^&calc"),
        ('"&calc&"', '\\^"^&calc^&\\^"'),
        ("x|y>z<w^v", "x^|y^>z^<w^^v"),
        ("(!x!)", "^(^!x^!^)"),
    ],
)
def test_an_argument_is_no_command_of_cmd(argument, written):
    found = lines(Start("almanac", (argument,)))
    assert f'almanac.exe" {written} >' in "\n".join(found)


@pytest.mark.parametrize("argument", ["a\r\ncalc", "a\ncalc", "a\0", "\x1a"])
def test_an_argument_that_no_script_can_hold_is_left_out(argument):
    found = lines(Start("almanac", (argument,)), Start("almanac", ("-v",)))
    assert not any("calc" in line for line in found)
    assert any("run 1: left out" in line for line in found)
    assert any("run 2: exit code" in line for line in found)


def test_the_files_are_named_after_the_archive(tmp_path):
    asked = [(Start("almanac", ("-v",)), "almanac/almanac.exe")]
    files = write_sandbox_files(tmp_path, "almanac-win-amd64", asked)
    assert [one.name for one in files] == ["almanac-win-amd64.wsb", "almanac-win-amd64-sandbox.cmd"]
    assert all(one.stat().st_size for one in files)
