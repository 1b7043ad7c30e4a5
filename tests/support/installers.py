"""Frozen programs in small, and jobs that make installers of them."""

import hashlib
import shutil
import struct
import tempfile
from pathlib import Path

from slipway.model.protocol.event import ArtefactLeft, Summary
from slipway.model.protocol.job import Input, Job, RunFacts
from slipway.scripts.archives.pack import pack_tree
from slipway.scripts.report import Report

__all__ = ["EPOCH", "HOSTILE", "ICO", "PNG", "Recorder", "frozen", "installer_job", "pe"]

EPOCH = 1_700_000_001
#: Names that scripts of makensis, sources of wixl, shells and control files would take apart.
HOSTILE = (
    "lib/${NSISDIR} $%PATH% $INSTDIR.txt",
    "lib/$(env.PATH) $(var.dollar) $$ $.txt",
    "lib/$/readme.txt",
    "lib/[TARGETDIR] {x} [#F1].txt",
    "lib/`id` 'q' 100% #; !system & ^.txt",
    "lib/ż€ 漢字.txt",
    "lib/-rf.txt",
    "lib/two  blanks.txt",
    f"lib/{'n' * 120}.txt",
)


class Recorder(Report):
    """Keeps what a stage says."""

    def __init__(self):
        self.events = []
        self.lines = []

    def emit(self, event):
        self.events.append(event)

    def log(self, text):
        self.lines.append(text)

    def artefacts(self):
        return {one.name: Path(one.path) for one in self.events if isinstance(one, ArtefactLeft)}

    def facts(self):
        return next(one for one in self.events if isinstance(one, Summary)).facts


def frozen(folder: Path, tag: str, files: dict[str, bytes], program="shelf", stage="freeze"):
    """Pack files as the archive of a frozen program; those without a folder are executable."""
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / program
        tree.mkdir()
        for name, content in files.items():
            path = tree / name
            if name.endswith("/"):
                path.mkdir(parents=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(0o755 if "/" not in name or ".so" in name else 0o644)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{program}-{tag}.tar.zst"
        pack_tree(tree, target, epoch=EPOCH, root=program)
    data = target.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    facts = {"name": target.name, "path": str(target), "sha256": digest, "size": len(data)}
    return Input(stage=stage, uses=stage, **facts)


def installer_job(folder: Path, inputs, version="1.4.0+7", **stage) -> Job:
    """Return a job in an empty folder of its own."""
    output = folder / "output"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    return Job(
        project="shelf",
        name="installers",
        stage={"uses": "installer", "needs": ["freeze"], **stage},
        run=RunFacts(number=7, revision="ab", branch="main", committed_at=EPOCH, version=version),
        inputs=tuple(inputs),
        output=str(output),
        cache=str(folder / "cache"),
        state=str(folder / "state"),
    )


def pe(*, windowed=False) -> bytes:
    """Return the headers of a Windows program for 64 bits, and no code."""
    head = bytearray(512)
    head[:2] = b"MZ"
    struct.pack_into("<I", head, 0x3C, 0x80)
    head[0x80:0x84] = b"PE\0\0"
    struct.pack_into("<H", head, 0x84, 0x8664)
    struct.pack_into("<H", head, 0x98, 0x20B)
    struct.pack_into("<H", head, 0x98 + 68, 2 if windowed else 3)
    return bytes(head)


def _icon() -> bytes:
    """Return an icon of 16 x 16 pixels, all of one colour."""
    bitmap = struct.pack("<IiiHHIIiiII", 40, 16, 32, 1, 32, 0, 0, 0, 0, 0, 0)
    pixels = b"\x11\x22\x33\xff" * 256 + bytes(64)
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(bitmap) + len(pixels), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + bitmap + pixels


ICO = _icon()
#: The header of a PNG, as far as it is read.
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 64, 64) + b"\x08\x06\0\0\0"
