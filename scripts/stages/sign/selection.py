"""Decide which files of a frozen tree, and which artefacts, are signed."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from slipway.model.errors import StageFailed
from slipway.model.protocol.job import Input
from slipway.scripts.archives.frozen import is_frozen, platform_tag
from slipway.scripts.archives.limits import shown
from slipway.scripts.authenticode.pe import SUFFIXES, Binary, DamagedBinary, looks_like_pe, read_pe
from slipway.scripts.authenticode.signature import own_signature
from slipway.scripts.stages.sign.stage import SignStage

__all__ = ["Selection", "is_single", "is_windows_tree"]

#: Artefacts that are signed as they are, beside frozen programs.
_SINGLE = frozenset({".exe", ".msi", ".dll"})


def is_windows_tree(given: Input) -> bool:
    """Return whether an input is a program that was frozen on Windows, or may be."""
    tag = platform_tag(given.name)
    return is_frozen(given) and (tag is None or tag.startswith("win"))


def is_single(given: Input) -> bool:
    """Return whether an input is one file that can be signed."""
    return Path(given.name).suffix.lower() in _SINGLE


class Selection:
    """The choice that a stage's `files` and `skip` make, and what came of it."""

    def __init__(self, stage: SignStage) -> None:
        """Remember the patterns."""
        self._files, self._skip = stage.files, stage.skip
        self._unmatched = dict.fromkeys(stage.files)
        self.kept: dict[str, str] = {}
        """Who had signed the files that are left as they are, by name."""

    def has(self, name: str) -> bool:
        """Return whether a file is to be signed if it can be.

        Args:
            name: Its path in the frozen tree, with slashes.
        """
        base = name.rpartition("/")[2]
        hits = [one for one in self._files if fnmatchcase(name, one) or fnmatchcase(base, one)]
        for pattern in hits:
            self._unmatched.pop(pattern, None)
        if self._files and not hits:
            return False
        return not any(fnmatchcase(name, one) or fnmatchcase(base, one) for one in self._skip)

    def check_matched(self) -> None:
        """Check that each pattern of `files` has matched.

        Raises:
            StageFailed: One has not.
        """
        for pattern in self._unmatched:
            msg = (
                f'files: no Windows binary matches "{pattern}"; write what is there, or take it out'
            )
            raise StageFailed(msg)

    def of_tree(self, tree: Path) -> Iterator[tuple[str, Path]]:
        """Yield the binaries of a frozen tree that are to be signed, each by its name in it.

        Raises:
            StageFailed: One is damaged, or was altered after it was signed.
        """
        for path in sorted(tree.rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            # Without the tree's own top folder.
            name = "/".join(path.relative_to(tree).parts[1:]) or path.name
            if not _is_binary(path) or not self.has(name):
                continue
            if self.is_unsigned(name, path):
                yield name, path

    def is_unsigned(self, name: str, path: Path) -> bool:
        """Return whether a file carries no signature yet; remember whose it carries.

        Raises:
            StageFailed: It is no Windows binary, damaged, or was altered after it was signed.
        """
        try:
            binary = read_pe(path)
            if not binary.is_signed:
                return True
            self.kept[name] = _signer(binary)
        except DamagedBinary as error:
            msg = (
                f'{shown(name)} cannot be signed: it {error}; build it again, or list it in "skip"'
            )
            raise StageFailed(msg) from None
        return False


def _signer(binary: Binary) -> str:
    """Return who has signed a binary.

    Raises:
        DamagedBinary: The signature is not of this content.
    """
    signature = own_signature(binary)
    if signature is None:
        msg = "was altered after it was signed: its signature is of other content"
        raise DamagedBinary(msg)
    return signature.subject


def _is_binary(path: Path) -> bool:
    """Return whether Windows takes a file for a binary.

    One that only begins like a binary is none, unless its name says so: then it is damaged.
    """
    if path.suffix.lower() in SUFFIXES:
        return True
    if not looks_like_pe(path):
        return False
    try:
        read_pe(path)
    except DamagedBinary:
        return False
    return True
