"""Sign what a job was given: all of it is signed and verified before anything is left."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from slipway.model.errors import StageFailed
from slipway.model.protocol.job import Input, Job
from slipway.scripts.archives.bills import with_hashes
from slipway.scripts.archives.frozen import BILL, SUFFIX, is_bill
from slipway.scripts.archives.pack import pack_tree, unpack
from slipway.scripts.atomic_files import link_file
from slipway.scripts.authenticode.pe import DamagedBinary, read_pe
from slipway.scripts.authenticode.signature import own_signature
from slipway.scripts.authenticode.signers import OwnProgram, Shown, find_signer
from slipway.scripts.authenticode.timestamps import Authorities
from slipway.scripts.humanize import count_text, plain_name
from slipway.scripts.inputs import nothing_to
from slipway.scripts.python_env.interpreter import clean_environment
from slipway.scripts.report import Report, hash_file
from slipway.scripts.stages.sign.keys import read_credentials, stamp_roots
from slipway.scripts.stages.sign.outcome import Signed, leave
from slipway.scripts.stages.sign.selection import Selection, is_single, is_windows_tree
from slipway.scripts.stages.sign.stage import SignStage

__all__ = ["Signing"]

#: Low, for speed, as `freeze` does: it is compressed again for the release.
_LEVEL = 3
_MSI = ".msi"


class Signing:
    """The signing of one job's inputs."""

    def __init__(self, job: Job, stage: SignStage, work: Path, report: Report) -> None:
        """Check the inputs, then the certificate, then that there is a program that signs.

        Args:
            job: The stage.
            stage: Its settings.
            work: A folder that nobody else may enter; the caller removes it.
            report: Receives progress.

        Raises:
            MissingTool: This machine has no program that signs.
            StageFailed: The inputs cannot be signed.
            WrongInput: The certificate, its key or the password is wrong.
        """
        self._job, self._stage, self._report = job, stage, report
        self._work, self._done = work, work / "done"
        self._inputs = _products(job)
        self._selection = Selection(stage)
        now = datetime.now(UTC)
        self._credentials = read_credentials(stage, now)
        if self._credentials.expires_soon(now):
            end = f"{self._credentials.not_after:%Y-%m-%d}"
            text = f"the certificate of {self._credentials.subject} ends on {end}; order the next"
            report.notice(text, level="warning")
        if not stage.timestamp and stage.program is None:
            end = f"{self._credentials.not_after:%Y-%m-%d}"
            text = f"signed without a timestamp: the signatures are void after {end}"
            report.notice(text, level="warning")
        self._done.mkdir()
        keys = work / "keys"
        keys.mkdir(0o700)
        # What is signed must not see this stage's own secrets.
        env = clean_environment()
        signer = find_signer(self._credentials.write(keys), stamp_roots(stage), env)
        if stage.program is not None:
            signer = OwnProgram(stage.program, env | stage.env, signer, report.log)
        self._signer = signer
        self._authorities = Authorities(stage.timestamp, self._signer)
        self._shown = Shown(stage.description or "", stage.url or "")
        # The commit's time, so that the same commit gives the same bytes; but while it is valid.
        begins = int(self._credentials.not_before.timestamp())
        self._at = max(job.run.committed_at, begins)
        self._signed: list[Signed] = []
        # By the tree's name without suffix: files of two trees may be alike before they are signed.
        self._changed: dict[str, dict[tuple[str, str], str]] = {}

    def run(self) -> None:
        """Sign, verify and leave all.

        Raises:
            StageFailed: Something could not be signed, or there was nothing to sign.
        """
        taken = {one.name: self._take(one) for one in self._inputs if not is_bill(one)}
        passed_on = [name for name, is_signed in taken.items() if not is_signed]
        for one in filter(is_bill, self._inputs):
            self._describe(one)
        self._selection.check_matched()
        if not self._signed:
            raise StageFailed(_nothing(self._selection.kept, passed_on))
        if passed_on:
            names = ", ".join(passed_on)
            self._report.notice(f"not for Windows, or nothing to sign in it; left as is: {names}")
        leave(
            self._job,
            [self._done / one.name for one in self._inputs],
            self._signed,
            self._selection.kept,
            self._credentials,
            self._report,
        )

    def _take(self, given: Input) -> bool:
        """Sign an input, or put it aside as it is; return whether anything was signed."""
        before = len(self._signed)
        target = self._done / given.name
        if is_windows_tree(given):
            self._take_tree(given, target)
        elif is_single(given) and self._selection.has(given.name):
            shutil.copyfile(given.path, target)
            if target.suffix.lower() == _MSI or self._selection.is_unsigned(given.name, target):
                self._sign(given.name, given.name, target)
        if not target.exists():
            link_file(Path(given.path), target)
        return len(self._signed) > before

    def _describe(self, bill: Input) -> None:
        """Put the hashes of what was signed into a bill of materials.

        Raises:
            StageFailed: It cannot be read.
        """
        changed = self._changed.get(bill.name.removesuffix(BILL))
        if changed is None:
            link_file(Path(bill.path), self._done / bill.name)
            return
        try:
            text = with_hashes(Path(bill.path).read_text("utf-8"), changed)
        except ValueError as error:
            msg = f"{bill.name} is no bill of materials (CycloneDX, JSON): {error}"
            raise StageFailed(msg) from None
        (self._done / bill.name).write_text(text, "utf-8")

    def _take_tree(self, given: Input, target: Path) -> None:
        tree = self._work / "tree"
        unpack(Path(given.path), tree)
        found = list(self._selection.of_tree(tree))
        for number, (name, path) in enumerate(found):
            self._report.progress(f"signing {name}", number, len(found))
            self._sign(given.name, name, path)
        if found:
            self._report.progress(f"packing {given.name}")
            epoch = self._job.run.committed_at
            pack_tree(tree, target, epoch=epoch, level=_LEVEL, root="")
        shutil.rmtree(tree)

    def _sign(self, artefact: str, name: str, file: Path) -> None:
        """Sign one file and verify it.

        Raises:
            StageFailed: It cannot be signed, or its signature is not valid.
        """
        before = hash_file(file)
        stamped, is_msi = bool(self._authorities.urls), file.suffix.lower() == _MSI
        self._signer.sign(file, self._shown, self._at)
        own = self._stage.program is not None and not is_msi
        # A program of the site's own may have got a timestamp itself; or it has signed nothing.
        if not own or self._check(name, file, stamped=False) is None:
            self._authorities.stamp(file)
        self._signer.verify(file, self._credentials.thumbprint, stamped=stamped)
        at = None if is_msi else self._check(name, file, stamped=stamped)
        self._signed.append(Signed(artefact, name, at))
        changed = self._changed.setdefault(artefact.removesuffix(SUFFIX), {})
        changed[name, before] = hash_file(file)

    def _check(self, name: str, file: Path, *, stamped: bool) -> datetime | None:
        """Check a signature without the program that made it; return its timestamp.

        Raises:
            StageFailed: It is not there, not of this certificate, or of other content.
        """
        try:
            signature = own_signature(read_pe(file))
        except DamagedBinary as error:
            msg = f"{name} is damaged by signing: it {error}"
            raise StageFailed(msg) from None
        if signature is None or signature.thumbprint != self._credentials.thumbprint:
            msg = f"{name} was signed, but does not carry a signature of this certificate"
            raise StageFailed(msg)
        if stamped and signature.timestamp is None:
            msg = f"{name} was signed, but its timestamp cannot be read"
            raise StageFailed(msg)
        return signature.timestamp


def _products(job: Job) -> list[Input]:
    """Return the products to sign, after checking their names.

    Raises:
        StageFailed: There is none, or two have one name.
    """
    found = sorted((one for one in job.inputs if one.role == "product"), key=lambda one: one.name)
    if not found:
        raise nothing_to("sign", job)
    seen: dict[str, Input] = {}
    for one in found:
        name = plain_name(one.name, f'an artefact of stage "{one.stage}"').lower()
        if name in seen:
            msg = f'both "{seen[name].stage}" and "{one.stage}" left "{one.name}"; rename one'
            raise StageFailed(msg)
        seen[name] = one
    return found


def _nothing(kept: dict[str, str], passed_on: list[str]) -> str:
    names = ", ".join(passed_on)
    if kept:
        signers = ", ".join(sorted(set(kept.values())))
        number = count_text(len(kept), "file")
        return f"nothing was signed: {number} of {names} are signed already, by {signers}"
    return f"nothing was signed: no Windows program or installer is in {names}"
