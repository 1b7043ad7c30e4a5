"""The programs that sign, where they are not to be had: what they would be asked."""

import os
import shutil
from pathlib import Path

import pytest

from slipway.model.errors import MissingTool, StageFailed
from slipway.scripts.authenticode import signers
from slipway.scripts.authenticode.credentials import load_credentials
from slipway.scripts.authenticode.signers import Shown, Signtool, TimestampRefused, find_signer
from tests.support.signing import now, signer


@pytest.fixture
def material(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir(0o700)
    made = load_credentials(signer().pem.encode(), "a file", signer().key_pem(), "", now())
    return made.write(folder)


@pytest.fixture
def signtool(tmp_path, material):
    """A program in signtool's place, which writes down what it was asked and ends as told."""
    stand_in = tmp_path / "signtool"
    stand_in.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/asked\necho no luck\nexit ${{CODE:-0}}\n'
    )
    stand_in.chmod(0o755)

    def asked():
        return (tmp_path / "asked").read_text().splitlines()

    return Signtool(str(stand_in), material, dict(os.environ)), asked


def test_signtool_signs_with_a_password_of_this_one_time(signtool, material):
    program, asked = signtool
    program.sign(Path("a.exe"), Shown("Shelf", "https://shelf.example/"), 0)
    assert asked() == [
        *("sign", "/q", "/fd", "SHA256", "/f", str(material.store), "/p", material.password),
        *("/d", "Shelf", "/du", "https://shelf.example/", "a.exe"),
    ]
    assert len(material.password) > 30


def test_signtool_gets_a_timestamp_and_verifies(signtool):
    program, asked = signtool
    program.stamp(Path("a.exe"), "http://stamps.example/")
    stamp = ["timestamp", "/q", "/tr", "http://stamps.example/", "/td", "SHA256", "a.exe"]
    assert asked() == stamp
    program.verify(Path("a.exe"), "ab", stamped=True)
    assert asked() == ["verify", "/q", "/pa", "/all", "/tw", "a.exe"]


def test_what_signtool_says_is_told(signtool):
    program, _ = signtool
    program.env = {**program.env, "CODE": "1"}
    with pytest.raises(StageFailed, match=r"a\.exe cannot be signed: signtool ended .* no luck"):
        program.sign(Path("a.exe"), Shown(), 0)
    with pytest.raises(StageFailed, match=r"its signature is not valid here: signtool ended"):
        program.verify(Path("a.exe"), "ab", stamped=False)
    with pytest.raises(TimestampRefused, match="no luck"):
        program.stamp(Path("a.exe"), "http://stamps.example/")


def test_the_newest_signtool_of_the_sdk_is_found(tmp_path):
    for version in ("10.0.19041.0", "10.0.22621.0"):
        program = tmp_path / "Windows Kits" / "10" / "bin" / version / "x64" / "signtool.exe"
        program.parent.mkdir(parents=True)
        program.touch()
    for name in ("ProgramFiles(x86)", "PROGRAMFILES(X86)"):
        assert signers._in_the_sdk({name: str(tmp_path)}) == str(program)
    assert signers._in_the_sdk({"ProgramFiles(x86)": str(tmp_path / "nowhere")}) is None


def test_a_machine_without_any(material, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingTool, match="apt-get install osslsigncode"):
        find_signer(material, None, {})
