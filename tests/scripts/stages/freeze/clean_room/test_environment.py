"""The variables that a frozen program is started with."""

import os

import pytest

from slipway.scripts.stages.freeze.clean_room.environment import (
    bare_environment,
    windows_environment,
)

GIVEN = {
    "SYSTEMROOT": r"D:\Win",
    "COMSPEC": r"D:\Win\system32\cmd.exe",
    "USERNAME": "worker",
    "USERPROFILE": r"C:\Users\worker",
    "TEMP": r"C:\Temp",
    "PATH": r"C:\Python311;C:\Git",
    "PYTHONPATH": r"C:\x",
    "SECRET": "s",
}


def test_windows_gets_what_each_windows_has():
    assert windows_environment(GIVEN, None) == {
        "SYSTEMROOT": r"D:\Win",
        "COMSPEC": r"D:\Win\system32\cmd.exe",
        "USERNAME": "worker",
        "USERPROFILE": r"C:\Users\worker",
        "TEMP": r"C:\Temp",
        "PATH": r"D:\Win\System32;D:\Win;D:\Win\System32\Wbem",
    }


def test_the_users_folders_are_empty_ones():
    found = windows_environment(GIVEN, r"C:\smoke\empty-0")
    assert found["USERPROFILE"] == r"C:\smoke\empty-0"
    assert found["APPDATA"] == r"C:\smoke\empty-0\AppData\Roaming"
    assert found["LOCALAPPDATA"] == r"C:\smoke\empty-0\AppData\Local"
    assert found["TEMP"] == found["TMP"] == r"C:\smoke\empty-0\AppData\Local\Temp"


@pytest.mark.skipif(os.name == "nt", reason="Windows itself needs some")
def test_elsewhere_there_are_none(tmp_path):
    assert bare_environment(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []
