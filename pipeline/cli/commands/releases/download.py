"""`slipway download`: an artefact of a run; its hash is verified before it gets its name."""

from __future__ import annotations

import argparse
import codecs
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from slipway.cli.remote.client import Remote
from slipway.cli.remote.projects import project_of, run_path
from slipway.cli.remote.words import say
from slipway.model.cell import cell_title
from slipway.model.errors import PASSED, StageFailed, WrongInput
from slipway.model.spelling import did_you_mean
from slipway.scripts.atomic_files import explain_full_disk, written_aside
from slipway.scripts.humanize import size_text

__all__ = ["run"]

#: File name that means the standard output.
_STDOUT = "-"
#: Control characters, which a terminal would obey or could not show.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def run(options: argparse.Namespace) -> int:
    """Download an artefact.

    Raises:
        WrongInput: There is no such artefact, or the target cannot be written.
        StageFailed: Its hash differs from the recorded one.
    """
    if options.output == _STDOUT and options.json:
        msg = "--json and -o - both print on the standard output; leave one of them out"
        raise WrongInput(msg)
    with Remote(options) as master:
        project = project_of(master, options)
        found = _artefact(master.get(run_path(project, options.run)), options)
        if options.output == _STDOUT:
            _print(master, found)
            return PASSED
        target = _target(options, found["name"])
        try:
            with written_aside(target) as stream:
                _fetch(master, found, stream)
                # Checked again as late as possible: a file that appeared meanwhile is not
                # overwritten.
                _refuse_existing(target, force=options.force)
        except OSError as error:
            msg = f"{target} cannot be written: {error.strerror}; name another with -o"
            raise WrongInput(msg) from None
    sentence = f"{target}: {size_text(found['size'])}, sha256 {found['sha256']}"
    own = ("name", "stage", "cell", "size", "sha256", "media_type")
    facts = {"project": project, "run": options.run, **{key: found[key] for key in own}}
    say(sentence, {**facts, "path": str(target)}, as_json=options.json)
    return PASSED


def _artefact(run: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Return the selected artefact, of the newest attempt of each cell.

    Raises:
        WrongInput: No artefact, or several artefacts match.
    """
    existing: list[dict[str, Any]] = [
        artefact
        for stage in run["stages"]
        for cell in stage["results"]
        for artefact in (cell["attempts"][0]["artefacts"] if cell["attempts"] else [])
    ]
    of_stage = [one for one in existing if options.stage in {None, one["stage"]}]
    selected = [one for one in of_stage if options.cell in {None, one["cell"]}]
    named = [one for one in selected if one["name"] == options.artefact]
    if len({one["sha256"] for one in named}) > 1:
        places = ", ".join(cell_title(one["stage"], one["cell"]) for one in named)
        msg = f'"{options.artefact}" is left by {places}: name one with --stage, or with --cell'
        raise WrongInput(msg)
    if existing and not selected:
        selection = " ".join(
            f'{option} "{text}"'
            for option, text in (("--stage", options.stage), ("--cell", options.cell))
            if text is not None
        )
        places = ", ".join(dict.fromkeys(cell_title(one["stage"], one["cell"]) for one in existing))
        msg = f"run {run['number']} has no artefacts of {selection}; it has some of {places}"
        raise WrongInput(msg)
    if not named:
        names = list(dict.fromkeys(one["name"] for one in selected))
        msg = f'run {run["number"]} has no artefact "{options.artefact}"; '
        msg += f"it has {', '.join(names) or 'none'}."
        raise WrongInput(msg + did_you_mean(options.artefact, names))
    return named[0]


def _target(options: argparse.Namespace, name: str) -> Path:
    """Return the path to write; a name from a master never leads out of this folder.

    Raises:
        WrongInput: The file exists already.
    """
    if options.output is None:
        target = Path(name.replace("\\", "/").rpartition("/")[2])
        if target.name in {"", ".", ".."} or "\x00" in str(target):
            msg = f'"{name}" is no name for a file here; name one with -o'
            raise WrongInput(msg)
    else:
        target = Path(options.output)
        target = target / Path(name).name if target.is_dir() else target
    _refuse_existing(target, force=options.force)
    return target


def _refuse_existing(target: Path, *, force: bool) -> None:
    if os.path.lexists(target) and not force:
        msg = f"{target} is there already; name another with -o, or overwrite it: --force"
        raise WrongInput(msg)


def _print(master: Remote, found: dict[str, Any]) -> None:
    """Write an artefact to the standard output after all of it was downloaded and verified.

    Raises:
        WrongInput: The output is a terminal, and the artefact is binary.
    """
    check = _text_alone(found["name"]) if sys.stdout.isatty() else None
    with tempfile.TemporaryFile() as whole:
        with explain_full_disk(Path(tempfile.gettempdir())):
            _fetch(master, found, whole, check)
            whole.seek(0)
        shutil.copyfileobj(whole, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _text_alone(name: str) -> Callable[[bytes], None]:
    """Return a check for each piece of an artefact that is shown in a terminal."""
    decoder = codecs.getincrementaldecoder("utf-8")()

    def check(piece: bytes) -> None:
        try:
            text = decoder.decode(piece)
        except UnicodeDecodeError:
            text = "\0"
        if _CONTROLS.search(text):
            msg = f"{name} is binary, which is not for a terminal; name a file with -o, or pipe it"
            raise WrongInput(msg)

    return check


def _fetch(
    master: Remote,
    found: dict[str, Any],
    stream: BinaryIO,
    check: Callable[[bytes], None] | None = None,
) -> None:
    """Download an artefact's bytes and verify its hash.

    Args:
        master: The master to download from.
        found: The artefact's facts.
        stream: The target.
        check: Called with each piece before it is written.

    Raises:
        StageFailed: Size or hash differ from the ledger's.
    """
    digest, size = hashlib.sha256(), 0
    for piece in master.stream(f"artefacts/{found['sha256']}", name=found["name"]):
        size += len(piece)
        if size > found["size"]:
            break
        if check is not None:
            check(piece)
        digest.update(piece)
        stream.write(piece)
    if size != found["size"] or digest.hexdigest() != found["sha256"]:
        msg = f"{found['name']} is not as the run has left it: its size or its SHA-256 differs; "
        raise StageFailed(f"{msg}nothing was written. Try again, or look at the master's store")
