"""Run the programs that sign: osslsigncode, and signtool on Windows."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.scripts.authenticode.credentials import Material
from slipway.scripts.process import Finished
from slipway.scripts.process import run as run_program

__all__ = [
    "Osslsigncode",
    "OwnProgram",
    "Shown",
    "Signer",
    "Signtool",
    "TimestampRefused",
    "find_signer",
]

#: Seconds for one file; a timestamp authority may be slow.
_PATIENCE = 120.0
_BATCHES = (".bat", ".cmd")
_LAST_LINES = 3
_BAD_STAMP = re.compile(r"Timestamp Server Signature verification:\s*failed", re.IGNORECASE)
_MISSING = (
    "osslsigncode is not on this machine; install it (apt-get install osslsigncode) or put it "
    "on PATH"
)
_MISSING_ON_WINDOWS = (
    "neither signtool nor osslsigncode is on this machine; install the signing tools of the "
    "Windows SDK, or put osslsigncode on PATH"
)


class TimestampRefused(Exception):
    """An authority gave no timestamp; the message is what the program said last."""


@dataclass(frozen=True)
class Shown:
    """What Windows shows beside the signer's name."""

    text: str = ""
    url: str = ""


class Signer(Protocol):
    """A program that signs files in place."""

    def sign(self, file: Path, shown: Shown, at: int) -> None:
        """Sign a file.

        Args:
            file: The file.
            shown: What Windows shows.
            at: The time of signing, as the signer claims it, in seconds since 1970.

        Raises:
            StageFailed: It cannot be signed.
        """

    def stamp(self, file: Path, url: str) -> None:
        """Add the timestamp of an authority to a signed file.

        Raises:
            TimestampRefused: There is none.
        """

    def verify(self, file: Path, thumbprint: str, *, stamped: bool) -> None:
        """Verify a signed file.

        Raises:
            StageFailed: Its signature, or its timestamp, is not valid.
        """


def find_signer(material: Material, stamp_roots: Path | None, env: Mapping[str, str]) -> Signer:
    """Return the program that signs on this machine.

    Args:
        material: Key and certificates.
        stamp_roots: The roots of timestamp authorities. None: the system's.
        env: The environment of the program.

    Raises:
        MissingTool: There is none.
    """
    if os.name == "nt" and (program := shutil.which("signtool") or _in_the_sdk(env)):
        return Signtool(program, material, env)
    if program := shutil.which("osslsigncode"):
        return Osslsigncode(program, material, env, stamp_roots)
    raise MissingTool(_MISSING_ON_WINDOWS if os.name == "nt" else _MISSING)


def _in_the_sdk(env: Mapping[str, str]) -> str | None:
    """Return the newest signtool of the Windows SDK, which is not put on PATH."""
    # Python has the names in capitals there, and a copy of its environment does not ignore case.
    found = {name.upper(): value for name, value in env.items()}
    programs = found.get("PROGRAMFILES(X86)", "C:\\Program Files (x86)")
    kits = Path(programs, "Windows Kits", "10")
    return max(map(str, kits.glob("bin/10.*/x64/signtool.exe")), default=None)


@dataclass
class Osslsigncode:
    """osslsigncode, 2.5 or newer."""

    program: str
    material: Material
    env: Mapping[str, str]
    stamp_roots: Path | None = None
    _said: list[str] = field(default_factory=list, init=False, repr=False)

    def sign(self, file: Path, shown: Shown, at: int) -> None:
        """Sign a file."""
        words: list[str | Path] = ["sign", "-certs", self.material.certificates]
        # The password by the standard input: others see arguments, and a file could stay behind.
        words += ["-key", self.material.key, "-readpass", "-" if os.name == "nt" else "/dev/stdin"]
        words += ["-h", "sha256", "-time", str(at)]
        words += ["-n", shown.text] if shown.text else []
        words += ["-i", shown.url] if shown.url else []
        ended = self._change(file, words, self.material.password)
        if ended.code:
            raise StageFailed(f"{file.name} cannot be signed: {ended.sentence('osslsigncode')}")

    def stamp(self, file: Path, url: str) -> None:
        """Add the timestamp of an authority to a signed file."""
        try:
            ended = self._change(file, ["add", "-ts", url, "-h", "sha256"])
        except StageFailed as error:
            raise TimestampRefused(str(error)) from None
        if ended.code:
            raise TimestampRefused(ended.last_output(_LAST_LINES))

    def verify(self, file: Path, thumbprint: str, *, stamped: bool) -> None:
        """Verify a signed file, by the chain's own root or else the system's."""
        words: list[str | Path] = ["verify", "-require-leaf-hash", f"sha256:{thumbprint}"]
        # Else it fetches lists of what was revoked from where any certificate says. 2.5 does not.
        words += [option for option in ("-ignore-cdp",) if option in self._options]
        words += ["-CAfile", self.material.roots] if self.material.roots else []
        words += ["-TSA-CAfile", self.stamp_roots] if self.stamp_roots else []
        ended = self._run([*words, "-in", file])
        if ended.code:
            hint = (
                "" if self.material.roots else "; where its root is not known, add it to the chain"
            )
            msg = f"{file.name} was signed, but its signature is not valid here{hint}: "
            raise StageFailed(msg + ended.sentence("osslsigncode"))
        # Then it ends with 0 all the same.
        if stamped and _BAD_STAMP.search("".join(self._said)):
            msg = (
                f"the timestamp of {file.name} is by nobody who is trusted here; where the "
                "authority is your own, name its root: timestamp-roots"
            )
            raise StageFailed(msg)

    @cached_property
    def _options(self) -> frozenset[str]:
        self._run(["--help"])
        return frozenset(re.findall(r"-[A-Za-z-]+", "".join(self._said)))

    def _change(
        self, file: Path, words: Sequence[str | Path], given: str | None = None
    ) -> Finished:
        made = file.with_name(f"{file.name}.signed")
        try:
            ended = self._run([*words, "-in", file, "-out", made], given)
            if not ended.code:
                made.chmod(file.stat().st_mode & 0o777)
                made.replace(file)
        finally:
            made.unlink(missing_ok=True)
        return ended

    def _run(self, words: Sequence[str | Path], given: str | None = None) -> Finished:
        self._said.clear()
        return run_program(
            [self.program, *words],
            env=self.env,
            log=self._said.append,
            timeout=_PATIENCE,
            what="osslsigncode",
            given=given,
        )


@dataclass
class Signtool:
    """signtool of the Windows SDK."""

    program: str
    material: Material
    env: Mapping[str, str]

    def sign(self, file: Path, shown: Shown, at: int) -> None:  # noqa: ARG002  it tells no time itself
        """Sign a file."""
        # It takes a password as an argument alone; this one was made for this file, this once.
        words: list[str | Path] = ["sign", "/q", "/fd", "SHA256"]
        words += ["/f", self.material.store, "/p", self.material.password]
        words += ["/d", shown.text] if shown.text else []
        words += ["/du", shown.url] if shown.url else []
        ended = self._run([*words, file])
        if ended.code:
            raise StageFailed(f"{file.name} cannot be signed: {ended.sentence('signtool')}")

    def stamp(self, file: Path, url: str) -> None:
        """Add the timestamp of an authority to a signed file."""
        try:
            ended = self._run(["timestamp", "/q", "/tr", url, "/td", "SHA256", file])
        except StageFailed as error:
            raise TimestampRefused(str(error)) from None
        if ended.code:
            raise TimestampRefused(ended.last_output(_LAST_LINES))

    def verify(self, file: Path, thumbprint: str, *, stamped: bool) -> None:  # noqa: ARG002  read elsewhere
        """Verify a signed file by the roots that this Windows trusts."""
        ended = self._run(["verify", "/q", "/pa", "/all", *(["/tw"] if stamped else []), file])
        if ended.code:
            msg = f"{file.name} was signed, but its signature is not valid here: "
            raise StageFailed(msg + ended.sentence("signtool"))

    def _run(self, words: Sequence[str | Path]) -> Finished:
        return run_program([self.program, *words], env=self.env, timeout=_PATIENCE, what="signtool")


@dataclass
class OwnProgram:
    """A program of the site's own that signs; another one adds timestamps and verifies."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    other: Signer
    log: Callable[[str], None]

    def sign(self, file: Path, shown: Shown, at: int) -> None:  # noqa: ARG002  its own affair
        """Sign a file."""
        program = shutil.which(self.argv[0], path=self.env.get("PATH")) or self.argv[0]
        if program.lower().endswith(_BATCHES):
            # Windows has them read by its shell, which would run what a file's name says.
            msg = f"program: {program} is a batch file; write the program that it starts"
            raise WrongInput(msg)
        words = [word.replace("{file}", str(file)) for word in self.argv[1:]]
        name = Path(self.argv[0]).name
        ended = run_program(
            [program, *words], env=self.env, log=self.log, timeout=_PATIENCE, what=name
        )
        if ended.code:
            raise StageFailed(f"{file.name} cannot be signed: {ended.sentence(name)}")

    def stamp(self, file: Path, url: str) -> None:
        """Add the timestamp of an authority to a signed file."""
        self.other.stamp(file, url)

    def verify(self, file: Path, thumbprint: str, *, stamped: bool) -> None:
        """Verify a signed file."""
        self.other.verify(file, thumbprint, stamped=stamped)
