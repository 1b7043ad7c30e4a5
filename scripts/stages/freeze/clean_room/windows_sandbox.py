r"""Write the files by which a person starts what was frozen for Windows in Windows Sandbox.

A worker cannot: the sandbox needs a desktop, and Windows Pro. Format: "Use and configure Windows
Sandbox" on learn.microsoft.com (Windows 10 build 18342 or newer). Folders of the host must be
absolute paths that exist, so they have a fixed place; the logon command is a single one, so what it
does is a script. The sandbox has no exit code: the results are files in a folder that it may write.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree as ET

from slipway.scripts.stages.freeze.smoke_runs import GOES_ON, Start

__all__ = ["HOST", "sandbox_configuration", "sandbox_script", "write_sandbox_files"]

#: The folder on the person's machine below which the archive is unpacked.
HOST = PureWindowsPath(r"C:\slipway")
_FROZEN = PureWindowsPath(r"C:\frozen")
_RESULTS = PureWindowsPath(r"C:\results")
_MEMORY = 4096
#: What cmd treats as its own, quotes too: so it never takes an argument's quote for one of its own.
_SPECIAL = re.compile(r'[()<>&|^"!]')
#: An argument with one of these cannot be written on a line of a script.
_UNWRITABLE = re.compile(r"[\r\n\0\x1a]")


def write_sandbox_files(
    folder: Path, name: str, starts: Sequence[tuple[Start, str]]
) -> tuple[Path, Path]:
    """Write the sandbox's configuration and the script that it runs; return their paths.

    Args:
        folder: The folder to write to.
        name: The archive's name without its suffix: the project's and the platform's.
        starts: The runs, each with the executable's path in the archive.
    """
    configuration, script = folder / f"{name}.wsb", folder / f"{name}-sandbox.cmd"
    configuration.write_bytes(sandbox_configuration(name))
    script.write_bytes(sandbox_script(starts))
    return configuration, script


def sandbox_configuration(name: str) -> bytes:
    """Return the .wsb file: the unpacked archive read-only, and a folder for the results.

    Args:
        name: The name of the folder below `HOST` that holds the unpacked archive and the script.
    """
    root = ET.Element("Configuration")
    ET.SubElement(root, "Networking").text = "Disable"
    folders = ET.SubElement(root, "MappedFolders")
    for host, inside, read_only in (
        (HOST / name, _FROZEN, "true"),
        (HOST / f"{name}-results", _RESULTS, "false"),
    ):
        folder = ET.SubElement(folders, "MappedFolder")
        ET.SubElement(folder, "HostFolder").text = str(host)
        ET.SubElement(folder, "SandboxFolder").text = str(inside)
        ET.SubElement(folder, "ReadOnly").text = read_only
    command = ET.SubElement(ET.SubElement(root, "LogonCommand"), "Command")
    command.text = f"cmd.exe /c {_FROZEN / f'{name}-sandbox.cmd'}"
    ET.SubElement(root, "MemoryInMB").text = str(_MEMORY)
    ET.indent(root)
    return f"{ET.tostring(root, 'unicode')}\n".encode()


def sandbox_script(starts: Sequence[tuple[Start, str]]) -> bytes:
    """Return the script that starts each run and writes how it ended.

    Args:
        starts: The runs, each with the executable's path in the archive.
    """
    results = f'>>"{_RESULTS}\\results.txt" echo'
    lines = [
        "@echo off",
        "setlocal DisableDelayedExpansion",
        # The file itself is UTF-8.
        "chcp 65001 >nul",
        'cd /d "%TEMP%"',
        f'if exist "{_RESULTS}\\results.txt" del "{_RESULTS}\\results.txt"',
    ]
    for number, (asked, program) in enumerate(starts, 1):
        if any(_UNWRITABLE.search(word) for word in asked.arguments):
            lines.append(f"{results} run {number}: left out: an argument of several lines")
            continue
        words = [_quoted(word) for word in asked.arguments]
        command = " ".join([f'"{_FROZEN / PureWindowsPath(program)}"', *words])
        output = f'>"{_RESULTS}\\run-{number}.txt" 2>&1'
        if asked.code is None:
            lines += [
                f'start "" /b {command} {output}',
                f"ping -n {GOES_ON + 1:.0f} 127.0.0.1 >nul",
                f'tasklist /fi "imagename eq {PureWindowsPath(program).name}" | find /c "exe" >nul',
                f"if errorlevel 1 {results} run {number}: ended; it has to go on",
                f"if not errorlevel 1 {results} run {number}: goes on, as it has to",
            ]
        else:
            lines += [
                f"{command} {output}",
                f"{results} run {number}: exit code %ERRORLEVEL%; it has to be {asked.code}",
            ]
    lines += [f"{results} done", "exit /b 0", ""]
    return "\r\n".join(lines).encode()


def _quoted(word: str) -> str:
    """Return an argument as a script has to write it: for the program's parser, then for cmd's."""
    for_program = subprocess.list2cmdline([word])
    return _SPECIAL.sub(r"^\g<0>", for_program).replace("%", "%%")
