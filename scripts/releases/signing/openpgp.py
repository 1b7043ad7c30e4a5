"""Sign SHA256SUMS with an OpenPGP key, by GnuPG."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.scripts.process import Finished, run
from slipway.scripts.releases.manifest import SUMS

__all__ = ["OpenPgpSigner"]

#: Seconds that GnuPG has; an agent may ask a card.
_PATIENCE = 60.0
_HOW = "see `gpg --list-secret-keys`"
#: Bytes of a signature.
_MOST = 1 << 20


@dataclass(frozen=True)
class OpenPgpSigner:
    """An OpenPGP key that signs."""

    key: str
    """Its whole fingerprint."""
    home: Path | None = None
    """The folder of its keys. None: the user's."""
    passphrase: str | None = field(default=None, repr=False)
    program: str = "gpg"

    def signed(self, sums: Path) -> tuple[str, bytes]:
        """Return the signature of a file, after verifying it.

        Raises:
            MissingTool: GnuPG is missing.
            StageFailed: It could not sign, or what it made is no signature by this key.
        """
        with tempfile.TemporaryDirectory(prefix="slipway-gpg-") as name:
            made = Path(name) / f"{SUMS}.asc"
            # The exclamation mark: this key, and not another one of the same owner's.
            words = ["--local-user", f"{self.key}!", "--armor", "--output", str(made)]
            loopback = ["--pinentry-mode", "loopback", "--passphrase-fd", "0"]
            if self.passphrase is not None:
                words = [*loopback, *words]
            done, lines = self._gpg([*words, "--detach-sign", str(sums)], self.passphrase)
            if done.code != 0 or not made.is_file():
                msg = f"openpgp: {self.key} did not sign: {_said(lines)}; {_HOW}"
                raise StageFailed(msg)
            self._verify(made, sums)
            data = made.read_bytes()
        if len(data) > _MOST:
            msg = f"openpgp: GnuPG made a signature of {len(data):,} bytes, as no signature has"
            raise StageFailed(msg)
        return f"{SUMS}.asc", data

    def check(self) -> datetime | None:
        """Return when the key expires; None: never.

        Raises:
            MissingTool: GnuPG is missing.
            WrongInput: There is no such secret key, or it may not sign any more.
        """
        _, lines = self._gpg(["--with-colons", "--list-secret-keys", self.key])
        rows = [line.split(":") for line in lines]
        found = next(self._rows_of_key(rows), None)
        if found is None:
            where = self.home or "the user's own folder"
            msg = f"openpgp: there is no secret key {self.key} in {where}; {_HOW}"
            raise WrongInput(msg)
        validity, expires = found[1], found[6]
        if validity in {"r", "d", "e", "i"}:
            why = {"r": "revoked", "d": "disabled", "e": "expired", "i": "invalid"}[validity]
            msg = f"openpgp: the key {self.key} is {why}; name another"
            raise WrongInput(msg)
        return datetime.fromtimestamp(int(expires), UTC) if expires.isdigit() else None

    def _rows_of_key(self, rows: list[list[str]]) -> Iterator[list[str]]:
        """Yield the row of this key: its fingerprint is in the row after it."""
        last: list[str] = []
        for row in rows:
            if row[0] in {"sec", "ssb"}:
                last = row
            elif row[0] == "fpr" and row[9].upper() == self.key.upper() and last:
                yield last

    def _verify(self, made: Path, sums: Path) -> None:
        done, lines = self._gpg(["--status-fd", "1", "--verify", str(made), str(sums)])
        valid = [line.split()[2:] for line in lines if line.startswith("[GNUPG:] VALIDSIG ")]
        if done.code != 0 or not any(self.key.upper() in words for words in valid):
            msg = f"openpgp: what GnuPG signed is not signed by {self.key}: {_said(lines)}"
            raise StageFailed(msg)

    def _gpg(self, words: list[str], given: str | None = None) -> tuple[Finished, list[str]]:
        if shutil.which(self.program) is None:
            msg = (
                f"openpgp: {self.program} is not on this machine; `apt-get install gnupg`, or name "
                "it with `program`"
            )
            raise MissingTool(msg)
        lines: list[str] = []
        home = ["--homedir", str(self.home)] if self.home else []
        done = run(
            [self.program, "--batch", "--no-tty", *home, *words],
            log=lambda text: lines.extend(text.splitlines()),
            timeout=_PATIENCE,
            what="GnuPG",
            given="" if given is None else f"{given}\n",
        )
        return done, lines


def _said(lines: list[str]) -> str:
    told = [line for line in lines if not line.startswith("[GNUPG:]")]
    return " | ".join(told[-3:]) or "it said nothing"
